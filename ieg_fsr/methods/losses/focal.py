"""Focal loss: easy samples count less (Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, Eq. 4)."""

import tensorflow as tf

from ieg_fsr.rules import check_argument

# Keeps the slope of (1 - p)^gamma finite where p rounds to 1.
_SMALLEST_BASE = 1e-7


def focal_loss(targets: tf.Tensor, logits: tf.Tensor, gamma: float = 2.0) -> tf.Tensor:
    """-(1 - p_y)^gamma log p_y with softmax probabilities p: the paper's Eq. 4 for more than two classes.

    gamma = 0 is cross-entropy.

    Args:
        targets: [B, C].
        logits: [B, C].
        gamma: >= 0.

    Returns:
        [B].

    Raises:
        UserError: gamma is out of range.
    """
    check_argument("gamma", gamma, "focal_gamma")
    log_probabilities = tf.nn.log_softmax(logits)
    others = tf.maximum(1.0 - tf.exp(log_probabilities), _SMALLEST_BASE)
    return -tf.reduce_sum(targets * others**gamma * log_probabilities, axis=-1)


def sigmoid_focal_loss(targets: tf.Tensor, logits: tf.Tensor, gamma: float = 2.0) -> tf.Tensor:
    """The paper's binary loss summed over the classes, as Cui et al. (2019, section 4.3) use it.

    The loss of label y is f(z_y) + sum over k != y of f(-z_k), f(z) = -(1 - sigmoid(z))^gamma log sigmoid(z).
    gamma = 0 is `sigmoid_cross_entropy`.

    Args:
        targets: [B, C].
        logits: [B, C].
        gamma: >= 0.

    Returns:
        [B].

    Raises:
        UserError: gamma is out of range.
    """
    check_argument("gamma", gamma, "focal_gamma")
    log_yes, log_no = tf.math.log_sigmoid(logits), tf.math.log_sigmoid(-logits)
    yes, no = -tf.exp(gamma * log_no) * log_yes, -tf.exp(gamma * log_yes) * log_no
    return tf.reduce_sum(targets * (yes - no + tf.reduce_sum(no, axis=-1, keepdims=True)), axis=-1)
