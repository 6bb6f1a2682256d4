"""Images that stay encoded, in files or in memory, and are decoded when they are needed."""

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ieg_fsr.data.pipeline.decoding import centre_crop, decode, random_crop
from ieg_fsr.data.sources.image_source import checked_ids, checked_labels
from ieg_fsr.stateless_random import fold_in

_PARALLEL_IMAGES = 2 * (os.cpu_count() or 1)


class EncodedImages:
    """Encoded images of any sizes with their true labels, seen as images of one size: an `ImageSource`.

    Attributes:
      image_size: S, side of a decoded image.
      items: [N], paths or contents of image files.
      in_files: whether `items` are paths.
      orientations: [N], uint8, EXIF's, of JPEG and PNG files, which are turned upright; 1 for other files.
    """

    def __init__(
        self,
        items: Sequence[str] | Sequence[bytes],
        labels: Any,
        image_size: int,
        *,
        in_files: bool = True,
        orientations: Any = 1,
    ) -> None:
        """Takes the images without looking at them.

        Args: items: N paths, or N contents of image files. orientations: [N], or one for all.

        Raises:
          UserError: labels are not integers of at least 0, one for each image.
        """
        self.items: np.ndarray = np.array(items, dtype=object)
        self.labels = checked_labels(labels, len(items))
        self.image_shape: tuple[int, int, int] = (image_size, image_size, 3)
        self.image_size, self.in_files = image_size, in_files
        self.orientations: np.ndarray = np.broadcast_to(np.asarray(orientations, np.uint8), [len(items)])

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def names(self) -> list[str]:
        """What to call each image in a message: its path, or its number."""
        return [str(item) for item in self.items] if self.in_files else [f"image {i}" for i in range(len(self))]

    def images(self, ids: Any) -> np.ndarray:
        """Centre crops uint8 [n, S, S, 3] of the examples `ids` [n]; see `ArraySource.images`."""
        return self._centre_crops(tf.constant(checked_ids(ids, len(self)))).numpy()

    def random_crops(self, ids: Any, seed: tf.Tensor) -> np.ndarray:
        """Random crops uint8 [n, S, S, 3] of the examples `ids` [n]. Args: seed: [2], int32."""
        return self._random_crops(tf.constant(checked_ids(ids, len(self))), seed).numpy()

    def take(self, ids: Any) -> "EncodedImages":
        """A new source of these examples; entry k of `ids` becomes example id k."""
        checked = checked_ids(ids, len(self))
        items = self.items[checked].tolist()
        kept = {"in_files": self.in_files, "orientations": self.orientations[checked]}
        return EncodedImages(items, self.labels[checked], self.image_size, **kept)

    def content(self, example_id: tf.Tensor) -> tf.Tensor:
        """The encoded image of one example (scalar id): graph code."""
        item = tf.gather(self._item_tensor, example_id)
        return tf.io.read_file(item) if self.in_files else item

    def random_crop(self, example_id: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """A random crop uint8 [S, S, 3], a function of `example_id` (scalar) and `seed` [2] alone: graph code."""
        seed = fold_in(seed, example_id)
        return random_crop(self.content(example_id), self.image_size, seed, self._orientation(example_id))

    def whole_images(self, size: tuple[int, int]) -> np.ndarray:
        """All images, not cropped, uint8 [N, h, w, 3]. Args: size: h and w that all have."""
        images: np.ndarray = np.empty([len(self), *size, 3], np.uint8)
        decoded = tf.data.Dataset.range(len(self)).map(
            lambda one: decode(self.content(one), self._orientation(one)), num_parallel_calls=_PARALLEL_IMAGES
        )
        for place, image in enumerate(decoded.as_numpy_iterator()):
            images[place] = image
        return images

    def _orientation(self, example_id: tf.Tensor) -> tf.Tensor | None:
        """Of one example, int32; None where all lie upright, so that they take no time."""
        if np.all(self.orientations <= 1):
            return None
        return tf.gather(self._orientation_tensor, example_id)

    @functools.cached_property
    def _orientation_tensor(self) -> tf.Tensor:
        with tf.init_scope(), tf.device("CPU:0"):
            return tf.constant(self.orientations, tf.int32)

    @functools.cached_property
    def _item_tensor(self) -> tf.Tensor:
        with tf.init_scope(), tf.device("CPU:0"):
            items = [os.fsencode(item) for item in self.items] if self.in_files else self.items.tolist()
            return tf.constant(items, tf.string, [len(self)])

    @functools.cached_property
    def _centre_crops(self) -> Callable:
        """Ids [n] -> images."""
        return self._in_parallel(lambda one: centre_crop(self.content(one), self.image_size, self._orientation(one)))

    @functools.cached_property
    def _random_crops(self) -> Callable:
        """Ids [n] and seed [2] -> images."""
        return self._in_parallel(self.random_crop, tf.TensorSpec([2], tf.int32))

    def _in_parallel(self, decode_one: Callable[..., tf.Tensor], *others: tf.TensorSpec) -> Callable:
        """The same as `decode_one` for ids [n], compiled. Args: others: what it takes beside an id."""

        def decode_all(ids: tf.Tensor, *values: tf.Tensor) -> tf.Tensor:
            spec = tf.TensorSpec(self.image_shape, tf.uint8)
            decode = lambda one: decode_one(one, *values)  # noqa: E731
            with tf.device("CPU:0"):
                return tf.map_fn(decode, ids, fn_output_signature=spec, parallel_iterations=_PARALLEL_IMAGES)

        return tf.function(decode_all, input_signature=[tf.TensorSpec([None], tf.int64), *others])
