"""What is measured of memorising, and the strength that follows, against numbers worked out by hand."""

import numpy as np
import pytest

from ieg_fsr.reweighting.memorising import (
    Evidence,
    baseline_epochs,
    choose_monitors,
    measured,
    next_earlier,
    next_strength,
    settled_strength,
    share_to_draw_from,
)

# Errors of .01; T = 10, so that the strength fades by 1/3 an epoch at most.
MEMORISING = Evidence(memorised=0.10, generalised=0.01, error=0.01, contradicted=50)
LEARNING = Evidence(memorised=0.01, generalised=0.10, error=0.01, contradicted=50)
# .075 - .3 x .1 - .8 x (.1 - .0375) = -.5 errors.
BETWEEN = Evidence(memorised=0.075, generalised=0.1, error=0.01, contradicted=50, earlier=0.0375)


def test_the_strength_follows_a_schedule_of_evidence_worked_out_by_hand():
    schedule = [(LEARNING, 2 / 3), (LEARNING, 1 / 3), (BETWEEN, 0.5), (LEARNING, 1 / 6), (LEARNING, 0), (MEMORISING, 1)]
    strength = 1.0
    for evidence, expected in schedule:
        strength = next_strength(strength, evidence, epochs=10)
        assert strength == pytest.approx(expected)


def test_what_was_generalised_long_ago_excuses_less():
    at_last = LEARNING._replace(memorised=0.05, earlier=0.1)  # .3 x .1 is tolerable
    assert next_strength(0.0, at_last, epochs=10) == 1
    assert next_strength(0.0, at_last._replace(earlier=0.0), epochs=10) == 0
    earlier = next_earlier(0.0, LEARNING, epochs=40)
    assert earlier == pytest.approx(0.01)
    assert next_earlier(earlier, LEARNING, epochs=2) == pytest.approx(0.1)


def test_less_is_tolerable_where_the_learning_rate_is_still_to_fall():
    evidence = LEARNING._replace(memorised=0.02, earlier=0.1)
    assert next_strength(0.0, evidence, epochs=10) == pytest.approx(0)
    assert next_strength(0.0, evidence._replace(falling=True), epochs=10) == pytest.approx(1)  # .2 x .1


def test_the_last_part_of_the_training_is_plain_or_full():
    assert [settled_strength(strength) for strength in (0.0, 0.5, 0.55, 1.0)] == [0, 0, 1, 1]


def test_it_fades_where_nothing_is_contradicted():
    assert next_strength(0.5, Evidence(contradicted=3, error=0.1, memorised=1.0), epochs=10) == pytest.approx(1 / 6)
    assert next_strength(0.2, Evidence(), epochs=10) == 0


def test_the_reward_set_is_drawn_from_fewer_the_fewer_labels_are_predicted():
    shares = [share_to_draw_from(agreement) for agreement in (1.0, 0.5, 0.4, 0.25, 0.0)]
    assert shares == pytest.approx([1, 1, 0.4096, 1 / 16, 0])


def test_measured_against_a_count_by_hand():
    #                 monitors, contradicted   trained, contradicted    not contradicted
    baseline = np.array([-0.1, -0.2, -0.3, -0.4, -0.1, -0.1, 0.9, 0.9])
    given = np.array([0.2, -0.2, 0.5, -0.3, 0.9, -0.5, 0.1, 0.1])
    monitors = np.array([1, 1, 1, 1, 0, 0, 0, 1], bool)
    evidence = measured(given, baseline, monitors)
    rises = [0.1, 0.0, 0.2, -0.1]
    assert evidence.generalised == pytest.approx(0.05)
    assert evidence.memorised == pytest.approx((0.8 + 0.4) / 2 - 0.05)
    assert evidence.error == pytest.approx(np.std(rises) / 2)
    assert evidence.contradicted == 4


def test_measured_of_no_monitors_is_nothing():
    assert measured(np.ones(3), -np.ones(3), np.zeros(3, bool)) == Evidence()


@pytest.mark.parametrize(
    ("examples", "classes", "expected"),
    [(30000, 10, 1000), (2000, 10, 200), (300, 3, 30)],
    ids=["1000", "tenth", "few"],
)
def test_monitors_are_a_seeded_draw_from_each_class_in_proportion(examples, classes, expected):
    labels = np.random.default_rng(0).permutation(np.arange(examples) % classes)
    monitors = choose_monitors(labels, classes, seed=1)
    per_class = np.bincount(labels[monitors], minlength=classes)
    assert abs(monitors.sum() - expected) <= classes
    assert per_class.max() - per_class.min() <= 1
    np.testing.assert_array_equal(monitors, choose_monitors(labels, classes, seed=1))
    assert (monitors != choose_monitors(labels, classes, seed=2)).any()


def test_a_class_of_three_keeps_two():
    labels = np.array([0] * 500 + [1] * 3 + [2])
    for seed in range(50):
        monitors = choose_monitors(labels, 4, seed)
        assert monitors[500:503].sum() <= 1
        assert not monitors[503]


@pytest.mark.parametrize(("epochs", "warmup", "expected"), [(40, 10, 4), (100, 10, 10), (10, 5, 2), (20, 0, 1)])
def test_labels_are_contradicted_after_a_tenth_of_the_training_within_the_warmup(epochs, warmup, expected):
    assert baseline_epochs(epochs, warmup) == expected


def test_what_has_no_label_is_no_monitor():
    labels = np.repeat([0, 1, 2], [60, 50, 40])
    some = np.insert(labels, np.arange(0, 150, 3), -1)
    monitors = choose_monitors(some, 3, 0)
    assert not monitors[some < 0].any()
    np.testing.assert_array_equal(monitors[some >= 0], choose_monitors(labels, 3, 0))
