"""Data sets that tensorflow_datasets prepared earlier, or can download."""

import contextlib
import socket
import sys
import threading
import urllib.request
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ieg_fsr.data.sources.image_source import ArraySource, DataSet
from ieg_fsr.data.sources.prepared_tree import check_prepared_tree, prepared_root
from ieg_fsr.errors import UserError

PROBE_SECONDS = 5.0


def load_with_tfds(name: str, data_dir: str | None, address: tuple[str, int], remedy: str) -> DataSet:
    """Loads with tensorflow_datasets: a tree that it prepared earlier, else a download.

    The example ids are positions in the order of tensorflow_datasets, shuffled by a hash but fixed. The builder
    `name` has the splits `train` and `test` and the features `image` and `label`. A download talks to the host and port
    of `address`; `remedy` is what the user can do without a network, such as "put FILE into DIR".

    Raises:
      UserError: no prepared tree and no network, or a tree or a download that fails.
    """
    check_prepared_tree(name, data_dir)
    # Importing tensorflow_datasets takes seconds: without a tree it is asked only if it is loaded already.
    is_prepared = any(prepared_root(data_dir).joinpath(name).glob("*/dataset_info.json"))
    if is_prepared or "tensorflow_datasets" in sys.modules:
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
        with contextlib.suppress(OSError):
            socket.create_connection((host, port), timeout=timeout).close()
            connected.set()

    # In a thread because the time-out of a socket does not cover the look-up of the name.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(timeout)
    return connected.is_set()


def _load_tfds(name: str, data_dir: str | None, download: bool) -> DataSet:
    """Reads both splits, in the fixed order of the files."""
    import tensorflow_datasets as tfds

    splits, info = tfds.load(
        name, split=["train", "test"], data_dir=data_dir, download=download, batch_size=1000, with_info=True
    )
    (train, ids), (test, _) = (_gather(tfds.as_numpy(split)) for split in splits)
    return DataSet(name, train, test, tuple(info.features["label"].names), original_places=original_places(ids))


def _gather(batches: Iterable[dict[str, np.ndarray]]) -> tuple[ArraySource, list[bytes]]:
    """One source of all batches of `image` [b, H, W, channels] and `label` [b], and what they have as `id` [b]."""
    columns: Any = zip(*((batch["image"], batch["label"], batch.get("id", [])) for batch in batches), strict=True)
    images, labels, ids = columns
    return ArraySource(np.concatenate(images), np.concatenate(labels)), [one for part in ids for one in part]


def original_places(ids: Sequence[Any]) -> np.ndarray | None:
    """Places [N] in the original files from the ids that tensorflow_datasets gives to CIFAR's images, train_00042.

    None, unless the numbers are 0..N-1, each once: then the ids are none of this kind.
    """
    numbers = [one.rpartition(b"_")[2] for one in ids if isinstance(one, bytes)]
    places = np.array([int(number) for number in numbers if number.isdigit()], np.int64)
    whole = len(places) == len(ids) > 0 and np.array_equal(np.sort(places), np.arange(len(ids)))
    return places if whole else None


def _failure(name: str, data_dir: str | None, verb: str, error: Exception, remedy: str) -> str:
    """One line about a failure inside tensorflow_datasets; its own messages span many."""
    cause = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    place = data_dir or "the default directory"
    return f"--dataset={name}: tensorflow_datasets must {verb} it with {place}, else {remedy}. Received: {cause}"
