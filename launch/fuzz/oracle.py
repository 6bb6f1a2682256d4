"""Judges what a command did: its exit code, its lines on stderr, and every file that is there afterwards."""

import csv
import dataclasses
import hashlib
import json
import math
import os
import pathlib
import re
from collections.abc import Iterator

from launch.fuzz.cases import FINISHED, REFUSED, Case

DONE, STOPPED, BAD_INPUT = 0, 1, 2
# Exit codes of docs/RELIABILITY.md that come with one line.
DOCUMENTED = (DONE, STOPPED, BAD_INPUT)
# What a success may say on stderr: a warning of ours, and TensorFlow about this machine.
ALLOWED = re.compile(
    r"^ieg_fsr: warning: "
    r"|oneDNN supports DT_HALF only on platforms with AVX-512"
)
# Python code that TensorFlow keeps beside the temporary files until its process ends.
OF_TENSORFLOW = "__autograph_generated_file"
LITTER = re.compile(r"^(\.writing-|tmp|\.nfs)|\.tmp$|\.part$")

Snapshot = dict[str, str]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a command did. `raised`: the traceback, or the signal or time limit that ended it; empty if none."""

    code: int
    stdout: str
    stderr: str
    raised: str = ""


# Columns of labels.csv that are no numbers.
_WORDS = ("given_class", "suggested_class", "file")


def snapshot(root: pathlib.Path) -> Snapshot:
    """A hash of each file below `root`, by path; what is no regular file, by its kind."""
    paths = (path for path in root.rglob("*") if not path.name.startswith(OF_TENSORFLOW))
    return {str(path.relative_to(root)): _state(path) for path in paths}


def _state(path: pathlib.Path) -> str:
    if path.is_symlink():
        return "link"
    if path.is_dir():
        return "directory"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "special"


def faults(case: Case, outcome: Outcome, before: Snapshot, after: Snapshot, root: pathlib.Path) -> list[str]:
    """What is wrong with an outcome, a line each; none if all is well."""
    return list(_faults(case, outcome, before, after, root))


def _faults(case: Case, outcome: Outcome, before: Snapshot, after: Snapshot, root: pathlib.Path) -> Iterator[str]:
    if outcome.raised:
        yield f"raised: {outcome.raised}"
    elif outcome.code not in DOCUMENTED:
        yield f"exit code {outcome.code} is not documented"
    if "Traceback" in outcome.stderr + outcome.stdout:
        yield "a traceback"
    yield from (
        f"left behind: {name}" for name in after if name not in before and LITTER.search(os.path.basename(name))
    )
    if outcome.raised:
        return
    if outcome.code == DONE:
        if case.expected == REFUSED:
            yield "finished on what should be refused"
        strange = [line for line in outcome.stderr.splitlines() if not ALLOWED.search(line)]
        if strange:
            yield f"on stderr of a success: {' | '.join(strange)[:300]}"
        yield from _results(case, before, after, root)
    else:
        if case.expected == FINISHED:
            yield f"refused what should run: {outcome.stderr[:300]}"
        yield from _refusal(case, outcome, before, after)


def _refusal(case: Case, outcome: Outcome, before: Snapshot, after: Snapshot) -> Iterator[str]:
    """One line that names the thing; nothing changed on disk unless a run had begun."""
    lines = [line for line in outcome.stderr.splitlines() if not ALLOWED.search(line)]
    if len(lines) != 1 or not lines[0].startswith("ieg_fsr: "):
        yield f"stderr is not one line of ours: {outcome.stderr[:500]!r}"
    elif any(ord(letter) < 32 for letter in lines[0]):
        yield f"control characters on stderr: {lines[0][:200]!r}"
    else:
        named = case.names or ("--",)
        if not any(name in lines[0] for name in named) and outcome.code != STOPPED:
            yield f"the line names none of {named}: {lines[0][:300]}"
        if len(lines[0]) > 2000:
            yield f"a line of {len(lines[0])} characters"
    if outcome.code == BAD_INPUT:
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        if changed:
            yield f"refused, but changed {changed[:5]}"
    summaries = [name for name in after if name.endswith("summary.json") and name not in before]
    yield from (f"refused, but wrote {name}" for name in summaries)


def _results(case: Case, before: Snapshot, after: Snapshot, root: pathlib.Path) -> Iterator[str]:
    """What a finished training run must have left."""
    summaries = [root / name for name in after if os.path.basename(name) == "summary.json"]
    if case.program != "ieg_fsr.main" or "--mode=evaluate" in case.words or any("help" in word for word in case.words):
        return
    if not any(name not in before or before[name] != after[name] for name in after) and not summaries:
        yield "success, but nothing was written"
    if len(summaries) != 1:
        yield f"{len(summaries)} summaries after a success"
        return
    if before == after:
        return  # It was finished before, and has been told of: nothing here is the work of this command.
    try:
        yield from _run_faults(summaries[0].parent)
    except (OSError, ValueError, KeyError, TypeError, IndexError, StopIteration) as error:
        yield f"a file of the run cannot be read: {type(error).__name__} {error}"


def _run_faults(run: pathlib.Path) -> Iterator[str]:
    config, summary = strict_json(run / "config.json"), strict_json(run / "summary.json")
    rows = [_parse(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    for name in ("test_accuracy", "test_accuracy_ema", "test_top5"):
        if not 0 <= summary[name] <= 1:
            yield f"{name} {summary[name]}"
    if [row["epoch"] for row in rows] != list(range(1, config["epochs"] + 1)):
        yield f"metrics.jsonl has epochs {[row['epoch'] for row in rows]} of {config['epochs']}"
    examples = config["training_examples"]
    if summary["steps"] != config["epochs"] * (examples // config["batch_size"]):
        yield f"{summary['steps']} steps in {config['epochs']} epochs of {examples} by {config['batch_size']}"
    if rows[-1]["test_accuracy"] != summary["test_accuracy"]:
        yield "summary.json and metrics.jsonl have two accuracies"
    for file in ("labels.csv", "given_labels.csv"):
        with open(run / file, newline="", encoding="utf-8") as lines:
            table = list(csv.DictReader(lines))
        if [int(row["example_id"]) for row in table] != list(range(examples)):
            yield f"{file} has {len(table)} rows for {examples} examples"
        for row in table if file == "labels.csv" else ():
            # A batch less than the rest of an epoch may leave an example that was never trained on without a score.
            measured = {name: value for name, value in row.items() if name not in _WORDS}
            numbers = [float(value) for name, value in measured.items() if (name, value) != ("score", "-inf")]
            if not all(map(math.isfinite, numbers)):
                yield f"labels.csv has {row}"
                break
    accuracy = saved_accuracy(run, config)
    if accuracy is not None and abs(accuracy - summary["test_accuracy"]) > 1e-6:
        yield f"summary.json has accuracy {summary['test_accuracy']}, model.keras has {accuracy}"


def saved_accuracy(run: pathlib.Path, config: dict) -> float | None:
    """Accuracy of model.keras on the test digits, by plain Keras; None for other data."""
    if config["dataset"] != "digits" or config["precision"] != "float32":
        return None
    import keras
    import numpy as np

    from ieg_fsr.data.sources.digits import load_digits

    test = load_digits().test
    model = keras.saving.load_model(run / "model.keras", compile=False)
    logits = np.asarray(model(test.images(np.arange(len(test))).astype(np.float32), training=False))
    return float(np.mean(logits.argmax(axis=1) == test.labels))


def strict_json(path: pathlib.Path) -> dict:
    """The object in a file; NaN and infinity, which are not JSON, are errors."""
    return _parse(path.read_text(encoding="utf-8"))


def _parse(text: str) -> dict:
    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)
