"""Data sets, label corruption and the input pipeline: everything up to the batch that a training step receives."""
