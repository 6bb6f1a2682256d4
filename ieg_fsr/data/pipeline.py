"""Batches as a pure function of the global step: the same step gives the same batch, in any process, from any start."""

import functools
import os
from collections.abc import Callable
from typing import Protocol

import numpy as np
import tensorflow as tf

from ieg_fsr.data.encoded_images import EncodedImages
from ieg_fsr.stateless_random import fold_in, permuted

# Random numbers of the crops are none of those that the methods draw with the same seed.
_PARALLEL_IMAGES = os.cpu_count() or 1
_TRAINING_CROP_STREAM, _MEMBER_CROP_STREAM = 5, 6


class Source(Protocol):
    """Inputs with random access by dense example id."""

    def __len__(self) -> int: ...

    def images(self, ids: np.ndarray) -> np.ndarray:
        """Inputs [len(ids), ...] of the examples `ids`, not augmented."""


class _Arrays:
    """A source over an array of any kind, for users' own data."""

    def __init__(self, x: np.ndarray) -> None:
        self._x = x

    def __len__(self) -> int:
        return len(self._x)

    def images(self, ids: np.ndarray) -> np.ndarray:
        return self._x[ids]


class Examples:
    """Training data as the methods' `fit` takes it: shuffled batches of (x, given_label, example_id).

    Attributes:
        source: random access to the inputs; the dictionary fetches its members from it.
        given_labels: [N], int32.
        batch_size: B.
        steps_per_epoch: whole batches in an epoch; each epoch leaves out another remainder.
    """

    def __init__(self, source: Source, given_labels: np.ndarray, batch_size: int, seed: int = 0) -> None:
        """Args: source: of N inputs. given_labels: [N]. batch_size: 1..N. seed: of the shuffle."""
        if len(source) != len(given_labels):
            raise ValueError(f"x and y must have the same length. Received: {len(source)} and {len(given_labels)}")
        if not 1 <= batch_size <= len(source):
            raise ValueError(f"batch_size must be in 1..{len(source)} (the examples). Received: {batch_size}")
        self.source, self.batch_size, self.seed = source, batch_size, seed
        self.given_labels = np.asarray(given_labels, np.int32)
        self.steps_per_epoch = len(source) // batch_size

    def batch_ids(self, step: tf.Tensor) -> tf.Tensor:
        """Example ids [B] of a global step (scalar int64): epoch e walks through its own permutation of 0..N-1."""
        epoch, position = step // self.steps_per_epoch, step % self.steps_per_epoch
        places = position * self.batch_size + tf.range(self.batch_size, dtype=tf.int64)
        shuffled = permuted(places, len(self.source), self.seed, epoch)
        return tf.ensure_shape(tf.cast(shuffled, tf.int32), [self.batch_size])

    def batches(self, start_step: int, stop_step: int) -> tf.data.Dataset:
        """The batches of the global steps start_step..stop_step - 1: x [B, ...], given_labels [B], example_ids [B]."""
        if isinstance(self.source, EncodedImages):
            return self._decoded_batches(self.source, start_step, stop_step)
        with tf.device("CPU:0"):
            inputs = tf.constant(self.source.images(np.arange(len(self.source))))
            labels = tf.constant(self.given_labels)

        def batch(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            ids = self.batch_ids(step)
            return tf.gather(inputs, ids), tf.gather(labels, ids), ids

        steps = tf.data.Dataset.range(start_step, stop_step)
        return steps.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(2)

    def member_images(self, epoch: int) -> Callable[[np.ndarray], np.ndarray]:
        """How the dictionary fetches inputs: ids [M] -> inputs [M, ...]; encoded images are cropped anew each epoch."""
        if not isinstance(self.source, EncodedImages):
            return self.source.images
        seed = fold_in(tf.constant([self.seed, _MEMBER_CROP_STREAM], tf.int32), epoch)
        return functools.partial(self.source.random_crops, seed=seed)

    def _decoded_batches(self, source: EncodedImages, start_step: int, stop_step: int) -> tf.data.Dataset:
        """Batches of random crops, decoded in parallel while earlier ones are trained on.

        A crop depends on the seed, the epoch and the example id: not on the start, nor on who decodes first.
        """
        with tf.device("CPU:0"):
            labels = tf.constant(self.given_labels)

        def ids_and_epochs(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return self.batch_ids(step), tf.fill([self.batch_size], step // self.steps_per_epoch)

        def example(example_id: tf.Tensor, epoch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            seed = fold_in(tf.constant([self.seed, _TRAINING_CROP_STREAM], tf.int32), epoch)
            return source.random_crop(example_id, seed), tf.gather(labels, example_id), example_id

        ids = tf.data.Dataset.range(start_step, stop_step).map(ids_and_epochs).unbatch()
        crops = ids.map(example, num_parallel_calls=_PARALLEL_IMAGES, deterministic=True)
        return crops.batch(self.batch_size, drop_remainder=True).prefetch(2)


def examples(x: np.ndarray, y: np.ndarray, batch_size: int = 100, seed: int = 0) -> Examples:
    """Training data from arrays, for `FSR.fit`.

    Args:
        x: [N, ...], inputs of the classifier.
        y: [N], int, given labels.
        batch_size: B.
        seed: of the shuffle.

    Raises:
        ValueError: lengths differ, or the batch is empty or larger than the data.
    """
    return Examples(_Arrays(np.asarray(x)), np.asarray(y), batch_size, seed)
