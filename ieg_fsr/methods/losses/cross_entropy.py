"""Cross-entropy of softmax and of sigmoid probabilities, linear in targets that need not sum to 1.

TensorFlow's own softmax cross-entropy has a wrong gradient for targets that do not sum to 1, such as weighted ones.
"""

import math

import keras
import tensorflow as tf

from ieg_fsr.errors import UserError


def softmax_cross_entropy(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """-sum_y t_y log softmax(z)_y, [B]. Args: targets: [B, C]. logits: [B, C]."""
    return -tf.reduce_sum(targets * tf.nn.log_softmax(logits), axis=-1)


def sigmoid_cross_entropy(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Sum over the classes of binary cross-entropy, [B]: label y says "y" to class y and "not k" to each other class k.

    The loss of y is sum_k softplus(z_k) - z_y, because softplus(z) - softplus(-z) = z.

    Args:
        targets: [B, C].
        logits: [B, C].
    """
    not_any = tf.reduce_sum(tf.nn.softplus(logits), axis=-1, keepdims=True)
    return tf.reduce_sum(targets * (not_any - logits), axis=-1)


def start_sigmoids_at_chance(head: keras.layers.Dense) -> None:
    """Sets the bias of the final Dense layer so that each class begins with probability 1 / C, not 1 / 2.

    Else the C - 1 classes that a label denies drown the one that it names (Cui et al. 2019, section 4.2; Lin et al.
    2017, section 3.3).

    Args:
        head: built, with C >= 2 units.

    Raises:
        UserError: the layer has no bias.
    """
    if not head.use_bias:
        raise UserError(f"a loss of sigmoids must have a final Dense layer with a bias. Received: {head.name} without")
    head.bias.assign(tf.fill([head.units], -math.log(head.units - 1)))
