"""Generalised cross-entropy (Zhang & Sabuncu, NeurIPS 2018, section 3.2): between cross-entropy and absolute error."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ieg_fsr.methods.spec import MethodSpec, Paper
from ieg_fsr.rules import above_zero_to_one
from ieg_fsr.setting import Setting

if TYPE_CHECKING:
    import tensorflow as tf

GCE_Q = Setting("gce_q", 0.7, above_zero_to_one(), "q: near 0 is cross-entropy, 1 is absolute error", argument="q")


def generalized_cross_entropy(targets: tf.Tensor, logits: tf.Tensor, q: float = 0.7) -> tf.Tensor:
    """(1 - p_y^q) / q with softmax probabilities p: -log p_y for q -> 0, 1 - p_y for q = 1.

    The gradient is p_y^q times that of cross-entropy: a label that the network does not believe moves it less.

    Args: targets, logits: [B, C]. q: in (0, 1], else UserError. Returns: [B].
    """
    import tensorflow as tf

    GCE_Q.check_argument(q)
    # expm1 keeps the digits that 1 - p^q loses for small q.
    losses = -tf.math.expm1(q * tf.nn.log_softmax(logits)) / q
    return tf.reduce_sum(targets * losses, axis=-1)


SPECS = (
    MethodSpec(
        name="gce",
        label="GCE",
        summary="generalised cross-entropy",
        paper=Paper(
            "Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels",
            "Zhang & Sabuncu",
            2018,
            "https://arxiv.org/abs/1805.07836",
        ),
        settings=(GCE_Q,),
        build=lambda given: given.supervised(functools.partial(generalized_cross_entropy, q=given.config.gce_q)),
        api=(generalized_cross_entropy,),
    ),
)
