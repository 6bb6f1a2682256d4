"""Examples without a given label: they have the label -1, in files and arrays alike. NumPy only."""

import numpy as np

UNLABELLED = -1


def labelled(labels: np.ndarray) -> np.ndarray:
    """Which of the labels [N] are some, bool [N]."""
    return np.asarray(labels) != UNLABELLED


def class_counts(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """How many examples have each class as their label, [C]."""
    return np.bincount(labels[labelled(labels)], minlength=num_classes)


def class_shares(counts: np.ndarray) -> np.ndarray:
    """Shares of the classes among the labelled examples, [C], above 0: a class without any counts as if it had one.

    Args: counts: [C], of `class_counts`.
    """
    counts = np.maximum(counts, 1)
    return counts / counts.sum()


def unlabelled_notes(labels: np.ndarray) -> list[str]:
    """What a user should know about the labels [N] of a training set, a line or nothing."""
    known = int(np.sum(labelled(labels)))
    return [f"{len(labels) - known} of {len(labels)} training examples have no given label"] * (known < len(labels))
