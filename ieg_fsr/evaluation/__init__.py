"""Evaluation of a trained classifier: metrics, saved models, audit of labels."""
