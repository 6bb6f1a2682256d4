"""Images with their true labels, addressed by a dense example id. NumPy only."""

import dataclasses
from typing import Any

import numpy as np

from ieg_fsr.errors import UserError


class ArraySource:
    """Images and true labels in memory, with random access by example id 0..N-1.

    Args:
      images: uint8 [N, H, W, channels], or [N, H, W] for one channel. Not copied.
      labels: integers [N], each at least 0. Copied and write-protected: these are the true labels.

    Raises:
      UserError: a wrong type or shape, or two different lengths.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        images, labels = np.asarray(images), np.asarray(labels)
        if images.ndim == 3:
            images = images[..., np.newaxis]
        if images.dtype != np.uint8 or images.ndim != 4:
            raise UserError(f"images must be uint8 [N, H, W, channels]. Received: {_describe(images)}")
        if labels.dtype.kind not in "iu" or labels.ndim != 1:
            raise UserError(f"labels must be integers [N]. Received: {_describe(labels)}")
        if len(images) != len(labels):
            raise UserError(f"images and labels must have one length. Received: {len(images)} and {len(labels)}")
        if labels.size and labels.min() < 0:
            raise UserError(f"labels must be at least 0. Received: {labels.min()}")
        self._images = images
        self._labels = np.array(labels, dtype=np.int32)
        self._labels.setflags(write=False)

    def __len__(self) -> int:
        return len(self._labels)

    @property
    def labels(self) -> np.ndarray:
        """True labels, int32 [N], read-only."""
        return self._labels

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, channels)."""
        _, height, width, channels = self._images.shape
        return height, width, channels

    def images(self, ids: Any) -> np.ndarray:
        """The images of some examples, a copy.

        Args:
          ids: integers [n] in 0..N-1, in any order, repeats allowed.

        Returns:
          uint8 [n, H, W, channels], in the order of `ids`.

        Raises:
          TypeError: `ids` are not a list of integers (a boolean mask is none).
          IndexError: an id outside 0..N-1; a negative one does not count from the end.
        """
        return self._images[self._checked(ids)]

    def take(self, ids: Any) -> "ArraySource":
        """A new source of these examples; entry k of `ids` becomes example id k."""
        checked = self._checked(ids)
        return ArraySource(self._images[checked], self._labels[checked])

    def _checked(self, ids: Any) -> np.ndarray:
        """`ids` as int64 [n], or an exception."""
        array = np.asarray(ids)
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise TypeError(f"ids must be integers [n]. Received: {_describe(array)}")
        if array.size and (array.min() < 0 or array.max() >= len(self)):
            raise IndexError(f"ids must be in [0, {len(self)}). Received: {array.min()}..{array.max()}")
        return array.astype(np.int64)


def _describe(array: np.ndarray) -> str:
    """Type and shape of an array, for an error message."""
    return f"{array.dtype} {list(array.shape)}"


@dataclasses.dataclass(frozen=True)
class DataSet:
    """A training part and a test part with their true labels, and the names of the classes in label order."""

    name: str
    train: ArraySource
    test: ArraySource
    class_names: tuple[str, ...]

    @property
    def num_classes(self) -> int:
        """C, the number of classes."""
        return len(self.class_names)
