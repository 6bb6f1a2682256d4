"""A user's own table of image files: path, label, perhaps split. CSV or Parquet."""

import collections
import csv
import os
import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from ieg_fsr.data.sources import own_data
from ieg_fsr.data.sources.classes import class_names_of, numbers_of, without_empty_classes
from ieg_fsr.data.sources.dataset_spec import DataSetSpec, Request
from ieg_fsr.data.sources.image_lists import data_set
from ieg_fsr.data.sources.image_source import DataSet
from ieg_fsr.errors import UserError, refusal

COLUMNS, SPLIT = ("path", "label"), "split"
TRAIN, TEST_NAMES = "train", ("test", "val", "validation")
UNLABELLED = -1
# A spreadsheet separates by what its country does not write numbers with.
_SEPARATORS = ",;\t"


class _Row(NamedTuple):
    """A row of the table."""

    path: str  # where the image is
    label: str  # "" for none
    split: str
    place: str  # of the row, for messages


def load_table(request: Request) -> DataSet:
    """Loads the images of a table with the columns path and label, perhaps split, and any others; a hold-out if needed.

    A row of split train, or without that column, is for training, in the order of the rows; one of test (or else val,
    validation) is for testing. Relative paths begin at `data_dir`, or else where the table is. Labels are names of
    classes, or whole numbers, which are names too: classes are in the order of the numbers, or of the names. An empty
    label and -1 are none.

    Raises:
      UserError: no such table, a missing column, a row without a path or of another split, a path with two labels or in
        two splits, no row for training, fewer than two classes, or a class of the test part that training lacks.
    """
    name = f"csv:{request.place}"
    left_out = collections.Counter[str]()
    rows = _rows(request.place, request.data_dir, left_out)
    train = [row for row in rows if row.split == TRAIN]
    if not train:
        splits = ", ".join(sorted({row.split for row in rows}))
        raise refusal(f"--dataset={name}", "have rows of the split train", f"{splits} only" if rows else "no row")
    class_names = class_names_of(f"--dataset={name}", [row.label for row in train if row.label])
    number_of = {"": UNLABELLED} | {label: number for number, label in enumerate(class_names)}
    parts = {"train": [(row.path, number_of[row.label]) for row in train]}
    test_names = [split for split in TEST_NAMES if any(row.split == split for row in rows)]
    notes = [f"--dataset={name}: {other} is not used, {test_names[0]} is the test split" for other in test_names[1:]]
    if test_names:
        test = [row for row in rows if row.split == test_names[0] and row.label]
        if without := sum(row.split == test_names[0] and not row.label for row in rows):
            left_out["test rows without a label"] = without
        numbers = numbers_of(f"--dataset={name}", [row.label for row in test], class_names)
        parts["test"] = list(zip([row.path for row in test], numbers.tolist(), strict=True))
    data = data_set(name, class_names, parts, request, small_as_pixels=True, notes=notes, left_out=left_out)
    return without_empty_classes(data)


def image_side(file: str, data_dir: str | None) -> int | None:
    """The longer side of the images, if all have one size up to 64x64; None where the table cannot be read."""
    from ieg_fsr.data.sources.image_files import common_side

    try:
        return common_side(row.path for row in _rows(file, data_dir, collections.Counter()))
    except UserError:
        return None


def _rows(file: str, data_dir: str | None, left_out: collections.Counter[str]) -> list[_Row]:
    """All rows but those that say the same of the same path again, which are counted."""
    argument, table = f"--dataset=csv:{file}", pathlib.Path(os.path.expanduser(file))
    columns = _columns(argument, table)
    if missing := [column for column in COLUMNS if column not in columns]:
        rule = f"have the columns {' and '.join(COLUMNS)}"
        raise refusal(argument, rule, f"{', '.join(columns) or 'no column'}, without {missing[0]}")
    root = pathlib.Path(os.path.expanduser(data_dir)) if data_dir else table.parent
    splits = columns.get(SPLIT, [TRAIN] * len(columns["path"]))
    rows: dict[str, _Row] = {}
    for number, (path, label, split) in enumerate(zip(columns["path"], columns["label"], splits, strict=True), 1):
        place = f"row {number}"
        if not path:
            raise refusal(argument, "have a path in each row", f"none in {place}")
        row = _Row(os.path.normpath(root / path), "" if label == str(UNLABELLED) else label, split.lower(), place)
        if row.split not in (TRAIN, *TEST_NAMES):
            allowed = f"have {', '.join((TRAIN, *TEST_NAMES))} in the column {SPLIT}"
            raise refusal(argument, allowed, f"{split!r} in {place}")
        first = rows.setdefault(row.path, row)
        if first.label != row.label or first.split != row.split:
            what = [(one.label or "no label") if first.label != row.label else one.split for one in (first, row)]
            received = f"{path} with {what[0]} in {first.place} and {what[1]} in {row.place}"
            raise refusal(argument, "say of a path one label and one split", received)
    if repeated := len(splits) - len(rows):
        left_out["repeated rows"] = repeated
    return list(rows.values())


def _columns(argument: str, table: pathlib.Path) -> dict[str, list[str]]:
    """The columns that are asked for, as texts without blanks around them; of the others the heading."""
    try:
        if not table.is_file():
            raise UserError(f"--dataset=csv:FILE must name an existing file. Received: {argument.partition('=')[2]}")
        found = _read_parquet(argument, table) if table.suffix == ".parquet" else _read_csv(table)
    except UserError:
        raise
    except Exception as error:  # A damaged file fails in any way there is.
        cause = " ".join(str(error).split())[:150] or type(error).__name__
        rule = "be a table: CSV in UTF-8 with a header, or Parquet"
        raise refusal(argument, rule, cause) from error
    read = {heading: _label if heading == "label" else _text for heading in found}
    return {heading: [read[heading](value) for value in values] for heading, values in found.items()}


def _read_csv(table: pathlib.Path) -> dict[str, Sequence[Any]]:
    with open(table, newline="", encoding="utf-8-sig") as file:
        header = file.readline()
        separator = max(_SEPARATORS, key=header.count)
        file.seek(0)
        rows = [row for row in csv.reader(file, delimiter=separator) if row]
    headings = [heading.strip().lower() for heading in rows[0]] if rows else []
    if uneven := [number for number, row in enumerate(rows[1:], 1) if len(row) != len(headings)]:
        raise ValueError(f"{len(rows[uneven[0]])} fields in row {uneven[0]}, {len(headings)} in the header")
    return dict(zip(headings, zip(*rows[1:], strict=True), strict=True)) if rows[1:] else dict.fromkeys(headings, ())


def _read_parquet(argument: str, table: pathlib.Path) -> dict[str, Sequence[Any]]:
    try:
        from pyarrow import parquet
    except ImportError:
        raise refusal(argument, "be CSV where the package pyarrow is not installed", table.name) from None
    headings = {heading.strip().lower(): heading for heading in parquet.read_schema(table).names}
    wanted = [heading for name, heading in headings.items() if name in (*COLUMNS, SPLIT)]
    read = parquet.read_table(table, columns=wanted)
    return {name: read[heading].to_pylist() if heading in wanted else () for name, heading in headings.items()}


def _text(value: Any) -> str:
    """A value of a table as a text without blanks around it; nothing and not-a-number as ""."""
    return "" if value is None or value != value else str(value).strip()


def _label(value: Any) -> str:
    """The same; a whole number without its fraction: 3.0 is 3."""
    text = _text(value)
    whole, _, fraction = text.partition(".")
    return whole if whole.removeprefix("-").isdecimal() and fraction and not fraction.strip("0") else text


SPEC = DataSetSpec(
    "csv",
    "your table of images: columns path, label, perhaps split; CSV or Parquet",
    load_table,
    own_data.recipe,
    place="FILE",
    resizes=True,
    image_side=image_side,
)
