"""Tests of `ieg_fsr.main` as its user meets it: exit code, the line on stderr, and what is on disk afterwards."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
from typing import NamedTuple

import keras
import numpy as np
import pytest

from ieg_fsr import main
from ieg_fsr.configuration.help_text import full_help, short_help
from ieg_fsr.files import read_json_lines

pytestmark = pytest.mark.usefixtures("two_blocks", "no_saved_model")

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHORT = ("--epochs=1", "--train_examples=200")
SMALL = (*SHORT, "--dictionary_size=50")


class Result(NamedTuple):
    code: int
    out: str
    err: str


def subprocess_command(directory, *words):
    """Runs a command line as a user does."""
    return python(directory, "-m", main.__name__, *words)


def python(directory, *words):
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment |= {"PYTHONPATH": str(ROOT), "TFDS_DATA_DIR": str(directory)}
    arguments = [sys.executable, *words]
    done = subprocess.run(arguments, cwd=directory, env=environment, capture_output=True, text=True)
    return Result(done.returncode, done.stdout, done.stderr)


def hashes(directory):
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
        for path in directory.rglob("*")
    }


def assert_refused(result, *parts):
    assert result.code == 2, result
    assert result.err.count("\n") == 1, result.err
    assert result.err.endswith("\n")
    assert "Traceback" not in result.err
    for part in parts:
        assert part in result.err


@pytest.mark.parametrize(
    ("word", "allowed"),
    [
        ("--noise=1.4", "in [0, 1]"),
        ("--noise=abc", "in [0, 1]"),
        ("--dataset=foo", "digits"),
        ("--network=foo", "small_cnn"),
        ("--data_dir=missing", "existing directory"),
        ("--reward_batch_size=0", "at least 1"),
        ("--batch_size=0", "at least 1"),
        ("--epochs=-1", "at least 1"),
        ("--dictionary_size=5000", "1437"),
        ("--batch_size=2000", "1437"),
        ("--train_examples=99999", "1437"),
        ("--mixup=maybe", "true or false"),
        ("--network=resnet50", "32x32"),
    ],
)
@pytest.mark.parametrize("place", [(), ("--model_dir=new/run",)], ids=["default directory", "new directory"])
def test_bad_value(command, word, allowed, place):
    name, value = word.split("=")
    assert_refused(command(word, *place), name, value, allowed)
    assert hashes(pathlib.Path()) == {}


def test_sizes_are_compared_with_the_subset(command):
    assert_refused(command("--train_examples=150", "--dictionary_size=151"), "--dictionary_size", "150", "151")
    assert_refused(command("--train_examples=50", "--batch_size=100"), "--batch_size", "50", "100")
    assert hashes(pathlib.Path()) == {}


def test_unknown_flag_stray_word_missing_flag(command):
    assert_refused(command("--nosie=0.4"), "nosie", "noise")
    assert_refused(command("evaluate"), "evaluate", "--noise=0.4")
    assert_refused(command("--mode=evaluate"), "--model", "nothing")


@pytest.mark.parametrize("place", ["file", "file/run", "file/deep/run"])
def test_model_dir_is_or_is_below_a_file(command, place):
    pathlib.Path("file").write_text("kept")
    before = hashes(pathlib.Path())
    assert_refused(command(f"--model_dir={place}"), "--model_dir", "writable directory", place)
    assert hashes(pathlib.Path()) == before


def test_model_dir_with_a_broken_config(command):
    pathlib.Path("run").mkdir()
    pathlib.Path("run/config.json").write_text("{")
    before = hashes(pathlib.Path())
    assert_refused(command("--model_dir=run", *SMALL), "--model_dir", "run")
    assert hashes(pathlib.Path()) == before


def save_classifier(path, image_shape, classes):
    model = keras.Sequential([keras.Input(image_shape), keras.layers.Flatten(), keras.layers.Dense(classes)])
    model.save(path)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("missing.keras", ["existing", ".h5"]),
        ("text.keras", ["not a Keras model"]),
        ("three.keras", ["3 classes", "10"]),
        ("wide.keras", ["8x9x1", "8x8x1"]),
    ],
)
def test_evaluate_a_model_that_does_not_do(command, name, parts):
    pathlib.Path("text.keras").write_text("not a model\n")
    save_classifier("three.keras", (8, 8, 1), 3)
    save_classifier("wide.keras", (8, 9, 1), 10)
    before = hashes(pathlib.Path())
    assert_refused(command("--mode=evaluate", f"--model={name}", "--model_dir=out"), "--model", name, *parts)
    assert hashes(pathlib.Path()) == before


def test_evaluate(command):
    save_classifier("good.keras", (8, 8, 1), 10)
    before = hashes(pathlib.Path())
    result = command("--mode=evaluate", "--model=good.keras")
    assert (result.code, result.err) == (0, "")
    assert "top-1 accuracy" in result.out
    assert hashes(pathlib.Path()) == before
    assert command("--mode=evaluate", "--model=good.keras", "--model_dir=out").code == 0
    assert json.loads(pathlib.Path("out/evaluation.json").read_text())["examples"] == 360


def test_help_is_printed_and_nothing_done(tmp_path):
    result = subprocess_command(tmp_path, "--help")
    assert (result.code, result.out, result.err) == (0, short_help() + "\n", "")
    result = subprocess_command(tmp_path, "--noise=0.4", "--helpfull")
    assert (result.code, result.out, result.err) == (0, full_help() + "\n", "")


def test_in_a_process_of_its_own_a_bad_flag_is_answered_at_once(tmp_path):
    start = time.monotonic()
    result = subprocess_command(tmp_path, "--noise=1.4")
    assert result == Result(2, "", "ieg_fsr: --noise must be a number in [0, 1]. Received: 1.4\n")
    assert time.monotonic() - start < 5  # TensorFlow, whose import takes as long, is not needed for this
    assert hashes(tmp_path) == {}


def test_in_a_process_of_its_own_a_size_that_the_data_refuse(tmp_path):
    result = subprocess_command(tmp_path, "--dictionary_size=5000")
    assert_refused(result, "--dictionary_size", "1437", "5000")
    assert result.out == ""
    assert hashes(tmp_path) == {}


def test_in_a_process_of_its_own_cifar_without_a_file_and_without_a_network(tmp_path):
    # Names of hosts do not resolve here, whether or not this machine has a network.
    code = """if True:
        import socket, sys
        def refuse(*args, **kwargs): raise OSError("no network")
        socket.create_connection = socket.getaddrinfo = refuse
        sys.argv = ["ieg_fsr", "--dataset=cifar10", "--data_dir=empty"]
        from ieg_fsr import main
        main.run()"""
    (tmp_path / "empty").mkdir()
    start = time.monotonic()
    result = python(tmp_path, "-c", code)
    assert time.monotonic() - start < 15
    assert_refused(result, "cifar10", "cifar-10-binary.tar.gz", "empty")
    assert list(hashes(tmp_path)) == ["empty"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The directory of a finished run, made by a user's command. Do not write into it."""
    place = tmp_path_factory.mktemp("finished")
    result = subprocess_command(place, *SMALL, "--noise=0.4", "--model_dir=run")
    assert (result.code, result.err) == (0, ""), result
    assert "test accuracy" in result.out
    return place / "run"


@pytest.fixture
def run_copy(finished, tmp_path):
    return pathlib.Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.mark.slow
def test_a_run_leaves_its_files_and_nothing_else(finished):
    names = {path.name for path in finished.iterdir()}
    expected = {"config.json", "metrics.jsonl", "summary.json", "labels.csv", "model.keras", "checkpoints"}
    assert expected <= names
    assert not [name for name in names if name.startswith((".", "tmp"))]
    assert [path.name for path in finished.parent.iterdir()] == ["run"]
    summary = json.loads((finished / "summary.json").read_text())
    assert (summary["dataset"], summary["method"], summary["noise"], summary["epochs"]) == ("digits", "fsr", 0.4, 1)
    assert summary["steps"] == 2
    assert 0.2 < summary["measured_noise_rate"] < 0.5
    assert len((finished / "labels.csv").read_text().splitlines()) == 201


@pytest.mark.slow
def test_a_finished_run_is_reported_and_not_trained_again(command, run_copy):
    before = hashes(run_copy)
    result = command(*SMALL, "--noise=0.4", f"--model_dir={run_copy}")
    assert (result.code, result.err) == (0, "")
    assert "finished" in result.out
    assert "--noresume" in result.out
    assert f"{json.loads((run_copy / 'summary.json').read_text())['test_accuracy']:.4f}" in result.out
    assert hashes(run_copy) == before


@pytest.mark.slow
def test_another_run_is_refused_and_left_alone(command, run_copy):
    before = hashes(run_copy)
    result = command(*SHORT, "--noise=0.2", "--seed=1", "--method=supervised", f"--model_dir={run_copy}")
    assert_refused(result, "--model_dir", str(run_copy), "--noresume")
    for difference in ("noise 0.4 there, 0.2 now", "seed 0 there, 1 now", "method fsr there, supervised now"):
        assert difference in result.err
    assert hashes(run_copy) == before


@pytest.mark.slow
def test_noresume_replaces_the_run_and_leaves_other_files(command, run_copy):
    (run_copy / "notes.txt").write_text("mine")
    old = hashes(run_copy)
    result = command(*SHORT, "--method=supervised", "--seed=1", f"--model_dir={run_copy}", "--noresume")
    assert (result.code, result.err) == (0, "")
    assert json.loads((run_copy / "summary.json").read_text())["method"] == "supervised"
    new = hashes(run_copy)
    assert new["notes.txt"] == old["notes.txt"]
    assert not {"config.json", "model.keras", "labels.csv"} & {name for name in old if old[name] == new.get(name)}
    # Nothing of the old run is left beside the new one.
    assert not {name for name in old if "tfevents" in name} & set(new)


class PowerLossError(Exception):
    """Stands for what ends a run in the middle of an epoch."""


@pytest.mark.slow
def test_an_interrupted_run_continues_to_the_same_end(command, monkeypatch):
    words = ("--epochs=4", "--reweight_warmup_epochs=1", "--noise=0.4", *SMALL[1:])
    assert command(*words, "--model_dir=whole").code == 0

    def crash(self, epoch, step):
        if (epoch, step) == (2, 0):
            raise PowerLossError

    with monkeypatch.context() as patch:
        patch.setattr("ieg_fsr.training.monitoring.progress.Progress.step", crash)
        with pytest.raises(PowerLossError):
            command(*words, "--model_dir=parts", "--checkpoint_seconds=0")
    assert not pathlib.Path("parts/summary.json").exists()
    assert len(pathlib.Path("parts/metrics.jsonl").read_text().splitlines()) == 2

    result = command(*words, "--model_dir=parts")
    assert (result.code, result.err) == (0, "")
    assert pathlib.Path("parts/labels.csv").read_bytes() == pathlib.Path("whole/labels.csv").read_bytes()
    for name in ("model.keras", "model_ema.keras"):
        whole, parts = (keras.saving.load_model(f"{place}/{name}", compile=False) for place in ("whole", "parts"))
        for left, right in zip(whole.weights, parts.weights, strict=True):
            np.testing.assert_array_equal(left.numpy(), right.numpy(), err_msg=f"{name} {left.path}")
    whole, parts = (read_json_lines(f"{place}/metrics.jsonl") for place in ("whole", "parts"))
    assert [row["epoch"] for row in parts] == [1, 2, 3, 4]
    for row, other in zip(whole, parts, strict=True):
        for name in row.keys() - {"seconds", "seconds_evaluation", "seconds_per_step"}:
            assert row[name] == other[name], (row["epoch"], name)
