"""Focal loss: easy samples count less (Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, Eq. 4)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ieg_fsr.methods.spec import MethodSpec, Paper
from ieg_fsr.rules import at_least
from ieg_fsr.setting import Setting

if TYPE_CHECKING:
    import tensorflow as tf

FOCAL_GAMMA = Setting(
    "focal_gamma", 2.0, at_least(0), "gamma of the focal losses; 0 is cross-entropy", argument="gamma"
)
# Keeps the slope of (1 - p)^gamma finite where p rounds to 1.
_SMALLEST_BASE = 1e-7


def focal_loss(targets: tf.Tensor, logits: tf.Tensor, gamma: float = 2.0) -> tf.Tensor:
    """-(1 - p_y)^gamma log p_y with softmax probabilities p: the paper's Eq. 4 for more than two classes.

    gamma = 0 is cross-entropy. Args: targets, logits: [B, C]. gamma: >= 0, else UserError. Returns: [B].
    """
    import tensorflow as tf

    FOCAL_GAMMA.check_argument(gamma)
    log_probabilities = tf.nn.log_softmax(logits)
    others = tf.maximum(1.0 - tf.exp(log_probabilities), _SMALLEST_BASE)
    return -tf.reduce_sum(targets * others**gamma * log_probabilities, axis=-1)


def sigmoid_focal_loss(targets: tf.Tensor, logits: tf.Tensor, gamma: float = 2.0) -> tf.Tensor:
    """The paper's binary loss summed over the classes, as Cui et al. (2019, section 4.3) use it.

    The loss of label y is f(z_y) + sum over k != y of f(-z_k), f(z) = -(1 - sigmoid(z))^gamma log sigmoid(z).
    gamma = 0 is `class_balanced.sigmoid_cross_entropy`.
    Args: targets, logits: [B, C]. gamma: >= 0, else UserError. Returns: [B].
    """
    import tensorflow as tf

    FOCAL_GAMMA.check_argument(gamma)
    log_yes, log_no = tf.math.log_sigmoid(logits), tf.math.log_sigmoid(-logits)
    yes, no = -tf.exp(gamma * log_no) * log_yes, -tf.exp(gamma * log_yes) * log_no
    return tf.reduce_sum(targets * (yes - no + tf.reduce_sum(no, axis=-1, keepdims=True)), axis=-1)


SPECS = (
    MethodSpec(
        name="focal",
        label="focal loss",
        summary="focal loss of softmax probabilities",
        paper=Paper("Focal Loss for Dense Object Detection", "Lin et al.", 2017, "https://arxiv.org/abs/1708.02002"),
        settings=(FOCAL_GAMMA,),
        build=lambda given: given.supervised(functools.partial(focal_loss, gamma=given.config.focal_gamma)),
        api=(focal_loss, sigmoid_focal_loss),
    ),
)
