"""Pseudo labels: a running mean of each example's logits, on the device (paper, section 3.3)."""

import numpy as np
import tensorflow as tf

from ieg_fsr.replicas import update_rows

# Keeps the normalisation of an all-zero row (an example never visited) finite: it reads as the uniform distribution.
_MEAN_SQUARE_EPSILON = 1e-8


class PseudoLabelTable(tf.Module):
    """e_i <- beta * e_i + (1 - beta) * z_i, read as softmax(e_i / RMS(e_i)). 4 bytes per example and class, or 2.

    A table of float16 rounds each e_i to 11 bits and holds logits up to 65504 in size, larger ones as that; all
    computation is in float32.
    """

    def __init__(self, num_examples: int, num_classes: int, momentum: float = 0.1, dtype: str = "float32") -> None:
        """Args: num_examples: N. num_classes: C. momentum: beta in [0, 1]. dtype: float32 or float16."""
        super().__init__(name="pseudo_label_table")
        self.momentum = momentum
        zeros = tf.zeros([num_examples, num_classes], dtype)
        self.logits = tf.Variable(zeros, trainable=False, name="pseudo_label_logits")

    def targets(self, example_ids: tf.Tensor) -> tf.Tensor:
        """Soft labels [B, C], float32, of the examples `example_ids` [B]; uniform for one never visited."""
        return _soft_labels(self._rows(example_ids))

    def update(self, example_ids: tf.Tensor, logits: tf.Tensor) -> None:
        """Moves the rows of one batch. Args: example_ids: [B], distinct. logits: [B, C]."""
        new = self.momentum * self._rows(example_ids) + (1.0 - self.momentum) * logits
        update_rows(self.logits, example_ids, tf.saturate_cast(new, self.logits.dtype))

    def read(self) -> np.ndarray:
        """Soft labels [N, C] of all examples, float32."""
        return _soft_labels(tf.cast(self.logits, tf.float32)).numpy()

    def likeliest(self) -> np.ndarray:
        """Likeliest class [N] of all examples; the first of several."""
        return self.read().argmax(axis=1)

    def _rows(self, example_ids: tf.Tensor) -> tf.Tensor:
        return tf.cast(tf.gather(self.logits, example_ids), tf.float32)


def pseudo_labels(logits: tf.Tensor, mean_square: tf.Tensor) -> tf.Tensor:
    """Soft labels [B, C]: each row [B, C] by its root mean square, so that training does not lower the temperature.

    Args: mean_square: [B, 1], of each row.
    """
    return tf.nn.softmax(logits * tf.math.rsqrt(mean_square + _MEAN_SQUARE_EPSILON))


def _soft_labels(logits: tf.Tensor) -> tf.Tensor:
    return pseudo_labels(logits, tf.reduce_mean(tf.square(logits), axis=-1, keepdims=True))
