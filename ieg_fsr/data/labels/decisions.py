"""`--decisions`: what a person decided about labels: kept, changed, the example removed, not sure. NumPy only."""

import csv
import hashlib
import io
import os
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ieg_fsr.data.labels.given_labels import class_numbers, labels_sha256
from ieg_fsr.data.labels.labels_table import LabelsTable, whole_number
from ieg_fsr.data.sources.image_source import DataSet, ImageSource, file_names
from ieg_fsr.errors import UserError, refusal
from ieg_fsr.unlabelled import class_counts, labelled

FLAG = "--decisions"
KEEP, LABEL, REMOVE, UNSURE = DECISIONS = ("keep", "label", "remove", "unsure")
# Headings. An example goes by its id in the whole training part, which is example_id where there is no source_id.
_ID, _SOURCE_ID, _DECISION, _LABEL, _CLASS, _DATA, _ROWS = HEADINGS = (
    *("example_id", "source_id", "decision", "label", "class", "data_sha256", "rows"),
)
_OF_LABEL_STUDIO = "annotation_id"  # a column of its CSV


class Decisions(NamedTuple):
    """What was decided, at most once about an example.

    Attributes:
        ids: [n], int64, rising, ids in the whole training part of the data set.
        decisions: [n], each one of `DECISIONS`.
        labels: [n], int32, what a label is from now on; -1 where the decision says none.
        sha256: of the file.
    """

    ids: np.ndarray
    decisions: np.ndarray
    labels: np.ndarray
    sha256: str

    def about(self, ids: np.ndarray) -> "Decisions":
        """Those about the examples `ids`."""
        chosen = np.isin(self.ids, ids)
        return self._replace(ids=self.ids[chosen], decisions=self.decisions[chosen], labels=self.labels[chosen])

    def of(self, *kinds: str) -> np.ndarray:
        """Ids of the examples about which one of the decisions `kinds` was made."""
        return self.ids[np.isin(self.decisions, kinds)]

    def corrected(self, labels: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """Labels [N] of the examples `ids` [N], rising, as they are by the decisions; a copy."""
        labels, about = labels.copy(), self.about(ids)
        changed = np.isin(about.decisions, [KEEP, LABEL]) & labelled(about.labels)
        labels[np.searchsorted(ids, about.ids[changed])] = about.labels[changed]
        return labels


def data_sha256(source: ImageSource) -> str:
    """What decisions are bound to: SHA-256 of the labels that a training part came with and the names of its files.

    Folders are left out: the data may be moved.
    """
    names = "\0".join(os.path.basename(name) for name in file_names(source).tolist())
    return hashlib.sha256(f"{labels_sha256(source.labels)}\0{names}".encode()).hexdigest()


def file_sha256(path: str) -> str | None:
    """Of a file; None where it cannot be read."""
    try:
        return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    except OSError:
        return None


def read_decisions(path: str, data: DataSet) -> tuple[Decisions, list[str]]:
    """Reads a decisions file: CSV with a header, as the audit page saves it.

    Columns: source_id or example_id, an id in the whole training part; decision; label, a class number or name, or
    class, a name; data_sha256 and rows, which may be left out, tell whether it is of this data set and whole. Others
    are passed over, and a header in the middle, of a file that was put behind another. What Label Studio exports as CSV
    of the tasks of `--export=label_studio` is read as well.

    Args:
        path: of the file.
        data: the data set, with the whole training part.

    Returns the decisions, and lines that a user should read.

    Raises:
        UserError: the file cannot be read, is cut short or of another data set, or says what is no decision.
    """
    rows, sha256 = _read_rows(path)
    expected = data_sha256(data.train)
    ids: np.ndarray = np.empty(len(rows), np.int64)
    texts, named = [], True
    for number, (place, row) in enumerate(rows):
        if row.get(_DATA, expected) != expected:
            rule = f"be of --dataset={data.name} as it is now, data_sha256 {expected[:12]}..."
            raise refusal(FLAG, rule, f"{row[_DATA][:12]}... {place}")
        ids[number] = _id_of(row, len(data.train), place)
        if row[_DECISION] not in DECISIONS:
            rule = f"have a decision in each row, one of {', '.join(DECISIONS)}"
            raise refusal(FLAG, rule, f"{row[_DECISION]!r} {place}")
        says = row[_DECISION] in (KEEP, LABEL)
        named &= not row.get(_LABEL)
        texts.append((row.get(_LABEL) or row.get(_CLASS, "")) if says else "")
    table = LabelsTable(ids, None, np.array(texts, str), named)
    labels, notes = class_numbers(table, data.class_names, path, FLAG)
    decisions = np.array([row[_DECISION] for _, row in rows], str)
    if (missing := np.flatnonzero((decisions == LABEL) & ~labelled(labels))).size:
        raise refusal(FLAG, f"say what the label is where the decision is {LABEL}", f"none {rows[missing[0]][0]}")
    # The later one counts: of equal ids `unique` finds the first, in the order turned round.
    kept_ids, last, counts = np.unique(ids[::-1], return_index=True, return_counts=True)
    last = len(ids) - 1 - last
    if (repeated := kept_ids[counts > 1]).size:
        notes.append(f"{FLAG}: several decisions about {len(repeated)} examples (first {repeated[0]}): the last counts")
    return Decisions(kept_ids, decisions[last], labels[last].astype(np.int32), sha256), notes


def check_classes_left(before: np.ndarray, after: np.ndarray, class_names: tuple[str, ...], path: str) -> None:
    """Raises UserError where a class had given labels, [N] `before` the decisions, and has none [n] `after` them."""
    had, has = (class_counts(labels, len(class_names)) for labels in (before, after))
    if (lost := np.flatnonzero((had > 0) & (has == 0))).size:
        rule = "leave an example of each class"
        raise refusal(FLAG, rule, f"none left of class {lost[0]} ({class_names[lost[0]]}) in {path}")


def _read_rows(path: str) -> tuple[list[tuple[str, Mapping[str, Any]]], str]:
    """The rows by heading, each behind its place for messages; and the SHA-256 of the file."""
    try:
        content = pathlib.Path(path).read_bytes()
        text = content.decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        names = reader.fieldnames or []
        if not {_DECISION, _OF_LABEL_STUDIO} & set(names) or not {_ID, _SOURCE_ID} & set(names):
            rule = f"be CSV with a header that has {_ID} and {_DECISION}"
            raise refusal(FLAG, rule, f"{','.join(names)[:80]!r} in {path}")
        rows = [(f"in line {reader.line_num} of {path}", row) for row in reader if row[names[0]] != names[0]]
        if _DECISION not in names:
            rows = [(place, _from_label_studio(row)) for place, row in rows]
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"{FLAG} must be a readable file ({error.strerror}). Received: {path}") from None
    except (ValueError, csv.Error):
        raise refusal(FLAG, "be whole CSV in UTF-8", path) from None
    for place, row in rows:
        if None in row or None in row.values():
            raise refusal(FLAG, "be whole: a row has another number of fields than the header", place)
    said = {row.get(_ROWS, "0") for _, row in rows}
    if not all(text.isascii() and text.isdecimal() and len(text) < 10 for text in said):
        raise refusal(FLAG, f"say in {_ROWS} how many rows there are", f"{min(said)!r} in {path}")
    wanted = max(map(int, said), default=0)
    if len(rows) < wanted or not text.endswith("\n"):
        rule = f"be whole: {wanted} rows, as it says itself" if len(rows) < wanted else "be whole: end with a line"
        raise refusal(FLAG, rule, f"{len(rows)} rows in {path}, which is cut short")
    return list(rows), hashlib.sha256(content).hexdigest()


def _from_label_studio(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as a decision: its label is the name of the class that somebody chose."""
    return {**row, _DECISION: LABEL if row.get(_LABEL) else UNSURE, _CLASS: row.get(_LABEL), _LABEL: ""}


def _id_of(row: Mapping[str, Any], num_examples: int, place: str) -> int:
    name = _SOURCE_ID if _SOURCE_ID in row else _ID
    number = whole_number(row[name].strip())
    if number is None or not 0 <= number < num_examples:
        raise refusal(FLAG, f"have ids in [0, {num_examples}) of the training set", f"{name} {row[name]!r} {place}")
    return number
