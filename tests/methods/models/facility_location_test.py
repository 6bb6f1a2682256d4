"""Facility location: lazy greedy against plain greedy and against all subsets; clusters counted by hand."""

import itertools

import numpy as np
import pytest

from ieg_fsr.methods.models.facility_location import cluster_sizes, distances, lazy_greedy, numbers_within


def value(similarities, chosen):
    return similarities[:, list(chosen)].max(axis=1).sum()


def plain_greedy(similarities, count):
    chosen = []
    for _ in range(count):
        values = [-1.0 if j in chosen else value(similarities, [*chosen, j]) for j in range(len(similarities))]
        chosen.append(int(np.argmax(values)))
    return chosen


def similarities_of(points):
    apart = distances(points).astype(np.float64)
    return apart.max() - apart


@pytest.mark.parametrize("seed", range(5))
def test_lazy_greedy_picks_what_plain_greedy_picks(seed):
    points = np.random.default_rng(seed).normal(size=(40, 3))
    similarities = similarities_of(points)
    assert lazy_greedy(similarities, 20).tolist() == plain_greedy(similarities, 20)


def test_of_equal_gains_the_first_point_s_counts():
    """A square: all four points are alike, and then the two neighbours of the first."""
    similarities = similarities_of(np.array([[0.0, 0], [0, 1], [1, 1], [1, 0]]))
    assert lazy_greedy(similarities, 4).tolist() == plain_greedy(similarities, 4)
    assert sorted(lazy_greedy(np.ones((5, 5)), 5).tolist()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [1, 3, 5])
def test_it_comes_near_the_best_of_all_subsets(seed, count):
    similarities = similarities_of(np.random.default_rng(seed).normal(size=(12, 2)))
    best = max(value(similarities, subset) for subset in itertools.combinations(range(12), count))
    assert value(similarities, lazy_greedy(similarities, count)) >= (1 - 1 / np.e) * best


def test_clusters_by_hand():
    """On a line 0, 1, 2 | 9, 10, and 5.5 between, which is as near to 1 as to 10."""
    similarities = similarities_of(np.array([[0.0], [1], [2], [9], [10], [5.5]]))
    assert cluster_sizes(similarities, np.array([1, 4])).tolist() == [4, 2]
    assert cluster_sizes(similarities, np.array([4, 1])).tolist() == [3, 3]
    assert cluster_sizes(similarities, np.arange(6)).tolist() == [1] * 6


def test_numbers_within_a_radius_by_hand():
    apart = distances(np.array([[0.0], [1], [2], [9], [10], [5.5]]))
    assert numbers_within(apart, np.array([1, 4, 5]), 1.0).tolist() == [3, 2, 1]
    assert numbers_within(apart, np.array([5]), 4.5).tolist() == [5]


def test_distances_by_hand():
    np.testing.assert_allclose(
        distances(np.array([[0.0, 0], [3, 4], [0, 1]])), [[0, 5, 1], [5, 0, 18**0.5], [1, 18**0.5, 0]]
    )
