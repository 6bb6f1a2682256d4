"""Pseudo labels: a running mean of each example's logits, on the device (paper, section 3.3)."""

import numpy as np
import tensorflow as tf

# Keeps the normalisation of an all-zero row (an example never visited) finite: it reads as the uniform distribution.
_MEAN_SQUARE_EPSILON = 1e-8


class PseudoLabelTable(tf.Module):
    """e_i <- beta * e_i + (1 - beta) * z_i, read as softmax(e_i / RMS(e_i)). 4 bytes per example and class."""

    def __init__(self, num_examples: int, num_classes: int, momentum: float = 0.1) -> None:
        """Args: num_examples: N. num_classes: C. momentum: beta in [0, 1]."""
        super().__init__(name="pseudo_label_table")
        self.momentum = momentum
        self.logits = tf.Variable(tf.zeros([num_examples, num_classes]), trainable=False, name="pseudo_label_logits")

    def targets(self, example_ids: tf.Tensor) -> tf.Tensor:
        """Soft labels [B, C] of the examples `example_ids` [B]; uniform for one never visited."""
        return tf.nn.softmax(_normalise(tf.gather(self.logits, example_ids)))

    def update(self, example_ids: tf.Tensor, logits: tf.Tensor) -> None:
        """Moves the rows of one batch. Args: example_ids: [B], distinct. logits: [B, C]."""
        old = tf.gather(self.logits, example_ids)
        new = self.momentum * old + (1.0 - self.momentum) * logits
        self.logits.scatter_nd_update(example_ids[:, tf.newaxis], new)

    def read(self) -> np.ndarray:
        """Soft labels [N, C] of all examples, float32."""
        return tf.nn.softmax(_normalise(self.logits)).numpy()


def _normalise(logits: tf.Tensor) -> tf.Tensor:
    """Divides each row by its root mean square: the temperature does not grow with training."""
    mean_square = tf.reduce_mean(tf.square(logits), axis=-1, keepdims=True)
    return logits * tf.math.rsqrt(mean_square + _MEAN_SQUARE_EPSILON)
