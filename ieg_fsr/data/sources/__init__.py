"""Where images and labels come from: a module for each data set or kind of own data, and what they share."""
