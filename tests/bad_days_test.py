"""What happens to runs: they end with one line and an exit code, an earlier checkpoint stays, and they go on."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

from ieg_fsr import main
from ieg_fsr.data.sources import verification
from ieg_fsr.training.monitoring.progress import Progress
from ieg_fsr.training.survival.run_directory import RunDirectory
from ieg_fsr.training.survival.snapshot import find_snapshots, read_snapshot

pytestmark = pytest.mark.usefixtures("two_blocks", "no_saved_model")

ROOT = pathlib.Path(__file__).resolve().parents[1]
SMALL = ("--epochs=3", "--train_examples=200", "--method=supervised", "--checkpoint_seconds=0")


@pytest.fixture
def command(command):
    """Exit code and stderr."""
    return lambda *words: command(*words)[::2]


def at_step(monkeypatch, epoch, step, act):
    """Lets `act` happen once, after a step (epoch and step from 0)."""
    happened, move = [], Progress.step

    def patched(self, *place):
        move(self, *place)
        if place == (epoch, step) and not happened:
            happened.append(place)
            act()

    monkeypatch.setattr(Progress, "step", patched)


def assert_ended(result, code, *parts):
    assert result[0] == code, result
    assert result[1].count("\n") == 1, result
    for part in ("ieg_fsr: ", *parts):
        assert part in result[1]


def newest_step():
    """Of the checkpoints in run/; the newest is whole."""
    step, path = find_snapshots(pathlib.Path("run/checkpoints"))[0]
    read_snapshot(path)
    return step


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_training(command, monkeypatch, number):
    at_step(monkeypatch, 1, 0, lambda: os.kill(os.getpid(), number))
    assert_ended(command(*SMALL, "--model_dir=run"), 3, f"stopped by {number.name} after step 3 of 6; the same command")
    assert newest_step() == 3
    # What a checkpoint does not need is made again.
    labels = pathlib.Path("run/given_labels.csv")
    given = labels.read_bytes()
    labels.write_bytes(b"\xe4")
    assert command(*SMALL, "--model_dir=run") == (0, "")
    assert labels.read_bytes() == given


@pytest.mark.slow
def test_a_signal_before_training(command, monkeypatch):
    def interrupted(config):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("ieg_fsr.training.run.load_training_data", interrupted)
    assert_ended(command(*SMALL, "--model_dir=run"), 3, "stopped by SIGINT outside of training")
    assert not pathlib.Path("run").exists()


@pytest.mark.slow
def test_a_signal_while_images_are_decoded(command, monkeypatch, tmp_path, write_image):
    """By several threads, with stderr held back."""
    for k in range(600):
        write_image(tmp_path / "photos" / "ab"[k % 2] / f"{k}.png", 8, 8)
    seen, examine = [], verification._examine

    def interrupted(content):
        seen.append(content)
        if len(seen) == 100:
            os.kill(os.getpid(), signal.SIGINT)
        return examine(content)

    monkeypatch.setattr(verification, "_examine", interrupted)
    result = command("--model_dir=run", f"--dataset=folder:{tmp_path}/photos", "--image_size=8")
    assert_ended(result, 3, "stopped by SIGINT outside of training")
    assert len(seen) < 600
    assert not pathlib.Path("run").exists()


def test_ctrl_c_in_another_mode(command, monkeypatch):
    def interrupted(config):
        raise KeyboardInterrupt

    monkeypatch.setitem(main.MODES, "train", interrupted)
    assert command(*SMALL, "--model_dir=run") == (3, "ieg_fsr: interrupted\n")


@pytest.mark.slow
def test_a_second_run_in_the_same_directory(command, monkeypatch):
    pathlib.Path("run").mkdir()
    with RunDirectory("run"):
        for more in ((), ("--noresume",)):
            result = command(*SMALL, *more, "--model_dir=run")
            assert_ended(result, 2, f"--model_dir must not be in use by another run (process {os.getpid()})")
        assert [path.name for path in pathlib.Path("run").iterdir()] == ["lock"]
    # One that begins while the first is still loading its data.
    at_step(monkeypatch, 0, 0, lambda: seen.append(command(*SMALL, "--model_dir=run")))
    seen = []
    assert command(*SMALL, "--model_dir=run")[0] == 0
    assert_ended(seen[0], 2, f"another run (process {os.getpid()})")


@pytest.mark.slow
def test_a_learning_rate_that_is_too_high(command):
    result = command(*SMALL, "--model_dir=run", "--learning_rate=1e20", "--learning_rate_warmup_epochs=0")
    assert_ended(result, 1, "the loss must stay finite, lower --learning_rate. Received: loss ", "not finite first: ")
    assert_ended(result, 1, f"the checkpoint of step {newest_step()} is kept")


@pytest.mark.slow
def test_images_that_are_deleted_while_training(command, monkeypatch, tmp_path, write_image):
    photos = tmp_path / "photos"
    for part, count in (("train", 12), ("test", 2)):
        for label in ("a", "b"):
            for k in range(count):
                write_image(photos / part / label / f"{k}.png", shade=100 * (label == "b"))
    at_step(monkeypatch, 1, 0, lambda: shutil.move(photos, tmp_path / "elsewhere"))
    words = (f"--dataset=folder:{photos}", "--image_size=16", "--batch_size=4", "--network=small_cnn", "--epochs=4")
    words += ("--method=supervised", "--checkpoint_seconds=0", "--model_dir=run")
    result = command(*words)
    reason = f"the run cannot go on (No such file or directory: {photos}"
    assert_ended(result, 1, reason, f"; the checkpoint of step {newest_step()} is whole")
    assert newest_step() >= 7
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path / "here")
    shutil.move(tmp_path / "elsewhere", photos)
    assert command(*words) == (0, "")


FULL_DISK = """
mount -t tmpfs -o size=2500k tmpfs run/checkpoints || exit 42
exec "$@"
"""


@pytest.mark.slow
def test_a_disk_that_is_full(tmp_path):
    """A file system with room for two checkpoints; where users may not mount one, nothing is tried."""
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    words = [sys.executable, "-m", "ieg_fsr.main", *SMALL, "--model_dir=run"]
    shell = ["unshare", "-rm", "sh", "-c", FULL_DISK, "sh", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True)
    if done.returncode == 42 or "unshare" in done.stderr:
        pytest.skip("no file system can be mounted here")
    assert_ended((done.returncode, done.stderr), 1, "(No space left on device: ", "; the checkpoint of step 1 is whole")
    assert not (tmp_path / "run" / "lock").exists()
