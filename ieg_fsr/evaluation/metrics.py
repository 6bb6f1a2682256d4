"""Accuracy figures of a classifier, in NumPy."""

from __future__ import annotations

import numpy as np


def top_k_accuracy(logits: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Share of the examples whose true class is among the k classes with the largest logits.

    Equal logits rank by class index, the lower one first: k = 1 agrees with `np.argmax`. The true class never ranks
    before a NaN or with a NaN, so that a diverged network scores 0 and not 1.

    Args:
      logits: [N, C].
      labels: [N] true classes in 0..C-1.
      k: at least 1; more than C counts as C.

    Raises:
      ValueError: k is below 1, shapes do not fit, there is no example, or a label is out of range.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1. Received: {k}")
    logits = np.asarray(logits)
    if logits.ndim != 2:
        raise ValueError(f"logits must have shape [N, C]. Received: {logits.shape}")
    num_classes = logits.shape[1]
    labels = _check_classes("labels", labels, num_classes)
    if len(labels) != len(logits) or not len(labels):
        raise ValueError(f"logits and labels must be of one length, not 0. Received: {len(logits)} and {len(labels)}")
    own = logits[np.arange(len(labels)), labels][:, np.newaxis]
    ahead = ~(logits <= own)  # larger, or not comparable
    ahead |= (logits == own) & (np.arange(num_classes) < labels[:, np.newaxis])
    return float(np.mean(ahead.sum(axis=1) < min(k, num_classes)))


def confusion_matrix(predictions: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Counts predictions per true class.

    Args:
      predictions: [N] predicted classes in 0..C-1.
      labels: [N] true classes in 0..C-1.
      num_classes: C.

    Returns:
      int64 [C, C]; entry [i, j] counts the examples of class i that were taken for class j.

    Raises:
      ValueError: the lengths differ, or a class is out of range.
    """
    predictions = _check_classes("predictions", predictions, num_classes)
    labels = _check_classes("labels", labels, num_classes)
    if len(predictions) != len(labels):
        raise ValueError(
            f"predictions and labels must be of one length. Received: {len(predictions)} and {len(labels)}"
        )
    cells = labels * num_classes + predictions
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes).astype(np.int64)


def per_class_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Share of the examples of each class that were recognised (its recall).

    Args:
      confusion: [C, C] counts, rows true, columns predicted.

    Returns:
      float64 [C], NaN for a class without examples.
    """
    examples = confusion.sum(axis=1)
    return np.divide(np.diagonal(confusion), examples, out=np.full(len(confusion), np.nan), where=examples > 0)


def mean_per_class_accuracy(confusion: np.ndarray) -> float:
    """Mean of `per_class_accuracy` over the classes that have examples; NaN where none has."""
    present = confusion.sum(axis=1) > 0
    return float(np.mean(per_class_accuracy(confusion)[present])) if present.any() else float("nan")


def accuracies(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """test_accuracy, test_top5, test_mean_class_accuracy (over classes with examples) of logits [N, C].

    Args:
      logits: [N, C].
      labels: [N], true classes in 0..C-1.
    """
    confusion = confusion_matrix(np.argmax(logits, axis=1), labels, logits.shape[1])
    return {
        "test_accuracy": top_k_accuracy(logits, labels, 1),
        "test_top5": top_k_accuracy(logits, labels, 5),
        "test_mean_class_accuracy": mean_per_class_accuracy(confusion),
    }


def _check_classes(name: str, classes: np.ndarray, num_classes: int) -> np.ndarray:
    """Returns [N] classes as int64 after checking that they are in 0..num_classes-1."""
    classes = np.asarray(classes).astype(np.int64)
    if classes.ndim != 1:
        raise ValueError(f"{name} must have shape [N]. Received: {classes.shape}")
    if classes.size and not 0 <= classes.min() <= classes.max() < num_classes:
        raise ValueError(f"{name} must be in 0..{num_classes - 1}. Received: {classes.min()}..{classes.max()}")
    return classes
