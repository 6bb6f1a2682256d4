"""One run in a directory: who comes second is refused, and a lock does not outlive its process."""

import os
import subprocess
import sys

import pytest

from ieg_fsr.errors import UserError
from ieg_fsr.training.survival.run_lock import RunLock

HOLD = """
import pathlib, sys
from ieg_fsr.training.survival.run_lock import RunLock
with RunLock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(directory):
    """Another process that holds the lock until its input is closed."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(directory)], **pipes)
    assert process.stdout.readline() == "held\n"
    return process


def test_another_process_is_refused_and_the_holder_named(tmp_path):
    process = hold(tmp_path)
    try:
        with pytest.raises(UserError, match=rf"--model_dir .* \(process {process.pid}\). Received: {tmp_path}$"):
            RunLock(tmp_path).__enter__()
    finally:
        process.communicate()
    with RunLock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_leaves_the_directory_free(tmp_path):
    process = hold(tmp_path)
    process.kill()
    process.communicate()
    assert (tmp_path / "lock").exists()
    with RunLock(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_made_later_is_locked_then(tmp_path):
    directory = tmp_path / "new"
    with RunLock(directory) as lock:
        assert not directory.exists()
        directory.mkdir()
        lock.acquire()
        lock.acquire()
        with pytest.raises(UserError, match="in use"):
            RunLock(directory).acquire()
    assert list(directory.iterdir()) == []


def test_a_lock_file_that_was_taken_away_is_made_again(tmp_path, monkeypatch):
    """Its holder removes the file after another process has opened it: that one's lock would be of a file unseen."""
    import fcntl

    lock_file, calls = fcntl.flock, []

    def removed_meanwhile(file, operation):
        if not calls:
            (tmp_path / "lock").unlink()
        calls.append(operation)
        lock_file(file, operation)

    monkeypatch.setattr("fcntl.flock", removed_meanwhile)
    with RunLock(tmp_path):
        assert len(calls) == 2
        monkeypatch.undo()
        with pytest.raises(UserError, match=f"process {os.getpid()}"):
            RunLock(tmp_path).acquire()


def test_a_place_that_takes_no_lock(tmp_path):
    (tmp_path / "lock").mkdir()
    with pytest.raises(UserError, match=r"--model_dir must be a writable directory \(Is a directory\)"):
        RunLock(tmp_path).acquire()
