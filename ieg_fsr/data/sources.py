"""Images with their true labels, addressed by a dense example id; one loader for every data set of the command line.

Nothing here imports TensorFlow before it is needed: a mistyped flag is answered at once.
"""

import dataclasses
import os
import pathlib
import socket
import sys
import threading
import urllib.request
from collections.abc import Iterable
from typing import Any

import numpy as np

from ieg_fsr.errors import UserError

DATASETS = ("digits", "fashion_mnist", "cifar10", "cifar100")
PROBE_SECONDS = 5.0


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


def load_dataset(name: str, data_dir: str | None = None) -> DataSet:
    """Loads one of `DATASETS` with its true labels.

    Args:
      name: a name from `DATASETS`.
      data_dir: directory of the data set's files; None: the places that need no flag (packages, the default
        directory of tensorflow_datasets), then a download.

    Raises:
      UserError: an unknown name, a missing directory, a damaged file, or a file that is not here and not reachable.
    """
    # The loaders import this module for ArraySource: hence here and not at the top.
    from ieg_fsr.data import cifar, digits, fashion_mnist

    if name not in DATASETS:
        raise UserError(f"--dataset must be one of {', '.join(DATASETS)}. Received: {name}")
    if data_dir is not None:
        expanded = os.path.expanduser(data_dir)
        if not os.path.isdir(expanded):
            raise UserError(f"--data_dir must be an existing directory. Received: {data_dir}")
        data_dir = expanded
    if name == "digits":
        return digits.load_digits()
    if name == "fashion_mnist":
        return fashion_mnist.load_fashion_mnist(data_dir)
    return cifar.load_cifar(name, data_dir)


def load_with_tfds(name: str, data_dir: str | None, address: tuple[str, int], remedy: str) -> DataSet:
    """Loads with tensorflow_datasets: a tree that it prepared earlier, else a download.

    The example ids are positions in the order of tensorflow_datasets, which is shuffled by a hash but fixed.

    Args:
      name: the builder's name; its splits are `train` and `test`, its features `image` and `label`.
      data_dir: root of the prepared trees; None: the default of tensorflow_datasets.
      address: host and port that a download talks to.
      remedy: what the user can do without a network, e.g. "put FILE into DIR"; it becomes part of the message.

    Raises:
      UserError: no prepared tree and no network, or a tree or a download that fails.
    """
    # Importing tensorflow_datasets takes seconds: without a tree it is asked only if it is loaded already.
    if _has_prepared_tree(name, data_dir) or "tensorflow_datasets" in sys.modules:
        try:
            return _load_tfds(name, data_dir, download=False)
        except (AssertionError, FileNotFoundError):
            pass  # Not prepared, or prepared by another version.
        except Exception as error:
            raise UserError(_failure(name, data_dir, "read", error, remedy)) from error
    # A download without a network waits for minutes before it fails.
    if not can_connect(*address):
        received = f"--data_dir={data_dir}" if data_dir else "no --data_dir"
        raise UserError(f"--dataset={name} must be on this machine when {address[0]} cannot be reached: {remedy}. "
                        f"Received: {received}")  # fmt: skip
    try:
        return _load_tfds(name, data_dir, download=True)
    except Exception as error:
        raise UserError(_failure(name, data_dir, "download", error, remedy)) from error


def can_connect(host: str, port: int, timeout: float = PROBE_SECONDS) -> bool:
    """Whether a download from `host` has a chance; answers within `timeout` seconds.

    With a proxy configured the answer is yes: only the proxy knows.
    """
    if {"http", "https", "all"} & urllib.request.getproxies().keys():
        return True
    connected = threading.Event()

    def connect() -> None:
        try:
            socket.create_connection((host, port), timeout=timeout).close()
            connected.set()
        except OSError:
            pass

    # In a thread because the time-out of a socket does not cover the look-up of the name.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(timeout)
    return connected.is_set()


def _has_prepared_tree(name: str, data_dir: str | None) -> bool:
    """Whether `<root>/<name>/<version>/dataset_info.json` exists, where tensorflow_datasets would look."""
    root = data_dir or os.environ.get("TFDS_DATA_DIR") or os.path.expanduser("~/tensorflow_datasets")
    return any(pathlib.Path(root, name).glob("*/dataset_info.json"))


def _load_tfds(name: str, data_dir: str | None, download: bool) -> DataSet:
    """Reads both splits, in the fixed order of the files."""
    import tensorflow_datasets as tfds

    splits, info = tfds.load(
        name, split=["train", "test"], data_dir=data_dir, download=download, batch_size=1000, with_info=True
    )
    train, test = (_gather(tfds.as_numpy(split)) for split in splits)
    return DataSet(name, train, test, tuple(info.features["label"].names))


def _gather(batches: Iterable[dict[str, np.ndarray]]) -> ArraySource:
    """One source of all batches of `image` [b, H, W, channels] and `label` [b]."""
    pairs = [(batch["image"], batch["label"]) for batch in batches]
    images, labels = zip(*pairs, strict=True)
    return ArraySource(np.concatenate(images), np.concatenate(labels))


def _failure(name: str, data_dir: str | None, verb: str, error: Exception, remedy: str) -> str:
    """One line about a failure inside tensorflow_datasets; its own messages span many."""
    cause = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    place = data_dir or "the default directory"
    return f"--dataset={name}: tensorflow_datasets must {verb} it with {place}, else {remedy}. Received: {cause}"
