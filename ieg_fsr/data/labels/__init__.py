"""What is done to labels and classes: noise, files of labels, long tails, hold-outs."""
