"""Class-balanced losses (Cui et al., Class-Balanced Loss Based on Effective Number of Samples, CVPR 2019)."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ieg_fsr.rules import check_argument

TargetLoss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def class_weights(class_counts: np.ndarray, beta: float) -> np.ndarray:
    """Weights proportional to 1 / E_n, E_n = (1 - beta^n) / (1 - beta) the effective number of n samples (section 3.2).

    beta = 0 weighs all classes alike; beta -> 1 by the inverse of their counts.

    Args:
        class_counts: [C], examples of each class; a class without any weighs nothing.
        beta: in [0, 1).

    Returns:
        [C], float32, with sum C (section 4).

    Raises:
        UserError: beta is out of range.
    """
    check_argument("beta", beta, "class_balanced_beta")
    present = np.asarray(class_counts) > 0
    effective = (1.0 - np.power(beta, np.maximum(class_counts, 1), dtype=np.float64)) / (1.0 - beta)
    weights = np.where(present, 1.0 / effective, 0.0)
    return (weights * len(weights) / weights.sum()).astype(np.float32)


def class_balanced(loss: TargetLoss, weights: np.ndarray) -> TargetLoss:
    """The loss of label y times the weight of class y. Args: loss: linear in its targets. weights: [C]."""
    return lambda targets, logits: loss(targets * weights, logits)
