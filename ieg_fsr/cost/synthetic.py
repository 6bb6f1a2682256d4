"""Random images in any number: what a step costs does not depend on what they show."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.data.sources.image_source import ArraySource, DataSet, checked_ids
from ieg_fsr.methods.registry import METHODS
from ieg_fsr.setting import Config

NUM_CLASSES = 10
_POOL = 200  # different images, where they are repeated


class RepeatedImages(ArraySource):
    """N examples that show the images of a small pool again and again: tables see N, memory holds the pool."""

    def __init__(self, pool: ArraySource, num_examples: int) -> None:
        """Args: pool: of P images. num_examples: N."""
        self.pool, self.image_shape = pool, pool.image_shape
        self.labels = pool.labels[np.arange(num_examples) % len(pool)]

    def images(self, ids: Any) -> np.ndarray:
        """Images uint8 [n, H, W, channels] of the examples `ids` [n]."""
        return self.pool.images(checked_ids(ids, len(self)) % len(self.pool))

    def take(self, ids: Any) -> ArraySource:
        """Some of the examples, with images of their own."""
        return ArraySource(self.images(ids), self.labels[checked_ids(ids, len(self))])


class RepeatedExamples(Examples):
    """Training data whose pipeline holds the pool only; ids and their order are those of `Examples`."""

    source: RepeatedImages

    def _inputs(self) -> Callable[[tf.Tensor], tf.Tensor]:
        pool = tf.constant(self.source.pool.images(np.arange(len(self.source.pool))))
        rows = tf.constant(self._visited % len(self.source.pool))
        return lambda places: tf.gather(pool, tf.gather(rows, places))


def synthetic_data(config: Config, repeat: bool) -> DataSet:
    """Random images with random labels of ten classes, and a hold-out for a method that takes one.

    Args:
        config: with `train_examples` and `image_size`.
        repeat: whether the training images repeat those of a pool, `RepeatedImages`.
    """
    assert config.train_examples is not None
    train = _random_images(config, min(config.train_examples, _POOL) if repeat else config.train_examples)
    if repeat:
        train = RepeatedImages(train, config.train_examples)
    clean_per_class = METHODS[config.method].clean_per_class(config)
    holdout = _random_images(config, clean_per_class * NUM_CLASSES) if clean_per_class else None
    names = tuple(map(str, range(NUM_CLASSES)))
    return DataSet("synthetic", train, _random_images(config, NUM_CLASSES), names, holdout=holdout)


def _random_images(config: Config, number: int) -> ArraySource:
    rng = np.random.default_rng(config.seed)
    images = rng.integers(0, 256, (number, config.image_size, config.image_size, 3), np.uint8)
    return ArraySource(images, np.arange(number) % NUM_CLASSES)
