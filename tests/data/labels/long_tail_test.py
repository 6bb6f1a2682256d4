"""Tests of long-tailed subsets: the published totals, sizes by hand, and what a seed decides."""

import numpy as np
import pytest

from ieg_fsr.data.labels.long_tail import long_tail_counts, long_tail_ids, measured_imbalance
from ieg_fsr.errors import UserError


@pytest.mark.parametrize(
    ("num_classes", "imbalance", "total"),
    [
        (10, 10, 20431), (10, 50, 13996), (10, 100, 12406), (10, 200, 11203),
        (100, 10, 19573), (100, 50, 12608), (100, 100, 10847), (100, 200, 9502),
    ],
)  # fmt: skip
def test_totals_of_cifar(num_classes, imbalance, total):
    labels = np.random.default_rng(0).permutation(np.arange(50_000) % num_classes)
    ids = long_tail_ids(labels, imbalance, num_classes, seed=0)
    assert len(ids) == total
    counts = np.bincount(labels[ids], minlength=num_classes)
    assert (counts[0], counts[-1]) == (50_000 // num_classes, 50_000 // num_classes // imbalance)
    assert np.all(np.diff(counts) <= 0)


def test_sizes_by_hand():
    # 100 * 4^(-i / 2): 100, 50, 25. 10 * 8^(-i / 2): 10, 3.5, 1.25.
    assert long_tail_counts(100, 4, 3).tolist() == [100, 50, 25]
    assert long_tail_counts(10, 8, 3).tolist() == [10, 3, 1]
    assert long_tail_counts(7, 3, 1).tolist() == [7]


def test_a_whole_size_is_not_lost_to_rounding():
    # 32^(-4 / 10) = 2^-2.
    assert 100 * 32.0 ** -(4 / 10) < 25
    assert long_tail_counts(100, 32, 11)[[0, 2, 4, 6, 8, 10]].tolist() == [100, 50, 25, 12, 6, 3]


def test_no_imbalance_keeps_everything_even_of_unequal_classes():
    labels = np.array([0, 0, 0, 1, 2, 2])
    assert long_tail_ids(labels, 1, 3, seed=0).tolist() == [0, 1, 2, 3, 4, 5]


def test_a_small_class_keeps_what_it_has():
    labels = np.repeat([0, 1, 2], [100, 20, 80])
    counts = np.bincount(labels[long_tail_ids(labels, 4, 3, seed=0)])
    assert counts.tolist() == [100, 20, 25]


def test_a_class_without_examples_is_none_to_keep():
    labels = np.repeat([0, 2], [40, 40])
    assert np.bincount(labels[long_tail_ids(labels, 4, 3, seed=0)]).tolist() == [40, 0, 10]


def test_ids_rise_and_the_seed_decides_them():
    labels = np.arange(1000) % 10
    first, again, other = (long_tail_ids(labels, 10, 10, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.all(np.diff(first) > 0)
    assert len(first) == len(other)
    assert not np.array_equal(first, other)


def test_every_example_of_a_class_is_as_likely():
    labels = np.repeat([0, 1], 20)
    kept = np.zeros(40)
    for seed in range(400):
        kept[long_tail_ids(labels, 2, 2, seed)] += 1
    assert np.all(kept[:20] == 400)
    # Half of the second class each time: 200 of 400, standard error 10.
    assert np.abs(kept[20:] - 200).max() <= 40


def test_a_longer_tail_is_part_of_a_shorter_one():
    labels = np.arange(1000) % 10
    assert set(long_tail_ids(labels, 50, 10, seed=3)) < set(long_tail_ids(labels, 10, 10, seed=3))


def test_a_class_must_keep_an_example():
    labels = np.arange(400) % 10
    long_tail_ids(labels, 40, 10, seed=0)
    with pytest.raises(UserError, match=r"^--imbalance must be at most 40, .*\(class 9 would not\)\. Received: 41$"):
        long_tail_ids(labels, 41, 10, seed=0)


def test_measured_imbalance():
    assert measured_imbalance(np.repeat([0, 1, 3], [30, 12, 20])) == 2.5
    assert measured_imbalance(np.repeat([0, 1, -1], [30, 12, 5])) == 2.5
