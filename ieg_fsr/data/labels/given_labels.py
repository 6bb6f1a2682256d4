"""`--labels_file`: labels that people or programs gave, in place of the data set's own; and a fingerprint of labels."""

import csv
import hashlib
import pathlib

import numpy as np

from ieg_fsr.errors import UserError, refusal

COLUMNS = ("example_id", "label")


def read_given_labels(path: str, num_examples: int, num_classes: int) -> np.ndarray:
    """Reads one label for each example of the whole training set: [N], int32, in [0, C).

    A .npy file holds integers, [N] in the order of the ids or [N, 2] with rows (example_id, label). Any other file is
    CSV whose header names the columns example_id and label; other columns are passed over.

    Raises:
        UserError: the file cannot be read, or does not give each example exactly one label of the data set.
    """
    try:
        ids, labels = _read_npy(path) if pathlib.Path(path).suffix == ".npy" else _read_csv(path)
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"--labels_file must be a readable file ({error.strerror}). Received: {path}") from None
    except (ValueError, EOFError, csv.Error):
        raise UserError(f"--labels_file must be a .npy file of integers or CSV in UTF-8. Received: {path}") from None
    _check_ids(ids, num_examples, path)
    if (wrong := np.flatnonzero((labels < 0) | (labels >= num_classes))).size:
        strange = f"label {labels[wrong[0]]} of id {ids[wrong[0]]}"
        raise refusal("--labels_file", f"hold labels in [0, {num_classes})", f"{strange} in {path}")
    given_labels: np.ndarray = np.empty([num_examples], np.int32)
    given_labels[ids] = labels
    return given_labels


def labels_sha256(labels: np.ndarray) -> str:
    """SHA-256 of labels [N] as little-endian int32: the same on every machine."""
    return hashlib.sha256(np.asarray(labels).astype("<i4").tobytes()).hexdigest()


def _read_npy(path: str) -> tuple[np.ndarray, np.ndarray]:
    array = np.load(path, allow_pickle=False)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iu":
        raise ValueError("not an array of integers")
    if array.ndim == 2 and array.shape[1] == 2:
        return array[:, 0], array[:, 1]
    if array.ndim != 1:
        raise refusal("--labels_file", "be of shape [N] or [N, 2]", f"{list(array.shape)} in {path}")
    return np.arange(len(array)), array


def _read_csv(path: str) -> tuple[np.ndarray, np.ndarray]:
    pairs = []
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        names = reader.fieldnames or []
        if not set(COLUMNS) <= set(names):
            rule = f"have a header with {' and '.join(COLUMNS)}"
            raise refusal("--labels_file", rule, f"{','.join(names)!r} in {path}")
        for row in reader:
            pairs.append([_whole_number(row[name], name, reader.line_num, path) for name in COLUMNS])
    table = np.array(pairs, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _whole_number(text: str | None, name: str, line: int, path: str) -> int:
    # Eighteen digits fit into 64 bits.
    if text is None or not text.strip().removeprefix("-").isdecimal() or len(text.strip()) > 18:
        strange = f"{name} {text or 'missing'!r} in line {line} of {path}"
        raise refusal("--labels_file", "hold whole numbers", strange)
    return int(text)


def _check_ids(ids: np.ndarray, num_examples: int, path: str) -> None:
    """Each of 0..N-1 once."""
    known = f"the ids 0..{num_examples - 1} of the training set"
    if (strange := ids[(ids < 0) | (ids >= num_examples)]).size:
        raise refusal("--labels_file", f"have {known}", f"{len(ids)} labels, id {strange[0]} in {path}")
    counts = np.bincount(ids.astype(np.int64), minlength=num_examples)
    if (repeated := np.flatnonzero(counts > 1)).size:
        raise refusal("--labels_file", f"have {known} once each", f"id {repeated[0]} twice in {path}")
    if (missing := np.flatnonzero(counts == 0)).size:
        gap = f"{len(missing)} ids missing, first {missing[0]}, in {path}"
        raise refusal("--labels_file", f"have all of {known}", gap)
