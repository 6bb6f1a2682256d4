"""Accuracy figures of a classifier."""

from __future__ import annotations

import numpy as np


def top_k_accuracy(logits: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Share of the examples whose true class is among the k classes with the largest logits.

    Equal logits rank by class index, the lower one first: k = 1 agrees with `np.argmax`. The true class never ranks
    before a NaN or with a NaN, so that a diverged network scores 0 and not 1. (scikit-learn's function ranks equal ones
    the other way round and refuses NaN.)

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
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) != len(logits) or not len(labels):
        raise ValueError(f"logits [N, C] must fit labels [N], N not 0. Received: {logits.shape} and {labels.shape}")
    if not 0 <= labels.min() <= labels.max() < num_classes:
        raise ValueError(f"labels must be in 0..{num_classes - 1}. Received: {labels.min()}..{labels.max()}")
    own = logits[np.arange(len(labels)), labels][:, np.newaxis]
    ahead = ~(logits <= own)  # larger, or not comparable
    ahead |= (logits == own) & (np.arange(num_classes) < labels[:, np.newaxis])
    return float(np.mean(ahead.sum(axis=1) < min(k, num_classes)))


def class_accuracies(predictions: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Share of the examples of each class that were recognised (its recall), float64 [C]; NaN for one without examples.

    Args: predictions, labels: [N], classes in 0..C-1. num_classes: C.
    """
    # Not scikit-learn's: to load that takes a twentieth of the time to the first epoch of the digits.
    of_class = np.bincount(labels, minlength=num_classes)
    recognised = np.bincount(labels[predictions == labels], minlength=num_classes)
    return np.divide(recognised, of_class, out=np.full(num_classes, np.nan), where=of_class > 0)


def mean_class_accuracy(of_classes: np.ndarray) -> float:
    """Mean over the classes that have examples. Args: of_classes: [C], NaN for a class without; one has some."""
    return float(np.mean(of_classes[~np.isnan(of_classes)]))


# A class is one of few examples below the first number, of many above the second (Liu et al., Large-Scale Long-Tailed
# Recognition in an Open World, CVPR 2019, section 4.2).
FEW_BELOW, MANY_ABOVE = 20, 100


def accuracies_by_size(of_classes: np.ndarray, training_counts: np.ndarray) -> dict[str, float]:
    """Mean accuracy over the classes of many (> 100), medium (20..100) and few (< 20) training examples.

    Nothing where all classes are of one kind: that is the mean over all. Args: of_classes: [C], NaN for a class without
    test examples. training_counts: [C].
    """
    counts, tested = np.asarray(training_counts), ~np.isnan(of_classes)
    kinds = {"many": counts > MANY_ABOVE, "few": counts < FEW_BELOW}
    kinds = {"many": kinds["many"], "medium": ~(kinds["many"] | kinds["few"]), "few": kinds["few"]}
    found = {kind: of_classes[chosen & tested] for kind, chosen in kinds.items()}
    means = {f"test_accuracy_{kind}": float(values.mean()) for kind, values in found.items() if len(values)}
    return means if len(means) > 1 else {}


def accuracies(logits: np.ndarray, labels: np.ndarray, training_counts: np.ndarray | None = None) -> dict[str, float]:
    """test_accuracy, test_top5, test_mean_class_accuracy (over classes with examples) of logits [N, C], labels [N].

    With counts of the classes in training, [C], those of `accuracies_by_size` too.
    """
    of_classes = class_accuracies(np.argmax(logits, axis=1), labels, logits.shape[1])
    by_size = {} if training_counts is None else accuracies_by_size(of_classes, training_counts)
    return by_size | {
        "test_accuracy": top_k_accuracy(logits, labels, 1),
        "test_top5": top_k_accuracy(logits, labels, 5),
        "test_mean_class_accuracy": mean_class_accuracy(of_classes),
    }
