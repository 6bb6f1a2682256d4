"""Files of labels by key, as CIFAR-N publishes them: a pickled dict in .npy or .pt. Read without running anything.

Wei et al., Learning with Noisy Labels Revisited: A Study Using Real-World Human Annotations, ICLR 2022.
"""

import contextlib
import zipfile
from typing import IO, Any

import numpy as np

from ieg_fsr.data.sources.image_source import DataSet
from ieg_fsr.data.sources.restricted_pickle import OBJECTS, PickledArray, unpickle
from ieg_fsr.errors import UserError, one_line, refusal

TRUE_LABELS = "clean_label"  # the key of the true labels, by which the order is found out
_TYPES = (OBJECTS, "i8", "i4", "i2", "i1", "u1", "u2", "u4")
_LARGEST_BYTES = 2**28  # a thousand times what CIFAR-N's file has
_REMEDY = (
    "CIFAR-10_human.npy goes with the published archive in --data_dir and with what tensorflow_datasets prepared as "
    "cifar10, CIFAR-10_human_ordered.npy with the latter only; so for CIFAR-100"
)


def is_pickled(path: str) -> bool:
    """Whether a file is a .npy file of Python objects, or a zip file, as .pt files are."""
    with open(path, "rb") as file:
        if zipfile.is_zipfile(file):
            return True
        file.seek(0)
        with contextlib.suppress(ValueError):
            return _npy_type(file).hasobject
    return False


def read_pickled_labels(path: str, key: str | None, data: DataSet) -> tuple[np.ndarray, list[str]]:
    """Labels [N] under a key of a pickled dict, in the order of the training part, and lines about that order.

    The file's own true labels, under `clean_label`, must be those of the data: as they are, or in the order of the
    data set's original files, where the data have another and say which (`DataSet.original_places`).

    Raises:
        UserError: the file is damaged or holds anything but arrays of numbers, no such key, another order.
    """
    columns = _arrays(path)
    if key not in columns:
        rule = f"be one of {', '.join(sorted(columns))} with this --labels_file"
        raise refusal("--labels_key", rule, "nothing" if key is None else key)
    if TRUE_LABELS not in columns:
        rule = f"hold {TRUE_LABELS}, by which its order is found out, beside {key}"
        raise refusal("--labels_file", rule, f"{', '.join(sorted(columns))} in {path}")
    labels, clean, own = columns[key], columns[TRUE_LABELS], data.train.labels
    if not len(labels) == len(clean) == len(own):
        sizes = f"{len(labels)} under {key}, {len(clean)} under {TRUE_LABELS}, in {path}"
        raise refusal("--labels_file", f"hold a label for each of the {len(own)} training examples", sizes)
    places = data.original_places
    if np.array_equal(clean, own):
        return labels, []
    if places is not None and np.array_equal(clean[places], own):
        note = (
            f"--labels_file is in the order of the data set's original files, and was put into that of the data: its "
            f"{TRUE_LABELS} is then the true label of all {len(own)} training examples"
        )
        return labels[places], [note]
    agreement = f"{path}, whose {TRUE_LABELS} is that of the data for {np.mean(clean == own):.1%} of the examples"
    raise refusal("--labels_file", f"be in the order of the data or of their original files: {_REMEDY}", agreement)


def _arrays(path: str) -> dict[str, np.ndarray]:
    """The vectors of whole numbers in the dict, by key."""
    try:
        found = unpickle(_pickle_of(path), _TYPES)
    except Exception as error:  # A damaged pickle fails in any way there is.
        cause = one_line(error)[:150] or type(error).__name__
        rule = "be a dict of arrays of whole numbers, where it is a pickle; no other is read, as it could run any code"
        raise refusal("--labels_file", rule, f"{cause}, in {path}") from None
    columns = {key: _vector(value) for key, value in found.items()}
    return {key: vector for key, vector in columns.items() if vector is not None}


def _pickle_of(path: str) -> bytes:
    if not zipfile.is_zipfile(path):
        with open(path, "rb") as file:
            _npy_type(file)
            return _limited(file)
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(members) != 1:
            raise ValueError("a zip file without the data.pkl of a .pt file")
        with archive.open(members[0]) as file:
            return _limited(file)


def _limited(file: IO[bytes]) -> bytes:
    content = file.read(_LARGEST_BYTES + 1)
    if len(content) > _LARGEST_BYTES:
        raise UserError(f"more than {_LARGEST_BYTES} bytes")
    return content


def _npy_type(file: IO[bytes]) -> np.dtype:
    """Reads the header of a .npy file, else ValueError."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(file)[2]


def _vector(value: Any) -> np.ndarray | None:
    """An array [N] or [N, 1], or a list, of whole numbers as int64 [N]; None for anything else."""
    if isinstance(value, list) and all(type(one) is int and abs(one) < 2**63 for one in value):
        return np.array(value, np.int64)
    if not isinstance(value, PickledArray) or value.values.shape[1:] not in ((), (1,)) or not value.values.ndim:
        return None
    return value.values.reshape(-1).astype(np.int64)
