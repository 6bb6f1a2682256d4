"""One run in a directory: who comes second is refused, and a lock does not outlive its process."""

import errno
import os
import subprocess
import sys

import pytest

from ieg_fsr.errors import UserError
from ieg_fsr.training.survival.run_directory import RunDirectory

HOLD = """
import sys
from ieg_fsr.training.survival.run_directory import RunDirectory
with RunDirectory(sys.argv[1]):
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
            RunDirectory(tmp_path).__enter__()
    finally:
        process.communicate()
    with RunDirectory(tmp_path) as run:
        run.lock()
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_leaves_the_directory_free(tmp_path):
    process = hold(tmp_path)
    process.kill()
    process.communicate()
    assert (tmp_path / "lock").exists()
    with RunDirectory(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


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
    with RunDirectory(tmp_path):
        assert len(calls) == 2
        monkeypatch.undo()
        with pytest.raises(UserError, match=f"process {os.getpid()}"):
            RunDirectory(tmp_path).lock()


def test_a_place_that_takes_no_lock(tmp_path):
    (tmp_path / "lock").mkdir()
    with pytest.raises(UserError, match=r"--model_dir must be a writable directory \(Is a directory\)"):
        RunDirectory(tmp_path).lock()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS])
def test_a_file_system_without_locks_is_not_taken_for_one_with(tmp_path, monkeypatch, number):
    """A lock in place of the system's own would outlive a killed process."""

    def refuse(file, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(OSError, match=os.strerror(number)):
        RunDirectory(tmp_path).lock()
