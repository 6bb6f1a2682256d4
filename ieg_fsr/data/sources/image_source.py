"""Images with their true labels, addressed by a dense example id. NumPy only."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ieg_fsr.errors import UserError
from ieg_fsr.unlabelled import UNLABELLED


class ImageSource(Protocol):
    """Images of one size with their true labels, with random access by dense example id 0..N-1."""

    def __len__(self) -> int: ...

    @property
    def labels(self) -> np.ndarray:
        """True labels, int32 [N], read-only; -1 of a training example that the data have none for."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, channels)."""

    def images(self, ids: Any) -> np.ndarray:
        """Images uint8 [n, H, W, channels] of the examples `ids` [n], not augmented."""

    def take(self, ids: Any) -> "ImageSource":
        """A new source of these examples; entry k of `ids` becomes example id k."""


class ArraySource:
    """Images and true labels in memory: an `ImageSource`.

    Attributes:
      names: [N], paths of the files that the images come from; empty where they come from none.
      in_files: whether they come from files.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, names: Sequence[str] = ()) -> None:
        """Args: images: uint8 [N, H, W, channels], or [N, H, W] for one channel; not copied. labels: see below.

        Raises:
          UserError: a wrong type or shape, or two different lengths.
        """
        images, labels = np.asarray(images), np.asarray(labels)
        if images.ndim == 3:
            images = images[..., np.newaxis]
        if images.dtype != np.uint8 or images.ndim != 4:
            raise UserError(f"images must be uint8 [N, H, W, channels]. Received: {_describe(images)}")
        self._images, self.names, self.in_files = images, list(names), bool(names)
        self.labels = checked_labels(labels, len(images))
        self.image_shape: tuple[int, int, int] = images.shape[1:]

    def __len__(self) -> int:
        return len(self.labels)

    def images(self, ids: Any) -> np.ndarray:
        """Images uint8 [n, H, W, channels] of the examples `ids` [n], a copy: see `checked_ids`."""
        return self._images[checked_ids(ids, len(self))]

    def take(self, ids: Any) -> "ArraySource":
        """A new source of these examples; entry k of `ids` becomes example id k."""
        checked = checked_ids(ids, len(self))
        names = [self.names[one] for one in checked] if self.in_files else []
        return ArraySource(self._images[checked], self.labels[checked], names)


def files_of(source: Any) -> Sequence[str]:
    """Paths [N] of the images of a source as the system has them; empty where they are in no files."""
    return source.names if getattr(source, "in_files", False) else []


def file_names(source: Any) -> np.ndarray:
    """Paths [N] of the images of a source, bytes that are no text as \\x..; "" where they are in no files."""
    if not getattr(source, "in_files", False):
        return np.full(len(source), "", object)
    return np.array([os.fsencode(name).decode("utf-8", "backslashreplace") for name in source.names], object)


def checked_labels(labels: Any, num_images: int) -> np.ndarray:
    """True labels as int32 [N], a copy, write-protected.

    Raises:
      UserError: they are not integers of at least 0, or -1 for none, one for each image.
    """
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise UserError(f"labels must be integers [N]. Received: {_describe(labels)}")
    if num_images != len(labels):
        raise UserError(f"images and labels must have one length. Received: {num_images} and {len(labels)}")
    if labels.size and labels.min() < UNLABELLED:
        raise UserError(f"labels must be at least 0, or {UNLABELLED} for none. Received: {labels.min()}")
    copy = np.array(labels, dtype=np.int32)
    copy.setflags(write=False)
    return copy


def checked_ids(ids: Any, num_examples: int) -> np.ndarray:
    """Example ids as int64 [n], in any order, repeats allowed.

    Raises:
      TypeError: `ids` are not a list of integers (a boolean mask is none).
      IndexError: an id outside 0..N-1; a negative one does not count from the end.
    """
    array = np.asarray(ids)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise TypeError(f"ids must be integers [n]. Received: {_describe(array)}")
    if array.size and (array.min() < 0 or array.max() >= num_examples):
        raise IndexError(f"ids must be in [0, {num_examples}). Received: {array.min()}..{array.max()}")
    return array.astype(np.int64)


def _describe(array: np.ndarray) -> str:
    """Type and shape of an array, for an error message."""
    return f"{array.dtype} {list(array.shape)}"


@dataclasses.dataclass(frozen=True)
class DataSet:
    """A training part and a test part with their true labels.

    Attributes:
      name: value of --dataset.
      train: to train on.
      test: to evaluate on.
      class_names: in label order.
      extra_tests: further test sets of the same classes by name, such as ImageNet's images for WebVision's classes.
      notes: what a user should know about how the data were read, a line each.
      damaged_files: images that could not be decoded and were left out, of all parts.
        left_out: how many files were left out, by reason: damaged images, and what is no image.
        original_places: place [N] of each training example in the data set's original files, where the order is another
            one that is known; None where it is that order, or not known.
      holdout: images held out of the training part, whose true labels a method may see; None for none.
    """

    name: str
    train: ImageSource
    test: ImageSource
    class_names: tuple[str, ...]
    extra_tests: Mapping[str, ImageSource] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    damaged_files: tuple[str, ...] = ()
    left_out: Mapping[str, int] = dataclasses.field(default_factory=dict)
    original_places: np.ndarray | None = None
    holdout: ImageSource | None = None

    @property
    def num_classes(self) -> int:
        """C, the number of classes."""
        return len(self.class_names)
