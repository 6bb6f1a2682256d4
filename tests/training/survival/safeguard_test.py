"""When it saves, when it stops, and what it does not save."""

import pytest

from ieg_fsr.training.survival import safeguard
from ieg_fsr.training.survival.checkpoints import NotFiniteError
from ieg_fsr.training.survival.safeguard import Safeguard


class Clock:
    """Time passes only where a test lets it."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


class Saved:
    """Stands for checkpoints: each save takes `cost` seconds."""

    def __init__(self, clock, cost):
        self.clock, self.cost, self.steps = clock, cost, []

    def save(self, step):
        self.clock.now += self.cost
        self.steps.append(step)


class StoppedError(Exception):
    pass


class Signals:
    """Stands for an interruption."""

    requested = ""

    def stop(self, where):
        raise StoppedError(where)


def begin_epoch(guard, epoch, steps=4):
    guard.set_params({"steps": steps})
    guard.on_epoch_begin(epoch)


@pytest.fixture
def run(monkeypatch):
    """A function that makes the callbacks of a run of 3 epochs of 4 steps of a second each; a signal after a step."""
    clock = Clock()
    monkeypatch.setattr(safeguard, "time", clock)

    def made(seconds, start_step=0, cost=0.0, signal_after=None, losses=(), agreed=bool):
        saved, signals = Saved(clock, cost), Signals()
        guard = Safeguard(saved, signals, 3, 12, start_step, seconds, agreed)
        begin_epoch(guard, start_step // 4, 4 - start_step % 4)
        losses = dict(losses)
        reached = None
        try:
            for step in range(start_step + 1, 13):
                clock.now += 1.0
                if step == signal_after:
                    signals.requested = "SIGTERM"
                guard.on_train_batch_end(0, {"loss": losses.get(step, 1.0)})
                if step % 4 == 0:
                    guard.on_epoch_end(step // 4 - 1, {})
                    begin_epoch(guard, step // 4)
        except (StoppedError, NotFiniteError) as error:
            reached = str(error)
        return saved.steps, reached

    return made


def test_with_zero_seconds_every_step_is_saved_once(run):
    assert run(0) == (list(range(1, 13)), None)
    assert run(0, cost=5.0) == (list(range(1, 13)), None)


def test_by_time_within_epochs_and_after_them_and_at_the_end(run):
    assert run(3) == ([3, 6, 9, 12], None)
    assert run(5) == ([5, 10, 12], None)
    assert run(1000) == ([12], None)


def test_the_count_goes_on_from_an_earlier_process(run):
    assert run(3, start_step=5) == ([8, 11, 12], None)


def test_what_is_expensive_is_done_less_often(run):
    # The first at 2 s took .1 s: the next one 50 times that later, at step 7.
    assert run(2, cost=0.1)[0] == [2, 7, 12]


def test_a_signal_saves_and_stops_after_its_step(run):
    assert run(1000, signal_after=6) == ([6], "after step 6 of 12")


def test_a_signal_in_the_last_step_of_an_epoch_waits_for_its_end(run):
    assert run(1000, signal_after=8) == ([8], "after step 8 of 12")


def test_workers_save_and_stop_together(run):
    """What one of two says, the other does: it is asked for the signal and for the time, after every step alike."""
    asked = []

    def with_another(own, saves_at=3, stops_at=6):
        asked.append(own)
        step, question = divmod(len(asked) - 1, 2)
        return own or step + 1 == (stops_at, saves_at)[question]

    assert run(1000, agreed=with_another) == ([3, 6], "after step 6 of 12")
    assert asked == [False] * 12


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_before_anything_is_saved(run, loss):
    steps, reached = run(0, losses={7: loss})
    assert steps == list(range(1, 7))
    assert reached == f"loss {loss} at step 7"


def test_how_many_steps_there_will_be_need_not_be_known():
    """Two epochs of different lengths: the last step of each is saved once, after the epoch."""
    saved, signals = Saved(Clock(), 0.0), Signals()
    guard = Safeguard(saved, signals, 2, None, 0, 0.0)
    for epoch, steps in enumerate((3, 1)):
        begin_epoch(guard, epoch, steps)
        for _ in range(steps):
            guard.on_train_batch_end(0, {"loss": 1.0})
        if epoch:
            signals.requested = "SIGTERM"
            with pytest.raises(StoppedError, match=r"^after step 4$"):
                guard.on_epoch_end(epoch)
        else:
            guard.on_epoch_end(epoch)
    assert saved.steps == [1, 2, 3, 4]


def test_a_signal_does_not_save_a_state_that_is_not_finite(run):
    assert run(1000, signal_after=7, losses={7: float("nan")}) == ([], "loss nan at step 7")


def test_the_state_that_cannot_be_saved_stops_the_run():
    class Refusing:
        def save(self, step):
            raise NotFiniteError(step, "kernel")

    guard = Safeguard(Refusing(), Signals(), 3, 12, 0, 0.0)
    begin_epoch(guard, 0)
    with pytest.raises(NotFiniteError, match="kernel at step 1"):
        guard.on_train_batch_end(0, {"loss": 1.0})
