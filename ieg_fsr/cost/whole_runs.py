"""Whole training runs that take turns, each a process of its own: what a user waits for, the start included."""

import pathlib
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ieg_fsr.configuration.flags import command_line
from ieg_fsr.cost.alternation import take_turns
from ieg_fsr.cost.entries import REFERENCE, Entry
from ieg_fsr.cost.rows import ratio, timing
from ieg_fsr.errors import RunError
from ieg_fsr.files import parse_json, read_json_lines


class Run(NamedTuple):
    """One run: its figures. Times are in seconds, those of evaluations left out."""

    whole: float  # from the start of the process to its end
    epochs: list[float]  # of each epoch
    accuracies: list[float | None]  # on the test set after each epoch; None where it was not measured
    summary: dict[str, Any]

    @property
    def in_epochs(self) -> float:
        """Seconds between the first epoch's beginning and the last one's end, without what lies between two."""
        return sum(self.epochs)

    @property
    def best(self) -> float:
        """The highest test accuracy after an epoch."""
        return max(accuracy for accuracy in self.accuracies if accuracy is not None)

    def seconds_to(self, accuracy: float) -> float | None:
        """Seconds of all epochs up to the first with this test accuracy; None if there is none."""
        for seconds, reached in zip(np.cumsum(self.epochs), self.accuracies, strict=True):
            if reached is not None and reached >= accuracy:
                return float(seconds)
        return None


def measure_runs(entries: Sequence[Entry], rounds: int, report: Callable[[str], None]) -> list[dict[str, Any]]:
    """Trains every entry once in each round, in an order drawn anew.

    Args: entries: as of `run_entries`. rounds: runs of each. report: receives what a user should read meanwhile.

    Returns:
        A row for each entry: medians over the rounds, and the quartiles of the ratios of whole times in the same round.

    Raises:
        RunError: a run failed; the message is its last line.
    """
    runs: list[list[Run]] = [[] for _ in entries]

    def turn(index: int) -> Callable[[], float]:
        def train() -> float:
            report(f"{entries[index].name}: run {len(runs[index]) + 1} of {rounds} ...")
            runs[index].append(_trained(entries[index]))
            return runs[index][-1].whole

        return train

    seconds = take_turns([turn(index) for index in range(len(entries))], rounds, 0, lambda: None).seconds
    names = [entry.name for entry in entries]
    reference = names.index(REFERENCE) if REFERENCE in names else 0
    goal = float(np.median([run.best for run in runs[reference]]))
    memory = [_median(run.summary["peak_memory_bytes"] for run in of_one) for of_one in runs]
    return [
        _row(entry, own, goal)
        | {"relative_to": names[reference], "rounds": rounds}
        | timing(seconds[:, index], seconds[:, reference], 1)
        | {"peak_memory_bytes": memory[index], "memory_ratio": ratio(memory[index], memory[reference])}
        for index, (entry, own) in enumerate(zip(entries, runs, strict=True))
    ]


def _trained(entry: Entry) -> Run:
    with tempfile.TemporaryDirectory() as place:
        words = [*shlex.split(command_line(entry.config)), f"--model_dir={place}/run"]
        start = time.perf_counter()
        ended = subprocess.run([sys.executable, "-m", "ieg_fsr.main", *words], capture_output=True, text=True)
        whole = time.perf_counter() - start
        if ended.returncode:
            last = (ended.stderr.strip() or ended.stdout.strip() or "no line").splitlines()[-1]
            raise RunError(f"a run of {entry.name} ended with exit code {ended.returncode}: {last}")
        run = pathlib.Path(place) / "run"
        rows = read_json_lines(run / "metrics.jsonl")
        summary = parse_json((run / "summary.json").read_text(encoding="utf-8"))
    evaluations = [row["seconds_evaluation"] for row in rows]
    epochs = [row["seconds"] - evaluation for row, evaluation in zip(rows, evaluations, strict=True)]
    return Run(whole - sum(evaluations), epochs, [row.get("test_accuracy") for row in rows], summary)


def _row(entry: Entry, runs: Sequence[Run], goal: float) -> dict[str, Any]:
    return {
        "network": entry.config.network,
        "method": entry.name,
        "seconds_per_step": None,
        "seconds_per_epoch": None,
        "seconds_per_run": _median(run.whole for run in runs),
        "seconds_in_epochs": _median(run.in_epochs for run in runs),
        "steps_per_run": _median(run.summary["steps"] for run in runs),
        "test_accuracy": _median(run.summary["test_accuracy"] for run in runs),
        "accuracy_to_reach": goal,
        "seconds_to_reach": _median(run.seconds_to(goal) for run in runs),
        "flops_ratio": None,
        "num_examples": runs[0].summary["training_examples"],
        **{name: entry.value(name) for name in ("dictionary_size", "reward_batch_size", "pusher")},
        "command": f"python -m ieg_fsr.main {command_line(entry.config)}",
    }


def _median(values: Any) -> float | None:
    """None if one is not known."""
    found = list(values)
    return None if None in found else float(np.median(found))
