"""Tests of `ieg_fsr.training.monitoring.statistics` with figures worked out by hand."""

import numpy as np
import pytest

from ieg_fsr.training.monitoring.statistics import dictionary_purity, loss_statistics, weight_statistics


def test_weight_statistics():
    weights = np.array([0.0, 3.0, 1.0, 0.0, 0.5], np.float32)
    right = np.array([True, True, True, False, False])
    # zero: 2 of 5; right labels: (0 + 3 + 1) / 3; wrong ones: (0 + 0.5) / 2
    assert weight_statistics(weights, right) == pytest.approx(
        {"zero_weight_ratio": 0.4, "weight_clean": 4 / 3, "weight_noisy": 0.25}
    )


def test_no_wrong_labels():
    figures = weight_statistics(np.array([1.0, 3.0]), np.array([True, True]))
    assert figures == {"zero_weight_ratio": 0.0, "weight_clean": 2.0, "weight_noisy": None}


def test_only_wrong_labels():
    figures = weight_statistics(np.array([0.0, 0.0]), np.array([False, False]))
    assert figures == {"zero_weight_ratio": 1.0, "weight_clean": None, "weight_noisy": 0.0}


def test_figures_are_plain_numbers():
    figures = weight_statistics(np.array([0.0, 1.0], np.float32), np.array([True, False]))
    assert {type(value) for value in figures.values()} == {float}
    assert type(dictionary_purity(np.array([0]), np.array([True]))) is float


def test_losses_around_the_lookahead():
    """Examples 0 and 2 are right, 1 and 3 wrong; 2 was never visited."""
    losses = np.array([[1.0, 0.5], [3.0, 2.75], [np.nan, np.nan], [5.0, 4.25]], np.float32)
    right = np.array([True, False, True, False])
    figures = loss_statistics(losses, right)
    assert figures == {
        "loss_before_clean": 1.0,
        "loss_after_clean": 0.5,
        "loss_before_noisy": 4.0,
        "loss_after_noisy": 3.5,
    }
    assert {type(value) for value in figures.values()} == {float}
    only_right = loss_statistics(losses[:1], right[:1])
    assert (only_right["loss_before_clean"], only_right["loss_after_noisy"]) == (1.0, None)


def test_dictionary_purity():
    right = np.array([True, False, True, True, False, True])
    assert dictionary_purity(np.array([0, 1, 2, 3]), right) == 0.75
    assert dictionary_purity(np.array([4, 1]), right) == 0.0
    assert dictionary_purity(np.array([5]), right) == 1.0
