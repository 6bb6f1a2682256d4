"""Generalised cross-entropy (Zhang & Sabuncu, NeurIPS 2018, section 3.2): between cross-entropy and absolute error."""

import tensorflow as tf

from ieg_fsr.rules import check_argument


def generalized_cross_entropy(targets: tf.Tensor, logits: tf.Tensor, q: float = 0.7) -> tf.Tensor:
    """(1 - p_y^q) / q with softmax probabilities p: -log p_y for q -> 0, 1 - p_y for q = 1.

    The gradient is p_y^q times that of cross-entropy: a label that the network does not believe moves it less.

    Args:
        targets: [B, C].
        logits: [B, C].
        q: in (0, 1].

    Returns:
        [B].

    Raises:
        UserError: q is out of range.
    """
    check_argument("q", q, "gce_q")
    # expm1 keeps the digits that 1 - p^q loses for small q.
    losses = -tf.math.expm1(q * tf.nn.log_softmax(logits)) / q
    return tf.reduce_sum(targets * losses, axis=-1)
