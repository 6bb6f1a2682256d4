"""Where images and labels come from: a data set each."""
