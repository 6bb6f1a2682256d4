"""Mixing an image with another one of the same given class, which changes no label (CRUST's augmentation)."""

import numpy as np
import tensorflow as tf

from ieg_fsr.stateless_random import fold_in, split, uniform
from ieg_fsr.unlabelled import labelled

_STREAM = 9  # of the seed, for mates and shares
_BETA = 0.1


class ClassMates:
    """Draws, for each image of a batch, one of all examples with the same given label, and a share for the batch."""

    def __init__(self, given_labels: np.ndarray, seed: int) -> None:
        """Args: given_labels: [N]; -1 of an example that is nobody's mate. seed: of the draws."""
        known = np.flatnonzero(labelled(given_labels))
        self._seed = seed
        self._ids = known[np.argsort(given_labels[known], kind="stable")].astype(np.int32)  # class by class
        self._counts = np.bincount(given_labels[known]).astype(np.int32)
        self._first = (np.cumsum(self._counts) - self._counts).astype(np.int32)

    def draw(self, labels: tf.Tensor, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Mates [B] of examples with some labels [B], by id, and lambda ~ Beta(1, 0.1), the share of the own image.

        Its distribution function is 1 - (1 - x)^0.1: lambda = 1 - u^10, with a mean of 10/11. Args: step: a scalar.
        """
        mate_seed, share_seed = split(fold_in(tf.constant([self._seed, _STREAM], tf.int32), step))
        counts = tf.gather(self._counts, labels)
        draws = uniform([tf.size(labels)], mate_seed) * tf.cast(counts, tf.float32)
        places = tf.gather(self._first, labels) + tf.minimum(tf.cast(draws, tf.int32), counts - 1)
        return tf.gather(self._ids, places), 1.0 - uniform([], share_seed) ** (1.0 / _BETA)


def mix(image: tf.Tensor, mate: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """share x + (1 - share) x', float32."""
    return share * tf.cast(image, tf.float32) + (1.0 - share) * tf.cast(mate, tf.float32)
