"""Label noise as a transition matrix, and labels drawn from it. NumPy only, seeded, free of reading order."""

from collections.abc import Callable

import numpy as np

from ieg_fsr.data.sources.datasets import SPECS
from ieg_fsr.errors import UserError
from ieg_fsr.unlabelled import UNLABELLED

# All but the last are matrices; that one depends on the image (`instance_noise`).
NOISE_TYPES = ("uniform", "uniform_other", "asymmetric", "pairflip", "instance")


def noise_transition_matrix(noise_type: str, num_classes: int, noise: float, dataset: str | None = None) -> np.ndarray:
    """P(given j | true i) of a named kind of noise: [C, C], float64, rows sum to 1.

    "uniform" draws a label, with probability `noise`, anew from all C classes, the true one too: a share of
    noise * (C - 1) / C ends up wrong, 36 % for `noise` 0.4 and ten classes. "uniform_other" makes it one of the other
    classes; "asymmetric" the class that it is mistaken for, which `dataset` declares; "pairflip" the next class, of the
    last one the first: a share of `noise` ends up wrong, but for classes that are never mistaken.

    Raises:
        UserError: `noise_type` is unknown, not defined for the data set or no matrix, or `noise` is outside [0, 1].
    """
    check_noise_type(noise_type, dataset)
    if noise_type == "instance" and noise > 0:
        names = ", ".join(NOISE_TYPES[:-1])
        raise UserError(f"--noise_type must be one of {names} for a transition matrix. Received: instance")
    if not 0.0 <= noise <= 1.0:
        raise UserError(f"--noise must be in [0, 1]. Received: {noise:g}")
    identity = np.eye(num_classes)
    if noise_type == "uniform":
        return (1.0 - noise) * identity + noise / num_classes
    if noise_type == "uniform_other":
        others = noise / (num_classes - 1)
        return (1.0 - noise - others) * identity + others
    mistakes = _mistakes(dataset) if noise_type == "asymmetric" else None
    mistaken_for = mistakes() if mistakes else (np.arange(num_classes) + 1) % num_classes
    return (1.0 - noise) * identity + noise * identity[mistaken_for]


def check_noise_type(noise_type: str, dataset: str | None) -> None:
    """Answers a kind of noise that cannot be made before any data are read.

    Raises:
        UserError: `noise_type` is unknown, or asymmetric for a data set without a list of mistakes.
    """
    if noise_type not in NOISE_TYPES:
        raise UserError(f"--noise_type must be one of {', '.join(NOISE_TYPES)}. Received: {noise_type}")
    if noise_type == "asymmetric" and _mistakes(dataset) is None:
        defined = " and ".join(spec.name for spec in SPECS.values() if spec.mistakes)
        others = ", ".join(name for name in NOISE_TYPES if name != noise_type)
        raise UserError(
            f"--noise_type must be one of {others} for the data set {dataset} (asymmetric noise is defined for "
            f"{defined}; --noise_matrix takes any). Received: {noise_type}"
        )


def _mistakes(dataset: str | None) -> Callable[[], np.ndarray] | None:
    spec = SPECS.get(dataset or "")
    return spec.mistakes if spec else None


def corrupt_labels(true_labels: np.ndarray, transition_matrix: np.ndarray, seed: int) -> np.ndarray:
    """Given labels [N], int32: for every example one drawn from the row of its true class; -1 without one.

    Example i always consumes the i-th number of the seeded stream: the result depends on `seed` and i alone.

    Args: true_labels: [N], int in [0, C), or -1. transition_matrix: [C, C], rows sum to 1. seed: non-negative.
    """
    draws = np.random.default_rng(seed).random(len(true_labels))
    given_labels = np.array(true_labels, np.int32)
    by_class = np.split(np.argsort(given_labels, kind="stable"), np.cumsum(np.bincount(given_labels - UNLABELLED)))
    for true_label, ids in enumerate(by_class[1:-1]):
        # Rounding may leave the last sum just below 1; a draw behind it belongs to the last class.
        bounds = np.cumsum(transition_matrix[true_label])[:-1]
        given_labels[ids] = np.searchsorted(bounds, draws[ids], side="right")
    return given_labels
