"""Tests of `ieg_fsr.training.monitoring.progress` on a fake terminal, a plain stream and a clock set by hand."""

import io

import pytest

from ieg_fsr.figures import RUN_FIGURES
from ieg_fsr.methods.reweighting_figures import REWEIGHTING_FIGURES
from ieg_fsr.training.monitoring.progress import Progress, clock, measured


class Clock:
    """Stands for `time.monotonic`; starts at 1000 and moves only when told."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def time(monkeypatch):
    fake = Clock()
    monkeypatch.setattr("time.monotonic", fake)
    return fake


def drawn(stream):
    """The lines that were drawn one over the other."""
    return stream.getvalue().split("\r\x1b[2K")[1:]


def test_plain_stream_gets_a_line_every_ten_seconds_and_one_for_the_last_epoch(time):
    stream = io.StringIO()
    progress = Progress(100, 4, stream=stream)
    for epoch in range(100):
        time.now += 3
        progress.step(epoch, 3)
        progress.epoch(epoch, {"train_loss": 1.0})
    lines = stream.getvalue().splitlines()
    # 3 s an epoch: the first line after 12 s, then every 12 s; the hundredth epoch is one of them.
    assert [line.split()[1] for line in lines] == [f"{epoch}/100" for epoch in range(4, 101, 4)]
    assert "\r" not in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
    assert lines[0] == "epoch 4/100 [....................] loss 1.000 left 4:48"
    assert lines[-1] == f"epoch 100/100 [{'=' * 20}] loss 1.000 left 0:00"


def test_plain_stream_shows_the_last_epoch_of_a_short_run(time):
    stream = io.StringIO()
    progress = Progress(2, 4, stream=stream)
    for epoch in range(2):
        time.now += 1
        progress.epoch(epoch, {"train_loss": 0.5})
    assert stream.getvalue() == f"epoch 2/2 [{'=' * 20}] loss 0.500 left 0:00\n"


def test_terminal_redraws_in_place_at_most_five_times_a_second(time):
    stream = Terminal()
    progress = Progress(2, 10, stream=stream)
    for step in range(10):
        time.now += 0.125
        progress.step(0, step)
    # Drawn after 0.25, 0.5, ... s, that is after every second step; 1 s of 20 steps at 8 a second.
    assert drawn(stream) == [
        f"epoch 0/2 [{'=' * cells}{'.' * (20 - cells)}]  left {left}"
        for cells, left in [(2, "0:02"), (4, "0:02"), (6, "0:02"), (8, "0:02")]
    ] + [f"epoch 1/2 [{'=' * 10}{'.' * 10}]  left 0:01"]
    assert "\n" not in stream.getvalue()


def test_terminal_shows_every_epoch_and_ends_the_line_in_the_end(time):
    stream = Terminal()
    progress = Progress(2, 10, stream=stream)
    time.now += 0.01
    progress.epoch(0, {"train_loss": 2.0, "test_accuracy": 0.5})
    assert drawn(stream)[-1].startswith(f"epoch 1/2 [{'=' * 10}{'.' * 10}] loss 2.000 test 0.500 left")
    time.now += 0.25
    progress.step(1, 0)
    assert "loss 2.000 test 0.500" in drawn(stream)[-1]  # the last figures stay while the next epoch runs
    assert not stream.getvalue().endswith("\n")
    progress.epoch(1, {"train_loss": 1.0, "test_accuracy": 0.75})
    progress.leave()
    assert drawn(stream)[-1] == f"epoch 2/2 [{'=' * 20}] loss 1.000 test 0.750 left 0:00\n"


def test_a_narrow_terminal_is_redrawn_in_one_row(time, monkeypatch):
    """The bar goes first, then what is last."""
    monkeypatch.setenv("COLUMNS", "50")
    stream = Terminal()
    progress = Progress(2, 10, stream=stream)
    progress.epoch(0, {"train_loss": 2.0, "test_accuracy": 0.5, "test_accuracy_ema": 0.25})
    progress.epoch(1, {})
    first, second = drawn(stream)
    assert first == "epoch 1/2 left 0:00 loss 2.000 test 0.500 ema 0.2"
    # What knows no control codes, as a notebook, sees nothing of the longer line before.
    assert second == f"epoch 2/2 [{'=' * 20}]  left 0:00".ljust(len(first))


def test_what_follows_a_run_that_was_cut_has_its_own_line(time):
    stream = Terminal()
    progress = Progress(2, 10, stream=stream)
    progress.leave()
    assert stream.getvalue() == ""
    time.now += 0.25
    progress.step(0, 0)
    progress.leave()
    assert stream.getvalue().endswith("\n")
    plain = io.StringIO()
    progress = Progress(2, 10, stream=plain)
    time.now += 20
    progress.epoch(0, {})
    progress.leave()
    assert plain.getvalue().count("\n") == 1


def test_time_left_counts_the_epochs_of_this_process_only(time):
    # Epochs 1-6 of 10 were made by an earlier process; one epoch took 20 s here, three are left.
    stream = io.StringIO()
    progress = Progress(10, 4, start_epoch=6, stream=stream)
    time.now += 20
    progress.epoch(6, {})
    assert stream.getvalue().startswith("epoch 7/10 [==============......]")
    assert stream.getvalue().endswith("left 1:00\n")


def test_the_stage_is_named_where_there_is_one(time):
    stream = io.StringIO()
    progress = Progress(4, 4, stream=stream)
    progress.stage = "corrected"
    time.now += 20
    progress.epoch(1, {})
    assert stream.getvalue().startswith("epoch 2/4 corrected [==========..........]")


def test_writes_to_stdout_by_default(time, capsys):
    progress = Progress(1, 1)
    time.now += 1
    progress.epoch(0, {})
    assert capsys.readouterr().out.startswith("epoch 1/1")


def test_figures():
    row = {
        "epoch": 3,
        "train_loss": 1.23456,
        "test_accuracy": 0.9,
        "test_accuracy_ema": 0.95,
        "dictionary_purity": 1.0,
        "weight_clean": 1.5,
        "weight_noisy": 0.25,
    }
    figures = (*RUN_FIGURES, *REWEIGHTING_FIGURES)
    assert measured(figures, row) == "loss 1.235 test 0.900 ema 0.950 purity 1.000 weight clean 1.500 wrong 0.250"
    assert measured(RUN_FIGURES, row) == "loss 1.235 test 0.900 ema 0.950"
    assert measured(figures, {"train_loss": 2.0, "weight_noisy": None}) == "loss 2.000"
    assert measured(figures, {}) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (0.4, "0:00"), (9, "0:09"), (59.6, "1:00"), (123, "2:03"), (3599, "59:59"), (3600, "1:00:00"),
     (3723, "1:02:03"), (90000, "25:00:00")],
)  # fmt: skip
def test_clock(seconds, text):
    assert clock(seconds) == text
