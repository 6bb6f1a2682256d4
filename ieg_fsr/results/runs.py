"""Runs as their files tell of them: found below directories, or kept in a CSV file; finished, unfinished or damaged."""

import csv
import dataclasses
import functools
import json
import math
import os
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

from ieg_fsr.configuration.settings import SETTINGS, before, canonical, defaults_for
from ieg_fsr.data.labels.truth import truth_of
from ieg_fsr.errors import UserError
from ieg_fsr.files import TEMPORARY, parse_json, read_json_lines, write_columns
from ieg_fsr.methods.registry import METHODS, figure_of

# What a run's directory has that no run can be below, or that is only being written.
_NOT_RUNS = ("checkpoints", "saved_model", TEMPORARY)
_KINDS: dict[str, Any] = {"dataset": str, "method": str, "noise": (int, float), "imbalance": (int, float), "seed": int}
# Figures that no summary has: the best epoch's accuracy, and the mean weight of wrong labels over that of right ones.
BEST, WEIGHT_RATIO = "test_accuracy_best", "weight_ratio"


@dataclasses.dataclass(frozen=True)
class Run:
    """One run."""

    place: str  # its directory, as it was found or as the CSV file has it
    values: dict[str, Any]  # all settings, and whatever else config.json and summary.json hold, by name
    failure: str | None = None  # why it has no figures; None if it has
    has_files: bool = False  # whether `place` can be read for more

    @property
    def seed(self) -> int:
        """Of everything random in it."""
        return self.values["seed"]

    def figure(self, name: str) -> float | None:
        """A figure of the summary, `BEST` or `WEIGHT_RATIO`; None where it was not measured."""
        if name == WEIGHT_RATIO:
            wrong, right = self.figure("weight_noisy"), self.figure("weight_clean")
            return wrong / right if wrong is not None and right else None
        value = self.values.get(name)
        if value is None and name == BEST:
            value = max((row["test_accuracy"] for row in self.rows() if row.get("test_accuracy")), default=None)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
        return float(value)

    def rows(self, file: str = "metrics.jsonl") -> list[dict[str, Any]]:
        """The lines of one of its files, which all tell their epoch; none if it cannot be read."""
        if not self.has_files:
            return []
        rows = _rows(os.path.join(self.place, file))
        return rows if truth_of(self.values) else [_without_truth(row) for row in rows]


@dataclasses.dataclass
class Collection:
    """Runs, and what cannot be told to be one: directory and reason."""

    runs: list[Run] = dataclasses.field(default_factory=list)
    damaged: list[tuple[str, str]] = dataclasses.field(default_factory=list)


def collect(places: Iterable[str]) -> Collection:
    """Reads directories, at any depth, and CSV files that `write_csv` wrote.

    A run that comes twice, as by a directory and by a CSV file, is there once.

    Raises:
        UserError: a place does not exist, is not such a file, or there is no run at all.
    """
    found = Collection()
    for place in places:
        if os.path.isdir(place):
            _search(place, found)
        elif os.path.isfile(place):
            found.runs += _read_csv(place)
        else:
            raise UserError(f"--runs must be directories or CSV files of runs. Received: {place}")
    if not found.runs and not found.damaged:
        raise UserError(f"--runs must hold a run. Received: {','.join(places)}")
    found.runs = _once(found.runs)
    return found


def write_csv(path: str | os.PathLike, runs: Sequence[Run]) -> None:
    """Writes one line a run: place, failure, settings, what else is known of it; `collect` reads it back."""
    table = []
    for run in runs:
        more = {} if run.failure else {BEST: run.figure(BEST)}
        table.append({"directory": run.place, "failure": run.failure} | more | run.values)
    others = sorted({name for row in table for name in row} - {"directory", "failure", *SETTINGS})
    names = ["directory", "failure", *SETTINGS, *others]
    write_columns(path, names, [[_encoded(row.get(name)) for row in table] for name in names])


def _search(place: str, found: Collection) -> None:
    """Adds the runs below a directory, in the order of their paths."""
    for directory, below, files in os.walk(place):
        below[:] = sorted(name for name in below if not name.startswith(_NOT_RUNS))
        if "config.json" in files or "summary.json" in files:
            _read(directory, found)


def _read(directory: str, found: Collection) -> None:
    try:
        values = _settings(_json(directory, "config.json"))
    except (OSError, ValueError) as error:
        found.damaged.append((directory, _reason("config.json", error)))
        return
    failure = None
    try:
        summary = _json(directory, "summary.json")
        accuracy = summary.get("test_accuracy")
        if not isinstance(accuracy, int | float) or not math.isfinite(accuracy):
            raise ValueError("no test_accuracy")
        values |= summary
    except (OSError, ValueError) as error:
        failure = _reason("summary.json", error)
    found.runs.append(Run(directory, _known(values), failure, has_files=True))


def _json(directory: str, file: str) -> dict[str, Any]:
    content = parse_json(pathlib.Path(directory, file).read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError("no object")
    return content


def _settings(config: dict[str, Any]) -> dict[str, Any]:
    """What is known of a run: its settings under today's names, without those that its method does not have."""
    values = canonical(config)
    for name, kind in _KINDS.items():
        if not isinstance(values.get(name, SETTINGS[name].default), kind):
            raise ValueError(f"no {name}")
    if not {"dataset", "method"} <= values.keys():
        raise ValueError("no dataset or no method")
    if values["method"] not in METHODS:
        raise ValueError(f"no such method: {values['method']}")
    own = defaults_for(values["method"]) | before(values["method"])
    values = own | {name: value for name, value in values.items() if name in own or name not in SETTINGS}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def _known(values: dict[str, Any]) -> dict[str, Any]:
    """What is known of a run: earlier versions took the labels of a user's own data for true."""
    return values if truth_of(values) else _without_truth(values)


def _without_truth(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if not figure_of(name).needs_truth}


def _reason(file: str, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"no {file}"
    detail = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
    return f"{file} is damaged: {detail}"


def _read_csv(path: str) -> list[Run]:
    runs = []
    try:
        with open(path, newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                known = {name: _decoded(text) for name, text in line.items() if name and text}
                place, failure = str(known.pop("directory", "")), known.pop("failure", None)
                runs.append(Run(place, _known(_settings(known)), failure))
    except (OSError, ValueError, csv.Error):
        runs = []
    if not runs:
        raise UserError(f"--runs must be directories or CSV files of runs. Received: {path}")
    return runs


def _encoded(value: Any) -> str:
    """JSON, but a text as it is where it cannot be taken for JSON; None is empty."""
    if value is None:
        return ""
    if isinstance(value, str) and value and _decoded(value) == value:
        return value
    return json.dumps(value)


def _decoded(text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        return text


def _once(runs: list[Run]) -> list[Run]:
    """Leaves out what is the same run again: same settings, same start, same figures. One with files comes first."""
    kept: dict[str, Run] = {}
    for run in sorted(runs, key=lambda run: not run.has_files):
        names = ("started", "test_accuracy", "seconds_total", *SETTINGS)
        kept.setdefault(repr([run.values.get(name) for name in names]) + str(run.failure), run)
    remaining = set(map(id, kept.values()))
    return [run for run in runs if id(run) in remaining]


@functools.cache
def _rows(path: str) -> list[dict[str, Any]]:
    try:
        return [row for row in read_json_lines(path) if "epoch" in row]
    except (OSError, ValueError, TypeError):
        return []
