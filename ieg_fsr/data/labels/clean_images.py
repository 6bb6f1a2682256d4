"""A clean hold-out: images of the training set whose true labels a method may see. NumPy only, seeded."""

import numpy as np

from ieg_fsr.data.labels.long_tail import random_ids
from ieg_fsr.errors import refusal

_STREAM = 3  # of the seed; 1 chooses the subset, 2 the long tail


def clean_ids(true_labels: np.ndarray, per_class: int, num_classes: int, seed: int) -> np.ndarray:
    """Ids of `per_class` random examples of each class, rising. With one seed, fewer are a subset of more.

    Args: true_labels: [N], int in [0, C). per_class: at least 1. num_classes: C. seed: non-negative.

    Raises:
        UserError: a class would keep no example for training.
    """
    counts = np.bincount(true_labels, minlength=num_classes)
    if (smallest := counts.min()) <= per_class:
        limit = f"at most {max(smallest - 1, 0)}, as class {counts.argmin()} has {smallest}"
        raise refusal("--clean_per_class", f"leave each class an example to train on: {limit}", per_class)
    return random_ids(true_labels, np.full(num_classes, per_class), [seed, _STREAM])
