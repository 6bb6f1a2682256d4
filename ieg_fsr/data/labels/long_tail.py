"""Long-tailed training sets: class i keeps a share that falls exponentially with i. NumPy only, seeded."""

import numpy as np

from ieg_fsr.errors import refusal
from ieg_fsr.unlabelled import labelled

# Some class sizes are whole numbers, which powers of floating point may miss from below: 100 * 32 ** -0.4 is 25, and
# comes out as 24.999999999999996. The factor is far above that error and far below what would lift any other size.
_ABOVE_ROUNDING = 1.0 + 1e-12


def long_tail_counts(largest: int, imbalance: float, num_classes: int) -> np.ndarray:
    """n_i = floor(n * mu ** (-i / (C - 1))), [C]: from n = `largest` examples of class 0 to n / mu of class C - 1.

    Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", 2019. `imbalance` is mu >= 1.
    """
    exponents = np.arange(num_classes) / max(num_classes - 1, 1)
    return np.floor(largest * imbalance**-exponents * _ABOVE_ROUNDING).astype(np.int64)


def long_tail_ids(labels: np.ndarray, imbalance: float, num_classes: int, seed: int) -> np.ndarray:
    """Ids, rising, of a random subset with the sizes of `long_tail_counts`, n being the size of the largest class.

    A class that has fewer examples than its size keeps them all. With one seed, a larger imbalance keeps a subset of
    what a smaller one keeps; 1 keeps everything.

    Args: labels: [N], int in [0, C), true labels. imbalance: mu >= 1. num_classes: C. seed: non-negative.

    Raises:
        UserError: a class would lose its last example.
    """
    available = np.bincount(labels, minlength=num_classes)
    counts = long_tail_counts(available.max(), imbalance, num_classes)
    if (emptied := np.flatnonzero((counts == 0) & (available > 0))).size:
        reason = f"so that every class keeps an example (class {emptied[0]} would not)"
        limit = f"be at most {available.max()}, the size of the largest class, {reason}"
        raise refusal("--imbalance", limit, f"{imbalance:g}")
    return random_ids(labels, counts, [seed, 2])


def random_ids(labels: np.ndarray, counts: np.ndarray, seed: list[int]) -> np.ndarray:
    """Ids, rising, of `counts` [C] random examples of each class. Of a class, fewer are a subset of more."""
    available = np.bincount(labels, minlength=len(counts))
    order = np.lexsort((np.random.default_rng(seed).random(len(labels)), labels))
    rank_in_class = np.arange(len(labels)) - (np.cumsum(available) - available)[labels[order]]
    return np.sort(order[rank_in_class < counts[labels[order]]])


def measured_imbalance(labels: np.ndarray) -> float:
    """Size of the largest class over that of the smallest that has an example. Args: labels: [N], int, -1 for none."""
    counts = np.bincount(labels[labelled(labels)])
    return float(counts.max() / counts[counts > 0].min())
