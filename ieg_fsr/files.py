"""Files that appear whole or not at all: written beside their place, then renamed."""

import contextlib
import csv
import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ieg_fsr.errors import UserError

# How the name of a place begins where something is being written; a killed process leaves one.
TEMPORARY = ".writing-"


def write_whole(path: str | os.PathLike, write: Callable[[str], Any]) -> None:
    """Lets `write` make a file or directory at a temporary place of the same ending, then moves it to `path`.

    An interrupted write leaves `path` as it was.
    """
    path = pathlib.Path(path)
    place = tempfile.mkdtemp(prefix=TEMPORARY, dir=path.parent)
    try:
        made = pathlib.Path(place) / path.name
        write(str(made))
        if path.is_dir():
            shutil.rmtree(path)
        os.replace(made, path)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a text file, UTF-8."""
    write_whole(path, lambda place: pathlib.Path(place).write_text(text, encoding="utf-8"))


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Writes JSON, indented, keys in the order given; NaN is refused."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_json_lines(path: str | os.PathLike, rows: Iterable[dict]) -> None:
    """Writes one JSON object a line."""
    write_text(path, "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows))


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is none, or brackets are nested deeper than Python follows.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("brackets are nested too deep") from None


def read_json_lines(path: str | os.PathLike) -> list[dict]:
    """The rows of a file that `write_json_lines` wrote."""
    return [parse_json(line) for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines()]


def write_columns(path: str | os.PathLike, names: Sequence[str], columns: Sequence[Any]) -> None:
    """Writes a CSV file with a header. Args: columns: one sequence of equal length for each name."""

    def write(place: str) -> None:
        with open(place, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows(zip(*columns, strict=True))

    write_whole(path, write)


def make_directory(path: str | os.PathLike, flag: str = "--model_dir") -> list[pathlib.Path]:
    """Makes `path` and its parents, checks that files can be written there. Args: flag: that gave it.

    Returns the directories that were not there before, the deepest first.

    Raises:
        UserError: it cannot be written to; directories made on the way are removed again.
    """
    path = pathlib.Path(path)
    missing = [parent for parent in (path, *path.parents) if not parent.exists()]
    for attempts_left in reversed(range(10)):
        try:
            path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path):
                pass
            break
        except OSError as error:
            # Another run may remove a directory that both of them need, in `remove_empty`.
            if isinstance(error, FileNotFoundError) and attempts_left:
                continue
            remove_empty(missing)
            raise UserError(f"{flag} must be a writable directory ({error.strerror}). Received: {path}") from None
    return missing


def remove_empty(directories: Iterable[pathlib.Path]) -> None:
    """Removes directories, the deepest first, up to the first that is in use or gone."""
    with contextlib.suppress(OSError):
        for directory in directories:
            directory.rmdir()
