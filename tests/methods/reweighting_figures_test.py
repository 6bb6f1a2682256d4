"""Figures and pictures of the weights, worked out by hand."""

import numpy as np
import pytest

from ieg_fsr.methods.reweighting_figures import (
    loss_figures,
    member_grid,
    suspect_grid,
    weight_figures,
    weight_histograms,
)


def test_weights():
    weights = np.array([0.0, 3.0, 1.0, 0.0, 0.5], np.float32)
    right = np.array([True, True, True, False, False])
    # zero: 2 of 5; right labels: (0 + 3 + 1) / 3; wrong ones: (0 + 0.5) / 2
    assert weight_figures(weights, right) == pytest.approx(
        {"zero_weight_ratio": 0.4, "weight_clean": 4 / 3, "weight_noisy": 0.25}
    )


def test_no_wrong_labels():
    figures = weight_figures(np.array([1.0, 3.0]), np.array([True, True]))
    assert figures == {"zero_weight_ratio": 0.0, "weight_clean": 2.0, "weight_noisy": None}


def test_only_wrong_labels():
    figures = weight_figures(np.array([0.0, 0.0]), np.array([False, False]))
    assert figures == {"zero_weight_ratio": 1.0, "weight_clean": None, "weight_noisy": 0.0}


def test_of_labels_that_nobody_knows_to_be_right():
    weights = np.array([0.0, 3.0])
    assert weight_figures(weights, None) == {"zero_weight_ratio": 0.5}
    assert weight_histograms(weights, None) == {"weights/all": weights}


def test_figures_are_plain_numbers():
    figures = weight_figures(np.array([0.0, 1.0], np.float32), np.array([True, False]))
    assert {type(value) for value in figures.values()} == {float}


def test_losses_around_the_lookahead():
    """Examples 0 and 2 are right, 1 and 3 wrong; 2 was never visited."""
    losses = np.array([[1.0, 0.5], [3.0, 2.75], [np.nan, np.nan], [5.0, 4.25]], np.float32)
    right = np.array([True, False, True, False])
    figures = loss_figures(losses, right)
    assert figures == {
        "loss_before_clean": 1.0,
        "loss_after_clean": 0.5,
        "loss_before_noisy": 4.0,
        "loss_after_noisy": 3.5,
    }
    assert {type(value) for value in figures.values()} == {float}
    only_right = loss_figures(losses[:1], right[:1])
    assert (only_right["loss_before_clean"], only_right["loss_after_noisy"]) == (1.0, None)


def test_histograms_of_all_of_right_and_of_wrong_labels():
    weights = np.array([0.0, 1.0, 2.0, 4.0])
    found = weight_histograms(weights, np.array([False, True, True, False]))
    assert {tag: values.tolist() for tag, values in found.items()} == {
        "weights/all": [0, 1, 2, 4],
        "weights/clean": [1, 2],
        "weights/wrong": [0, 4],
    }


def test_members_by_class():
    """Of class 0 examples 3 and 1, of class 1 none, of class 2 example 4."""
    grid = member_grid(np.array([3, 1, 4]), np.array([0, 0, 2]), 3)
    assert grid.columns == 10
    assert grid.ids.reshape(3, 10).tolist() == [[3, 1] + [-1] * 8, [-1] * 10, [4] + [-1] * 9]
    many = member_grid(np.arange(12), np.zeros(12, int), 100)
    assert many.ids.reshape(20, 10)[:2].tolist() == [list(range(10)), [-1] * 10]


def test_suspects_worst_first():
    grid = suspect_grid(np.array([0.0, 3.0, -2.0, 5.0, -1.0]))
    assert grid.ids.tolist() == [2, 4, 0, 1, 3]
    assert (grid.text, grid.labels_told) == ("The 5 lowest scores, worst first", True)
    assert suspect_grid(np.arange(60.0)).ids.tolist() == list(range(50))
