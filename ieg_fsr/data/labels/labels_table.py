"""Files of labels as tables: what each row is about, and its label as text. CSV, or .npy without pickle. NumPy only."""

import csv
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ieg_fsr.errors import refusal

# Headings of what a row is about, the first that is there; and of its label.
ID, FILES = "example_id", ("path", "file", "file_name")
LABEL, CLASS = "label", "class"


class LabelsTable(NamedTuple):
    """Rows of a file.

    Attributes:
        ids: [n], int64, ids of examples; None where rows are about files.
        files: [n], names or paths of files; None where rows are about ids.
        labels: [n], texts: a class number, the name of a class, or nothing.
        named: whether a label can only be the name of a class.
    """

    ids: np.ndarray | None
    files: list[str] | None
    labels: np.ndarray
    named: bool = False

    def row(self, number: int) -> str:
        """What to call a row in a message."""
        return f"id {self.ids[number]}" if self.files is None else self.files[number]  # type: ignore[index]


def read_labels_table(path: str) -> LabelsTable:
    """Reads .npy, [N] in the order of the ids or [N, 2] with an id or file in each row, or else CSV with a header.

    Raises:
        UserError: not such a shape or header, or an id that is no whole number.
        ValueError, EOFError, csv.Error: not such a file.
    """
    return _read_npy(path) if pathlib.Path(path).suffix == ".npy" else _read_csv(path)


def whole_number(text: str) -> int | None:
    """The number that a text is, "3" or, as a table with gaps has it, "3.0"; None for another. At most 18 digits."""
    digits = text.removesuffix(".0")
    number = digits.removeprefix("-")
    return int(digits) if number.isascii() and number.isdecimal() and len(number) <= 18 else None


def _read_npy(path: str) -> LabelsTable:
    array = np.load(path, allow_pickle=False)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iufU":
        raise ValueError("not an array of whole numbers or texts")
    if array.dtype.kind == "f":
        missing = np.isnan(array)
        if (array[~missing] != np.round(array[~missing])).any() or (np.abs(array[~missing]) > 2**53).any():
            raise ValueError("not whole numbers")
        array = np.where(missing, "", np.where(missing, 0, array).astype(np.int64).astype(str))
    if array.ndim == 1:
        return LabelsTable(np.arange(len(array)), None, array.astype(str))
    if array.ndim != 2 or array.shape[1] != 2:
        raise refusal("--labels_file", "be of shape [N] or [N, 2]", f"{list(array.shape)} in {path}")
    keys, labels = array.astype(str).T
    try:
        return LabelsTable(_ids(keys.tolist()), None, labels)
    except ValueError:
        return LabelsTable(None, keys.tolist(), labels)


def _read_csv(path: str) -> LabelsTable:
    keys: list[str] = []
    labels: list[str] = []
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        names = reader.fieldnames or []
        key_name = next((name for name in (ID, *FILES) if name in names), None)
        label_name = next((name for name in (LABEL, CLASS) if name in names), None)
        if key_name is None or label_name is None:
            rule = f"have a header with {ID} or {FILES[0]}, and {LABEL} or {CLASS}"
            raise refusal("--labels_file", rule, f"{','.join(names)!r} in {path}")
        for row in reader:
            place = f"in line {reader.line_num} of {path}"
            for name, column in ((key_name, keys), (label_name, labels)):
                if row[name] is None:
                    raise refusal("--labels_file", f"have {name} in each row", f"none {place}")
                column.append(row[name].strip())
            if key_name == ID and whole_number(keys[-1]) is None:
                raise refusal("--labels_file", "hold whole numbers", f"{ID} {keys[-1]!r} {place}")
    texts, named = np.array(labels, str), label_name == CLASS
    return LabelsTable(_ids(keys), None, texts, named) if key_name == ID else LabelsTable(None, keys, texts, named)


def _ids(keys: Sequence[str]) -> np.ndarray:
    """Texts as ids, int64; ValueError where one is none."""
    numbers = [number for number in map(whole_number, keys) if number is not None]
    if len(numbers) < len(keys):
        raise ValueError("not all ids are whole numbers")
    return np.array(numbers, np.int64)
