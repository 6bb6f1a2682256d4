"""Tests of `ieg_fsr.training.schedules` against closed forms."""

import math

import keras
import pytest

from ieg_fsr.training.schedules import SCHEDULES, learning_rate_schedule

STEPS = 8  # in an epoch


def rate(schedule, step):
    return float(schedule(step))


def test_cosine():
    schedule = learning_rate_schedule("cosine", 0.2, STEPS, 10)
    for step in (0, 1, 20, 40, 60, 79, 80):
        expected = 0.1 * (1 + math.cos(math.pi * step / 80))
        assert rate(schedule, step) == pytest.approx(expected, abs=1e-7), step
    assert rate(schedule, 0) == pytest.approx(0.2)
    assert rate(schedule, 40) == pytest.approx(0.1)
    assert rate(schedule, 80) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize(("period", "first_epoch"), [(0, 0), (1, 1), (2, 3), (3, 7), (4, 15), (5, 31), (6, 63)])
def test_cosine_restarts(period, first_epoch):
    # Periods of 1, 2, 4, ... epochs start at epochs 0, 1, 3, 7, ...; 127 epochs are seven whole periods.
    schedule = learning_rate_schedule("cosine_restarts", 0.1, STEPS, 127)
    start, length, peak = first_epoch * STEPS, 2**period * STEPS, 0.1 * 0.9**period
    for offset in (0, 1, length // 2, length - 1):
        expected = peak * 0.5 * (1 + math.cos(math.pi * offset / length))
        # float32 finds the period by a logarithm: a step's place in it is good to about 1e-4.
        assert rate(schedule, start + offset) == pytest.approx(expected, abs=2e-5), (period, offset)


def test_a_run_of_127_epochs_ends_at_the_bottom():
    schedule = learning_rate_schedule("cosine_restarts", 0.1, 500, 127)
    last = 127 * 500 - 1
    assert rate(schedule, last) < 1e-6
    assert rate(schedule, last + 1) == pytest.approx(0.1 * 0.9**7, rel=1e-4)


def test_steps_drop_at_the_first_step_of_the_named_epoch():
    schedule = learning_rate_schedule("steps", 0.1, STEPS, 200, drop_epochs=(160, 180))
    assert rate(schedule, 0) == pytest.approx(0.1)
    assert rate(schedule, 160 * STEPS - 1) == pytest.approx(0.1)
    assert rate(schedule, 160 * STEPS) == pytest.approx(1e-3)
    assert rate(schedule, 180 * STEPS - 1) == pytest.approx(1e-3)
    assert rate(schedule, 180 * STEPS) == pytest.approx(1e-5)
    assert rate(schedule, 200 * STEPS - 1) == pytest.approx(1e-5)


def test_steps_with_another_factor():
    schedule = learning_rate_schedule("steps", 0.4, STEPS, 4, drop_epochs=(2,), drop_factor=0.5)
    assert [rate(schedule, step) for step in (15, 16, 31)] == pytest.approx([0.4, 0.2, 0.2])


def test_warmup_rises_linearly_then_the_cosine_runs_from_its_start_to_its_end():
    schedule = learning_rate_schedule("cosine", 0.2, STEPS, 10, warmup_epochs=2)
    for step in range(16):
        assert rate(schedule, step) == pytest.approx(0.2 * (step + 1) / 16), step
    for step in (16, 17, 48, 80):
        expected = 0.1 * (1 + math.cos(math.pi * (step - 16) / 64))
        assert rate(schedule, step) == pytest.approx(expected, abs=1e-7), step


def test_warmup_before_restarts():
    schedule = learning_rate_schedule("cosine_restarts", 0.1, STEPS, 10, warmup_epochs=3)
    assert rate(schedule, 3 * STEPS - 1) == pytest.approx(0.1)
    assert rate(schedule, 3 * STEPS) == pytest.approx(0.1)
    assert rate(schedule, 4 * STEPS) == pytest.approx(0.09, rel=1e-4)


def test_warmup_does_not_move_the_drops():
    schedule = learning_rate_schedule("steps", 0.1, STEPS, 20, drop_epochs=(10,), warmup_epochs=5)
    assert rate(schedule, 0) == pytest.approx(0.1 / 40)
    assert rate(schedule, 10 * STEPS - 1) == pytest.approx(0.1)
    assert rate(schedule, 10 * STEPS) == pytest.approx(1e-3)


@pytest.mark.parametrize("warmup_epochs", [0, 1])
@pytest.mark.parametrize("name", SCHEDULES)
def test_survives_in_the_config_of_an_optimizer(name, warmup_epochs):
    schedule = learning_rate_schedule(name, 0.1, STEPS, 6, drop_epochs=(2,), warmup_epochs=warmup_epochs)
    optimizer = keras.optimizers.SGD(schedule, momentum=0.9)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    for step in (0, 3, 9, 17, 40):
        assert rate(again._learning_rate, step) == pytest.approx(rate(schedule, step)), step


def test_unknown_name():
    with pytest.raises(ValueError, match=r"^schedule must be one of cosine, .*\. Received: linear$"):
        learning_rate_schedule("linear", 0.1, STEPS, 6)
