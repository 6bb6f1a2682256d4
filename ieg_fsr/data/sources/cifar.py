"""CIFAR-10 and CIFAR-100 (Krizhevsky, 2009): 32x32 colour images, read from the published archives.

Both published formats are read, packed or unpacked: records of bytes ("binary") and Python-2 pickles ("python").
An archive is read in memory, member by member, and a pickle cannot run code. The number of records in a file is
free, so that a small archive in the same format works too.
"""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ieg_fsr.data.sources.cifar_classes import CIFAR10_CLASS_NAMES, cifar10_mistakes, cifar100_mistakes
from ieg_fsr.data.sources.dataset_spec import LONG_TAIL, SHARED, WRONG_LABELS, DataSetSpec, Recipe
from ieg_fsr.data.sources.image_source import ArraySource, DataSet
from ieg_fsr.data.sources.restricted_pickle import PickledArray, as_text, unpickle
from ieg_fsr.data.sources.tar_archive import DamagedError, one_line, read_members
from ieg_fsr.data.sources.tfds_source import load_with_tfds
from ieg_fsr.errors import UserError

_ADDRESS = ("www.cs.toronto.edu", 443)
_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE  # Bytes of an image: the red plane, then green, then blue, each row by row.

# Paper, Table 4 and section 4.1, CIFAR with label noise.
_CHANGED = {"network": "wrn28_10", "epochs": 127, "schedule": "cosine_restarts", "padding": 2, "dictionary_size": 2000}
_NOISE = SHARED | WRONG_LABELS | _CHANGED

# Paper, Table 4 and section 4.2, CIFAR with a long tail. The warm-up is the short one; FSR-DF ("deferred") starts
# re-weighting with the first drop of the rate, after 160 epochs.
_TAIL = {"network": "resnet32", "epochs": 200, "drop_epochs": (160, 180), "padding": 4, "dictionary_size": 3000}
_LONG_TAIL = SHARED | LONG_TAIL | _TAIL | {"reward_batch_size": 800}

# Paper, Table 4, CIFAR with a long tail and label noise.
_TAIL_CHANGED = {"batch_size": 128, "reward_batch_size": 200, "reweight_warmup_epochs": 160}
_LONG_TAIL_NOISE = _LONG_TAIL | WRONG_LABELS | _TAIL_CHANGED
RECIPE = Recipe(_NOISE, _LONG_TAIL, _LONG_TAIL_NOISE)


@dataclasses.dataclass(frozen=True)
class _Layout:
    """One published format of one data set: the archive, the folder inside it and the files in the folder."""

    archive: str
    folder: str
    train: tuple[str, ...]
    test: str
    class_names: str
    num_classes: int
    label_bytes: int  # CIFAR-100's records start with the coarse label, then the fine one.
    # From the bytes of one file and the number of label bytes in a record: pixels [N, 3072] and labels [N].
    decode: Callable[[bytes, int], tuple[np.ndarray, np.ndarray]]


def load_cifar(name: str, data_dir: str | None = None) -> DataSet:
    """Loads `cifar10` or `cifar100`: train [50000, 32, 32, 3], test [10000, 32, 32, 3], in the order of the files.

    The labels of CIFAR-100 are the 100 fine ones. The archive, the unpacked folder or a tree of tensorflow_datasets is
    searched in `data_dir`, in this order; without it only tensorflow_datasets is asked.

    Raises:
      UserError: a damaged file, or no file and no network.
    """
    layouts = _LAYOUTS[name]
    if data_dir is not None:
        found = _find(layouts, pathlib.Path(data_dir), layouts[0].archive.removesuffix("-binary.tar.gz"))
        if found is not None:
            return _load(name, *found)
    archive = layouts[0].archive
    place = data_dir or "a directory DIR and pass --data_dir=DIR"
    remedy = f"put {archive} (https://{_ADDRESS[0]}/~kriz/{archive}) into {place}"
    return load_with_tfds(name, data_dir, _ADDRESS, remedy)


def _find(layouts: tuple[_Layout, ...], root: pathlib.Path, stem: str) -> tuple[pathlib.Path, _Layout] | None:
    """The first archive, else the first unpacked folder."""
    directories = (root, root / "downloads" / "manual", root / stem)
    places = [(directory, layout) for directory in directories for layout in layouts]
    archives = [(directory / layout.archive, layout) for directory, layout in places]
    folders = [(directory / layout.folder, layout) for directory, layout in places]
    found = [one for one in archives if one[0].is_file()] + [one for one in folders if one[0].is_dir()]
    return found[0] if found else None


def _load(name: str, path: pathlib.Path, layout: _Layout) -> DataSet:
    """Reads and checks all files of an archive or of an unpacked folder."""
    place = f"--dataset={name}: {path}"
    parts = {}
    try:
        files = _read(path, layout)
        for file in (*layout.train, layout.test):
            place = f"--dataset={name}: {path}, file {layout.folder}/{file},"
            if file not in files:
                raise DamagedError("must be there. Received: no such file")
            parts[file] = _decode(files[file], layout)
        place = f"--dataset={name}: {path}, file {layout.folder}/{layout.class_names},"
        class_names = _class_names(files.get(layout.class_names), layout)
    except DamagedError as error:
        raise UserError(f"{place} {error}") from error
    images, labels = zip(*(parts[file] for file in layout.train), strict=True)
    train = ArraySource(np.concatenate(images), np.concatenate(labels))
    return DataSet(name, train, ArraySource(*parts[layout.test]), class_names)


def _read(path: pathlib.Path, layout: _Layout) -> dict[str, bytes]:
    """Bytes by file name; of an archive nothing is written to disk."""
    wanted = (*layout.train, layout.test, layout.class_names)
    if not path.is_dir():
        members = read_members(path, {f"{layout.folder}/{file}" for file in wanted})
        return {name.removeprefix(f"{layout.folder}/"): content for name, content in members.items()}
    try:
        return {file: (path / file).read_bytes() for file in wanted if (path / file).is_file()}
    except OSError as error:
        raise DamagedError(f"must be readable. Received: {one_line(error)}") from error


def _decode(content: bytes, layout: _Layout) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [N, 32, 32, 3] and labels [N] of one file."""
    pixels, labels = layout.decode(content, layout.label_bytes)
    if labels.size and not 0 <= labels.min() <= labels.max() < layout.num_classes:
        span = f"{labels.min()}..{labels.max()}"
        raise DamagedError(f"must hold labels in [0, {layout.num_classes}). Received: {span}")
    planes = pixels.reshape((-1, 3, _SIDE, _SIDE))
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels


def _decode_records(content: bytes, label_bytes: int) -> tuple[np.ndarray, np.ndarray]:
    """The binary format: the label byte (the last one, if there are two), then the pixels."""
    size = label_bytes + _PIXELS
    if not content or len(content) % size:
        raise DamagedError(f"must be whole records of {size} bytes. Received: {len(content)} bytes")
    records = np.frombuffer(content, np.uint8).reshape(-1, size)
    return records[:, label_bytes:], records[:, label_bytes - 1].astype(np.int32)


def _decode_pickle(content: bytes, label_bytes: int) -> tuple[np.ndarray, np.ndarray]:
    """The python format: a dict of `data` uint8 [N, 3072] and a list of N labels."""
    batch = _unpickle(content)
    data = batch.get("data")
    labels = batch.get("labels" if label_bytes == 1 else "fine_labels")
    if not isinstance(data, PickledArray):
        raise DamagedError(f"must hold data as uint8 [N, {_PIXELS}]. Received: {type(data).__name__}")
    if data.values.ndim != 2 or data.values.shape[1] != _PIXELS:
        raise DamagedError(f"must hold data as uint8 [N, {_PIXELS}]. Received: {list(data.values.shape)}")
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise DamagedError(f"must hold the labels as a list of integers. Received: {type(labels).__name__}")
    if not labels or len(labels) != len(data.values):
        raise DamagedError(f"must hold a label for each image. Received: {len(labels)} for {len(data.values)}")
    return data.values, np.array(labels)


def _class_names(content: bytes | None, layout: _Layout) -> tuple[str, ...]:
    """CIFAR-10's are known; CIFAR-100's come from the archive, or are numbers if it has none."""
    if layout.num_classes == len(CIFAR10_CLASS_NAMES):
        return CIFAR10_CLASS_NAMES
    if content is None:
        return tuple(f"class {label}" for label in range(layout.num_classes))
    if layout.decode is _decode_pickle:
        listed = _unpickle(content).get("fine_label_names")
        names = [as_text(name) for name in listed] if isinstance(listed, list) else []
    else:
        names = content.decode("utf-8", errors="replace").split()
    if len(names) != layout.num_classes:
        raise DamagedError(f"must name {layout.num_classes} classes. Received: {len(names)}")
    return tuple(names)


def _unpickle(content: bytes) -> dict[str, Any]:
    """The dict in a pickle, with its keys as text."""
    try:
        return unpickle(content)
    except Exception as error:  # A damaged pickle fails in any way there is.
        raise DamagedError(f"must be a pickled dict of byte arrays and lists. Received: {one_line(error)}") from error


_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
_LAYOUTS = {
    "cifar10": (
        _Layout("cifar-10-binary.tar.gz", "cifar-10-batches-bin", tuple(f"{batch}.bin" for batch in _BATCHES),
                "test_batch.bin", "batches.meta.txt", 10, 1, _decode_records),
        _Layout("cifar-10-python.tar.gz", "cifar-10-batches-py", _BATCHES, "test_batch", "batches.meta", 10, 1,
                _decode_pickle),
    ),
    "cifar100": (
        _Layout("cifar-100-binary.tar.gz", "cifar-100-binary", ("train.bin",), "test.bin", "fine_label_names.txt",
                100, 2, _decode_records),
        _Layout("cifar-100-python.tar.gz", "cifar-100-python", ("train",), "test", "meta", 100, 2, _decode_pickle),
    ),
}  # fmt: skip


def _spec(name: str, num_classes: int, mistakes: Callable[[], np.ndarray]) -> DataSetSpec:
    return DataSetSpec(
        name,
        "32x32 colour images: archive or folder in --data_dir, or a download",
        lambda request: load_cifar(name, request.data_dir),
        lambda _: RECIPE,
        num_classes=num_classes,
        mistakes=mistakes,
    )


CIFAR10, CIFAR100 = _spec("cifar10", 10, cifar10_mistakes), _spec("cifar100", 100, cifar100_mistakes)
