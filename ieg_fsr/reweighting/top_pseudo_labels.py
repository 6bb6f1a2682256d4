"""Pseudo labels in 4 K + 8 bytes an example: the K largest of its running logits, and what the rest are on average."""

import numpy as np
import tensorflow as tf

from ieg_fsr.replicas import update_rows
from ieg_fsr.reweighting.pseudo_labels import pseudo_labels

_AT_ONCE = 2**22  # numbers that `read` has in hand at a time


class TopPseudoLabelTable(tf.Module):
    """`PseudoLabelTable` where of each row e_i the K largest values are kept, with mean m and deviation s of the rest.

    A row reads as softmax(e_i / RMS(e_i)) with m in the place of each of the rest, and with the RMS of what is kept,

        RMS^2 = (sum of the K squares + (C - K) (m^2 + s^2)) / C,

    which is that of the whole row, as m^2 + s^2 is the mean square of its rest. A visit mixes the row, read the same
    way, with the new logits and keeps the K largest again. The deviation of the new rest is taken to be beta s plus
    the deviation of that mixture: so it is where the old rest and the new one rise and fall together, which keeps the
    RMS of a row whose logits stay as they are; and it is never less than the true one where the K classes stay.

    Each of the K is one float32 whose last bits, as many as C - 1 has, are its class. A value keeps the others, which
    for 1,000 classes is more than float16 has: 14 bits beside exponent and sign, the last of which is by rounding.
    """

    def __init__(self, num_examples: int, num_classes: int, top: int, momentum: float = 0.1) -> None:
        """Args: num_examples: N. num_classes: C, at most 65536. top: K, in 1..C - 1. momentum: beta in [0, 1]."""
        super().__init__(name="top_pseudo_label_table")
        self.num_classes, self.top, self.momentum = num_classes, top, momentum
        bits = (num_classes - 1).bit_length()
        # Bits of the class; of the value; and of the middle between the values that have the same bits.
        self._class, self._value, self._middle = 2**bits - 1, -(2**bits), 2 ** (bits - 1)
        zeros = tf.zeros([num_examples, top + 2])
        self.rows = tf.Variable(zeros, trainable=False, name="pseudo_label_rows")

    def targets(self, example_ids: tf.Tensor) -> tf.Tensor:
        """Soft labels [B, C], float32, of the examples `example_ids` [B]; uniform for one never visited."""
        return self._soft_labels(tf.gather(self.rows, example_ids))

    def update(self, example_ids: tf.Tensor, logits: tf.Tensor) -> None:
        """Moves the rows of one batch. Args: example_ids: [B], distinct. logits: [B, C]."""
        old = tf.gather(self.rows, example_ids)
        mixed = self.momentum * self._whole(old) + (1.0 - self.momentum) * logits
        update_rows(self.rows, example_ids, self._kept(mixed, self.momentum * old[:, -1:]))

    def read(self) -> np.ndarray:
        """Soft labels [N, C] of all examples, float32."""
        parts = -(-self.rows.shape[0] * self.num_classes // _AT_ONCE)
        return np.concatenate([self._soft_labels(tf.constant(part)) for part in np.array_split(self.rows, parts)])

    def likeliest(self) -> np.ndarray:
        """Likeliest class [N] of all examples, int32: the first of the K, which are in order."""
        return self._unpacked(self.rows[:, :1])[1][:, 0].numpy()

    def _soft_labels(self, rows: tf.Tensor) -> tf.Tensor:
        values, mean, deviation = self._unpacked(rows[:, :-2])[0], rows[:, -2:-1], rows[:, -1:]
        of_rest = (self.num_classes - self.top) * (mean**2 + deviation**2)
        squares = tf.reduce_sum(values**2, axis=1, keepdims=True) + of_rest
        return pseudo_labels(self._whole(rows), squares / self.num_classes)

    def _whole(self, rows: tf.Tensor) -> tf.Tensor:
        """Rows [B, C] with the mean of the rest in its places. Args: rows: [B, K + 2], as they are kept."""
        values, classes = self._unpacked(rows[:, :-2])
        whole = tf.repeat(rows[:, -2:-1], self.num_classes, axis=1)
        batch = tf.repeat(tf.range(tf.shape(rows)[0])[:, tf.newaxis], self.top, axis=1)
        return tf.tensor_scatter_nd_update(whole, tf.stack([batch, classes], axis=2), values)

    def _kept(self, logits: tf.Tensor, deviation: tf.Tensor) -> tf.Tensor:
        """[B, K + 2]. Args: logits: [B, C]. deviation: [B, 1], what the rest of `logits` has lost of its own."""
        values, classes = tf.math.top_k(logits, self.top)
        others = float(self.num_classes - self.top)
        rest = lambda all_, kept: tf.reduce_sum(all_, 1, keepdims=True) - tf.reduce_sum(kept, 1, keepdims=True)  # noqa: E731
        mean = rest(logits, values) / others
        variance = rest((logits - mean) ** 2, (values - mean) ** 2) / others
        deviation += tf.sqrt(tf.maximum(variance, 0.0))
        return tf.concat([self._packed(values, classes), mean, deviation], axis=1)

    def _packed(self, values: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        """float32 [B, K] of values [B, K] and classes [B, K]."""
        bits = tf.bitwise.bitwise_and(tf.bitcast(values, tf.int32), self._value)
        return tf.bitcast(tf.bitwise.bitwise_or(bits, classes), tf.float32)

    def _unpacked(self, packed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Values, float32, and classes, int32, [B, K] each."""
        bits = tf.bitcast(packed, tf.int32)
        values = tf.bitwise.bitwise_or(tf.bitwise.bitwise_and(bits, self._value), self._middle)
        return tf.bitcast(values, tf.float32), tf.bitwise.bitwise_and(bits, self._class)
