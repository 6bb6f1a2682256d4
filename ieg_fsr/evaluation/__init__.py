"""What a classifier, or a list of suspect labels, is worth: metrics, and any saved model on any test set."""
