"""Selection by cross-validation: the noise rate by search and by counting, and a choice made by hand."""

import numpy as np
import pytest

from ieg_fsr.methods.models.cross_selection import (
    agreement_of_sure,
    choice,
    estimated_noise_rate,
    noise_rate_of_selected,
)


@pytest.mark.parametrize("num_classes", [2, 3, 10, 100])
@pytest.mark.parametrize("agreement", [0.999, 0.9, 0.7, 0.51])
def test_the_noise_rate_is_the_smallest_that_explains_the_agreement(agreement, num_classes):
    """By search on a grid, as the released code does it."""
    rate = 0.0
    while (1 - rate) ** 2 + rate**2 / (num_classes - 1) > agreement:
        rate += 1e-4
    assert estimated_noise_rate(agreement, num_classes) == pytest.approx(rate, abs=1e-4)


@pytest.mark.parametrize(("rate", "memorised"), [(0.36, 0.0), (0.36, 0.4), (0.7, 0.9)])
def test_the_noise_rate_of_a_network_that_memorises_a_part(rate, memorised):
    """Of 200,000 others a part is predicted as its class, and a part by labels that are as wrong as the given ones."""
    rng = np.random.default_rng(0)
    given, said = ((rng.random(200_000) < rate) * rng.integers(1, 10, 200_000) for _ in range(2))
    said = np.where(rng.random(200_000) < memorised, said, 0)
    agreement = float(np.mean(given == said))
    in_training = memorised + (1 - memorised) * agreement
    assert estimated_noise_rate(agreement, 10, in_training) == pytest.approx(rate, abs=0.01)
    # Without memory the disagreement is the rate.
    assert estimated_noise_rate(agreement, 10, agreement) == pytest.approx(min(1 - agreement, 0.9))


def test_the_least_sure_tenth_is_left_out():
    sure, unsure = np.log([0.9, 0.1]), np.log([0.6, 0.4])
    said = np.array([sure] * 9 + [unsure])
    assert agreement_of_sure(said, np.array([0] * 6 + [1] * 4)) == pytest.approx(6 / 9)
    assert agreement_of_sure(said[:1], np.array([1])) == 0.0


def test_limits_of_the_noise_rate():
    assert estimated_noise_rate(1.0, 10) == 0.0
    assert estimated_noise_rate(0.1, 10) == pytest.approx(0.9)
    assert estimated_noise_rate(0.0, 10) == pytest.approx(0.9)
    assert estimated_noise_rate(0.0, 2) == pytest.approx(0.5)


@pytest.mark.parametrize(("rate", "num_classes"), [(0.2, 10), (0.6, 10), (0.4, 2), (0.5, 4)])
def test_both_rates_by_counting(rate, num_classes):
    """Labels and predictions that are wrong independently of each other."""
    rng = np.random.default_rng(0)
    moves = [rng.integers(1, num_classes, 400_000) * (rng.random(400_000) < rate) for _ in range(2)]
    agrees = moves[0] == moves[1]
    assert estimated_noise_rate(float(np.mean(agrees)), num_classes) == pytest.approx(rate, abs=0.005)
    assert noise_rate_of_selected(rate, num_classes) == pytest.approx(np.mean(moves[0][agrees] > 0), abs=0.005)


def test_no_wrong_label_leaves_none_among_the_selected():
    assert noise_rate_of_selected(0.0, 10) == 0.0


@pytest.mark.parametrize(
    ("noise_rate", "most_removed", "removed"),
    [
        (0.0, 2.0, []),
        (0.2, 2.0, []),  # 1/4 of three: none
        (0.25, 2.0, [5]),  # 1/3 of three: the largest loss
        (0.5, 2.0, [3, 5]),  # three losses, of which one is of a label that is selected
        (0.9, 2.0, [3, 4, 5, 6]),  # 9, but not more than 2, times three
        (0.9, 0.4, [5]),  # 1.2 losses: one
        (0.9, 0.0, []),
    ],
)
def test_a_choice_by_hand(noise_rate, most_removed, removed):
    losses = np.array([0.1, 1.5, 0.2, 2.0, 1.2, 3.0, 1.1])
    agrees = np.array([True, True, True, False, False, False, False])
    chosen = choice(agrees, losses, noise_rate, most_removed)
    np.testing.assert_array_equal(chosen.selected, agrees)
    assert np.flatnonzero(chosen.removed).tolist() == removed


def test_nothing_agrees():
    chosen = choice(np.zeros(3, bool), np.arange(3.0), 0.5, 2.0)
    assert not chosen.selected.any()
    assert not chosen.removed.any()
