"""Runs that are killed: resumed until done, they end bit for bit as if nothing had happened.

`launch/kill_test.sh N` kills N times.
"""

import json
import os
import pathlib
import random
import shutil
import signal
import time

import keras
import numpy as np
import pytest

KILLS = int(os.environ.get("KILLS", "1"))
SEED = int(os.environ.get("KILL_SEED", str(random.randrange(10**6))))
# A checkpoint after every step: about half of the time of training goes into writing them.
WORDS = (
    *("--dataset=digits", "--noise=0.4", "--train_examples=500", "--epochs=6", "--reweight_warmup_epochs=2"),
    *("--dictionary_size=100", "--mixup", "--ema_decay=0.99", "--layer_gradients_interval=2"),
    "--checkpoint_seconds=0",
)
STEPS = 30
FEATURES = ("history", "forward")
# The command with a smaller network.
PROGRAM = """
from ieg_fsr import main
from ieg_fsr.networks import small_cnn
small_cnn._BLOCKS = ((16, 1), (32, 2))
main.run()
"""


@pytest.fixture(scope="module")
def begun(start):
    """Starts a run."""

    def begin(directory, features):
        # The order of sums, and so the last bit, depends on the number of threads.
        threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
        words = [*WORDS, f"--reward_features={features}", f"--model_dir={directory}"]
        return start("-c", PROGRAM, *words, **threads)

    return begin


@pytest.fixture(scope="module")
def finish(begun):
    """Runs until done; returns what was written to stderr."""

    def run(directory, features):
        code, errors = said(begun(directory, features))
        assert code == 0, errors
        return errors

    return run


def said(process):
    """Exit code of a process, and what it wrote to stderr but for what a library says once on a new machine."""
    code, _, errors = process.ended()
    lines = errors.splitlines(keepends=True)
    return code, "".join(line for line in lines if "Matplotlib is building the font cache" not in line)


def rows(directory, name):
    return [json.loads(line) for line in (directory / name).read_text().splitlines()]


def assert_same_end(directory, whole):
    """All that a run leaves, but for times."""
    assert (directory / "labels.csv").read_bytes() == (whole / "labels.csv").read_bytes()
    assert (directory / "layer_gradients.jsonl").read_bytes() == (whole / "layer_gradients.jsonl").read_bytes()
    untimed = [
        [{name: value for name, value in row.items() if "seconds" not in name} for row in rows(place, "metrics.jsonl")]
        for place in (directory, whole)
    ]
    assert untimed[0] == untimed[1]
    for name in ("model.keras", "model_ema.keras"):
        models = [keras.saving.load_model(place / name, compile=False) for place in (directory, whole)]
        for left, right in zip(models[0].weights, models[1].weights, strict=True):
            np.testing.assert_array_equal(left.numpy(), right.numpy(), err_msg=f"{name} {left.path}")
    archives = [np.load(place / f"checkpoints/step-{STEPS:08}/arrays.npz") for place in (directory, whole)]
    assert sorted(archives[0].files) == sorted(archives[1].files)
    for name in archives[0].files:
        left, right = (archive[name] for archive in archives)
        assert left.tobytes() == right.tobytes(), name
    assert not [path for path in directory.rglob("*") if path.name.startswith(".") or path.name == "lock"]
    assert len(list((directory / "checkpoints").iterdir())) == 2


def newest_step(directory):
    return max((int(path.name[5:]) for path in directory.glob("checkpoints/step-*")), default=None)


def wait_until_it_writes(process, directory, step):
    """Until a checkpoint after that of `step` is under way, or the process has ended."""
    while process.poll() is None:
        if (newest_step(directory) or 0) >= step and any(directory.glob("checkpoints/.writing-*")):
            return
        time.sleep(0.0005)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, finish):
    """Directory and duration of a whole run, by --reward_features; made when first asked for."""
    made = {}

    def run(features):
        if features not in made:
            directory = tmp_path_factory.mktemp(features) / "whole"
            began = time.monotonic()
            assert finish(directory, features) == ""
            made[features] = directory, time.monotonic() - began
        return made[features]

    return run


@pytest.mark.slow
@pytest.mark.parametrize("number", range(KILLS))
def test_killed_at_a_random_moment(begun, finish, uninterrupted, tmp_path, number):
    features = FEATURES[number % len(FEATURES)]
    whole, seconds = uninterrupted(features)
    generator = random.Random(SEED + number)
    directory, killed_at = tmp_path / "run", []
    # Every third time one kill is not enough; every fourth time it comes while a checkpoint is being written.
    for _ in range(2 if number % 3 == 2 else 1):
        process = begun(directory, features)
        if number % 4 == 3:
            wait_until_it_writes(process, directory, generator.randrange(STEPS))
        else:
            time.sleep(generator.uniform(0, seconds))
        process.send_signal(signal.SIGKILL)
        process.ended()
        writing = len(list(directory.rglob(".writing-*")))
        killed_at.append(f"step {newest_step(directory)}{', while writing' if writing else ''}")
    errors = finish(directory, features)
    print(f"kill {number}, seed {SEED}, {features}: at {'; '.join(killed_at)}; stderr: {errors!r}")
    assert errors == ""
    assert_same_end(directory, whole)


@pytest.mark.slow
def test_a_signal_in_the_middle_of_an_epoch_and_a_damaged_checkpoint(begun, finish, uninterrupted, tmp_path):
    """A run that a signal stops goes on; a copy whose newest checkpoint is damaged goes on from the one before."""
    whole, _ = uninterrupted("history")
    directory = tmp_path / "run"
    process = begun(directory, "history")
    while (newest_step(directory) or 0) < 16:
        assert process.poll() is None, process.ended()
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    code, errors = said(process)
    step = newest_step(directory)
    assert code == 3
    assert errors.startswith(f"ieg_fsr: stopped by SIGTERM after step {step} of {STEPS}; the same command goes on")
    assert errors.count("\n") == 1
    for damage in (truncated, flipped):
        damaged = pathlib.Path(shutil.copytree(directory, tmp_path / damage.__name__))
        arrays = damaged / f"checkpoints/step-{step:08}/arrays.npz"
        arrays.write_bytes(damage(arrays.read_bytes()))
        errors = finish(damaged, "history")
        assert errors.startswith(f"ieg_fsr: warning: checkpoint {arrays.parent} is damaged (")
        assert errors.endswith(f"going on from step-{step - 1:08}\n")
        assert errors.count("\n") == 1
        assert_same_end(damaged, whole)
    assert finish(directory, "history") == ""
    assert_same_end(directory, whole)


def truncated(content):
    return content[: len(content) // 2]


def flipped(content):
    place = random.Random(SEED).randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
