"""Tests of launch/fuzz: its judge finds what is wrong, its cases are functions of seed and number, a short campaign."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from ieg_fsr import main, tables
from ieg_fsr.configuration.settings import SETTINGS

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # `launch` is no package that is installed.

from launch.fuzz.cases import EITHER, FINISHED, REFUSED, Case, generator  # noqa: E402
from launch.fuzz.damage import _DAMAGE  # noqa: E402
from launch.fuzz.damaged_inputs import input_case  # noqa: E402
from launch.fuzz.flag_sets import SMALL, VALUES, flag_case  # noqa: E402
from launch.fuzz.oracle import Outcome, faults, snapshot  # noqa: E402

LINE = "ieg_fsr: --noise must be a number in [0, 1]. Received: 2\n"


def case(expected=EITHER, *names, words=("--noise=2",)):
    return Case("flags", 0, words, expected, "", names)


def found(outcome, tmp_path, expected=EITHER, names=(), write=lambda root: None):
    before = snapshot(tmp_path)
    write(tmp_path)
    return faults(case(expected, *names), outcome, before, snapshot(tmp_path), tmp_path)


def test_a_good_refusal_has_no_fault(tmp_path):
    assert found(Outcome(2, "", LINE), tmp_path, REFUSED, ["--noise"]) == []


@pytest.mark.parametrize(
    ("outcome", "fault"),
    [
        (Outcome(1, "", "", raised="Traceback ... KeyError"), "raised"),
        (Outcome(0, "", "", raised="signal 9"), "signal 9"),
        (Outcome(7, "", LINE), "exit code 7"),
        (Outcome(2, "", "Traceback (most recent call last):\n" + LINE), "a traceback"),
        (Outcome(2, "", ""), "not one line"),
        (Outcome(2, "", LINE + LINE), "not one line"),
        (Outcome(2, "", "error: --noise\n"), "not one line"),
        (Outcome(2, "", LINE.replace("noise", "nose")), "names none"),
        (Outcome(2, "", LINE.replace("2\n", "\x1b[0m\n")), "control characters"),
        (Outcome(0, "", ""), "finished on what should be refused"),
    ],
)
def test_faults_of_a_refusal(tmp_path, outcome, fault):
    assert any(fault in text for text in found(outcome, tmp_path, REFUSED, ["--noise"]))


@pytest.mark.parametrize("name", ["run/config.json", ".writing-x/model.keras", "tmpabc", "run/summary.json"])
def test_a_refusal_that_writes(tmp_path, name):
    def write(root):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("{}")

    assert found(Outcome(2, "", LINE), tmp_path, write=write)


def write_run(root, **changes):
    """A finished run of two epochs on data that nobody can look up."""
    run = root / "run"
    run.mkdir()
    config = {"dataset": "npz:x", "epochs": 2, "batch_size": 2, "training_examples": 4, "precision": "float32"}
    rows = [{"epoch": epoch, "test_accuracy": 0.5} for epoch in (1, 2)]
    summary = {"test_accuracy": 0.5, "test_accuracy_ema": 0.5, "test_top5": 1.0, "steps": 4}
    texts = {
        "config.json": json.dumps(config),
        "summary.json": json.dumps(summary),
        "metrics.jsonl": "\n".join(map(json.dumps, rows)),
        "labels.csv": "example_id,score\n0,1\n1,-inf\n2,1\n3,1\n",
        "given_labels.csv": "example_id,label\n0,1\n1,1\n2,1\n3,1\n",
    } | changes
    for name, text in texts.items():
        if text is not None:
            (run / name).write_text(text)


def test_a_good_run_has_no_fault(tmp_path):
    assert found(Outcome(0, "", ""), tmp_path, FINISHED, write=write_run) == []
    warned = Outcome(0, "", "ieg_fsr: warning: a checkpoint is damaged\n")
    assert faults(case(), warned, {}, snapshot(tmp_path), tmp_path) == []


SUMMARY = {"test_accuracy": 0.5, "test_accuracy_ema": 0.5, "test_top5": 1.0, "steps": 4}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("summary.json", None),
        ("summary.json", "{"),
        ("summary.json", json.dumps(SUMMARY | {"test_accuracy": float("nan")})),
        ("summary.json", json.dumps(SUMMARY | {"test_top5": 1.5})),
        ("summary.json", json.dumps(SUMMARY | {"steps": 3})),
        ("summary.json", json.dumps(SUMMARY | {"test_accuracy": 0.25})),
        ("metrics.jsonl", '{"epoch": 2, "test_accuracy": 0.5}'),
        ("labels.csv", "example_id,score\n0,1\n1,1\n2,1\n"),
        ("labels.csv", "example_id,score\n0,1\n1,nan\n2,1\n3,1\n"),
        ("given_labels.csv", None),
    ],
)
def test_faults_of_a_finished_run(tmp_path, name, text):
    assert found(Outcome(0, "", ""), tmp_path, write=lambda root: write_run(root, **{name: text}))


def test_a_success_that_complains_or_leaves_nothing(tmp_path):
    assert found(Outcome(0, "", ""), tmp_path)
    assert found(Outcome(0, "", "Corrupt JPEG data\n"), tmp_path, write=write_run)


def test_a_case_is_a_function_of_seed_and_number(tmp_path):
    assert flag_case(3, 7) == flag_case(3, 7)
    assert len({flag_case(3, number).words for number in range(50)}) == 50
    places = [tmp_path / name for name in "ab"]
    for number in (0, 1, 2, 3, 7, 8):
        rooms = [place / str(number) for place in places]
        for room in rooms:
            room.mkdir(parents=True)
        first, second = (input_case(5, number, room, tmp_path / "base") for room in rooms)
        assert first == second
    skipped = ("data.npz", "table.npy")  # zip archives and pickles hold the time, or the address of an object
    left, right = (
        {k: v for k, v in snapshot(place).items() if not k.endswith((*skipped, ".tar.gz"))} for place in places
    )
    assert left.keys() == right.keys()


def test_every_damage_changes_bytes():
    content = np.random.default_rng(0).bytes(2000)
    for name, damage in _DAMAGE.items():
        assert any(damage(content, generator(0, name, k)) != content for k in range(5)), name
        damage(b"", generator(0, name, 0))


def test_wrong_values_are_wrong_by_the_rules_of_the_flags():
    """So that a case cannot expect what the project does not promise: each flag of the list exists."""
    assert set(VALUES) | set(SMALL) <= set(SETTINGS)
    assert main.run.__module__ == "ieg_fsr.main"
    assert callable(tables.main)


@pytest.mark.slow
def test_a_short_campaign(tmp_path):
    command = [sys.executable, "-m", "launch.fuzz", "--flags=2", "--inputs=4", "--seed=7", f"--output={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 of 6 cases with faults" in done.stdout
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert again.stdout == done.stdout  # nothing is left to run
