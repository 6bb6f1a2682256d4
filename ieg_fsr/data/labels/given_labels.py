"""`--labels_file`: labels that people or programs gave, in place of the data set's own; and a fingerprint of labels."""

import csv
import hashlib
from collections.abc import Sequence

import numpy as np

from ieg_fsr.data.labels.labels_table import LabelsTable, read_labels_table, whole_number
from ieg_fsr.data.labels.named_files import ids_of_files
from ieg_fsr.data.labels.pickled_labels import is_pickled, read_pickled_labels
from ieg_fsr.data.sources.image_source import DataSet
from ieg_fsr.errors import UserError, refusal
from ieg_fsr.unlabelled import UNLABELLED

_NO_CLASS = -2  # what is no label at all
_SHOWN_CLASSES = 5


def read_given_labels(path: str, key: str | None, data: DataSet) -> tuple[np.ndarray, list[str]]:
    """Reads one label for each example of the training part, [N], int32: in [0, C), or -1 for an unlabelled one.

    CSV has a header with example_id or path (file, file_name), and label or class; other columns are passed over. A
    .npy file holds [N] labels in the order of the ids, or [N, 2] with an id or a file beside each. A label is a class
    number or the name of a class; -1 or nothing is none. What CIFAR-N publishes is read with a key.

    Where classes have numbers for names, other ones than their class numbers, labels may be meant in two ways: beside
    ids they are class numbers, beside files names; if not all of them can be, the other.

    Args:
        path: of the file.
        key: `--labels_key`.
        data: the data set, with the whole training part.

    Returns the labels, and lines that a user should read.

    Raises:
        UserError: the file cannot be read, or does not give each example exactly one label of the data set.
    """
    try:
        if is_pickled(path):
            labels, notes = read_pickled_labels(path, key, data)
            table = LabelsTable(np.arange(len(labels)), None, labels.astype(str))
        elif key is not None:
            raise refusal("--labels_key", f"be left out: {path} does not hold labels by key", key)
        else:
            table, notes = read_labels_table(path), []
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"--labels_file must be a readable file ({error.strerror}). Received: {path}") from None
    except (ValueError, EOFError, csv.Error):
        rule = "be a .npy file of whole numbers or texts, or CSV in UTF-8"
        raise refusal("--labels_file", rule, path) from None
    if table.ids is not None:
        ids = table.ids
        _check_ids(ids, len(data.train), path)
    else:
        ids, more = ids_of_files(table.files or [], data, path)
        notes = notes + more
    labels, more = class_numbers(table, data.class_names, path)
    given_labels: np.ndarray = np.empty([len(data.train)], np.int32)
    given_labels[ids[ids >= 0]] = labels[ids >= 0]
    return given_labels, [*notes, *more]


def labels_sha256(labels: np.ndarray) -> str:
    """SHA-256 of labels [N] as little-endian int32: the same on every machine."""
    return hashlib.sha256(np.asarray(labels).astype("<i4").tobytes()).hexdigest()


def class_numbers(
    table: LabelsTable, class_names: Sequence[str], path: str, flag: str = "--labels_file"
) -> tuple[np.ndarray, list[str]]:
    """Labels [n] as class numbers, -1 for none, and a line where they may be meant in two ways.

    Args: path, flag: of the table, for messages.

    Raises:
        UserError: a label is none, or one in another way than the others.
    """
    texts, places = np.unique(table.labels, return_inverse=True)
    number_of = {name: number for number, name in enumerate(class_names)}
    numbers, names = np.empty([2, len(texts)], np.int64)
    for i, text in enumerate(texts.tolist()):
        number = whole_number(text)
        if text == "" or number == UNLABELLED:
            numbers[i] = names[i] = UNLABELLED
            continue
        numbers[i] = number if number is not None and 0 <= number < len(class_names) else _NO_CLASS
        names[i] = number_of.get(text, _NO_CLASS)
    as_numbers, as_names = not table.named and numbers.min(initial=0) > _NO_CLASS, names.min(initial=0) > _NO_CLASS
    if not as_numbers and not as_names:
        labels = np.where(table.named, names, np.maximum(numbers, names))[places]
        raise _strange_label(table, labels, class_names, path, flag)
    by_name = as_names and (table.files is not None or not as_numbers)
    notes = []
    if as_numbers and as_names and (numbers != names).any():
        meant = "names of classes" if by_name else "class numbers"
        notes.append(f"{flag}: its labels are taken for {meant}; class 0 has the name {class_names[0]}")
    return (names if by_name else numbers)[places], notes


def _strange_label(
    table: LabelsTable, labels: np.ndarray, class_names: Sequence[str], path: str, flag: str
) -> UserError:
    """The error about the first label that is none, or that is one in another way than the others."""
    row = int(np.argmax(labels == _NO_CLASS)) if (labels == _NO_CLASS).any() else 0
    known = ", ".join(class_names[:_SHOWN_CLASSES]) + (", ..." if len(class_names) > _SHOWN_CLASSES else "")
    numbers = "" if table.named else f"class numbers in [0, {len(class_names)}) throughout, or "
    rule = f"hold {numbers}names of classes ({known}); -1 or nothing for none"
    return refusal(flag, rule, f"label {table.labels[row]} of {table.row(row)} in {path}")


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
