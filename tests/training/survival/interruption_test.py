"""Signals: at once outside of training, at the end of the step within it, and at the second one whatever happens."""

import os
import pathlib
import signal
import subprocess
import sys
import threading

import pytest

from ieg_fsr.errors import Interrupted
from ieg_fsr.training.survival.interruption import Interruption

pytestmark = pytest.mark.usefixtures("two_blocks")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """With a checkpoint."""
    monkeypatch.chdir(tmp_path)
    pathlib.Path("runs/a/checkpoints/step-00000003").mkdir(parents=True)
    return pathlib.Path("runs/a")


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_at_once_outside_of_training(place, number):
    before = signal.getsignal(number)
    message = rf"^stopped by {number.name} outside of training; .* in runs/a$"
    with pytest.raises(Interrupted, match=message), Interruption(place):
        send(number)
    assert signal.getsignal(number) is before


def test_without_a_checkpoint_nothing_goes_on(tmp_path):
    message = r"; the same command begins anew: no checkpoint was made$"
    with pytest.raises(Interrupted, match=message), Interruption(tmp_path):
        send(signal.SIGINT)


def test_deferred_until_it_is_asked_for(place):
    def train():
        with Interruption(place) as interruption, interruption.deferred():
            requested.append(interruption.requested)
            send(signal.SIGTERM)
            requested.append(interruption.requested)
            interruption.stop("after step 3 of 9")

    requested = []
    with pytest.raises(Interrupted, match="SIGTERM after step 3 of 9; the same"):
        train()
    assert requested == ["", "SIGTERM"]


def test_deferred_until_the_end_of_the_block(place):
    def train():
        with Interruption(place) as interruption:
            with interruption.deferred():
                send(signal.SIGINT)
                done.append(1)
            done.append(2)

    done = []
    with pytest.raises(Interrupted, match="SIGINT"):
        train()
    assert done == [1]


def test_another_error_in_the_block_is_not_hidden(place):
    def train():
        with Interruption(place) as interruption, interruption.deferred():
            send(signal.SIGINT)
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        train()


def test_a_library_that_takes_the_signal_meanwhile_does_not_keep_it(place):
    before = signal.getsignal(signal.SIGTERM)

    def train():
        with Interruption(place) as interruption:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            with interruption.deferred():
                send(signal.SIGTERM)

    with pytest.raises(Interrupted, match="SIGTERM after the last step"):
        train()
    assert signal.getsignal(signal.SIGTERM) is before


def test_no_signal_no_trace(place):
    with Interruption(place) as interruption, interruption.deferred():
        pass
    assert interruption.requested == ""


def test_the_second_signal_ends_the_process(place):
    code = """
import os, pathlib, signal, sys
from ieg_fsr.training.survival.interruption import Interruption
with Interruption(pathlib.Path("runs/a")) as interruption, interruption.deferred():
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    print("not reached")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    message = "ieg_fsr: stopped by SIGINT at once; the same command goes on from the last checkpoint in runs/a\n"
    assert (done.returncode, done.stdout, done.stderr) == (3, "", message)


def test_what_goes_on_is_said_for_a_worker_without_a_signal_too(place):
    with pytest.raises(Interrupted, match=r"by another worker after step 3; the same command without --noresume goes"):
        Interruption(place, "the same command without --noresume").stop("after step 3")


def test_in_another_thread_it_does_nothing(place):
    seen, before = [], signal.getsignal(signal.SIGTERM)

    def run():
        with Interruption(place) as interruption, interruption.deferred():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [before]
