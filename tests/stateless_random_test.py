"""Seeded randomness: agreement with and without XLA, ranges, and permutations that are permutations."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.stateless_random import fold_in, permuted, split, uniform, uniform_integers

SEEDS = [[0, 0], [3, 4], [-3, 4], [3, -4], [2**31 - 1, -(2**31)]]


@pytest.mark.parametrize("seed", SEEDS)
def test_xla_gives_the_same_numbers(seed):
    def everything(seed: tf.Tensor) -> list[tf.Tensor]:
        first, second = split(fold_in(seed, 12345))
        return [uniform([50], first), uniform_integers([50], second, 7), fold_in(seed, -1)]

    plain = everything(tf.constant(seed))
    compiled = tf.function(everything, jit_compile=True)(tf.constant(seed))
    for one, other in zip(plain, compiled, strict=True):
        np.testing.assert_array_equal(one, other)


def test_uniform_numbers_have_the_moments_of_the_uniform_distribution():
    numbers = uniform([100_000], tf.constant([1, 2])).numpy()
    assert numbers.min() >= 0.0
    assert numbers.max() < 1.0
    assert numbers.mean() == pytest.approx(1 / 2, abs=4 * np.sqrt(1 / 12 / 1e5))
    assert numbers.var() == pytest.approx(1 / 12, rel=0.02)


def test_integers_are_even_over_their_range():
    counts = np.bincount(uniform_integers([70_000], tf.constant([1, 2]), 7), minlength=7)
    assert len(counts) == 7
    assert np.abs(counts - 10_000).max() < 4 * np.sqrt(10_000)


def test_split_and_fold_in_give_unrelated_seeds():
    seeds = [tuple(seed.numpy()) for number in range(100) for seed in split(fold_in(tf.constant([5, 5]), number))]
    assert len(set(seeds)) == 200


@pytest.mark.parametrize("size", [1, 2, 10, 1000])
def test_every_place_is_taken_once(size):
    places = permuted(tf.range(size, dtype=tf.int64), size, 3, tf.constant(17, tf.int64))
    assert sorted(places.numpy()) == list(range(size))


def test_orders_differ_between_rounds_and_seeds_far_beyond_a_byte():
    places = tf.range(100, dtype=tf.int64)
    rounds = [0, 1, 255, 256, 257, 65536]
    orders = {
        tuple(permuted(places, 100, seed, tf.constant(number, tf.int64)).numpy())
        for seed in (0, 1, 256, 257)
        for number in rounds
    }
    assert len(orders) == 4 * len(rounds)


def test_first_place_is_even_over_the_examples():
    first = [int(permuted(tf.constant([0], tf.int64), 8, 1, tf.constant(n, tf.int64))[0]) for n in range(800)]
    counts = np.bincount(first, minlength=8)
    assert np.abs(counts - 100).max() < 5 * np.sqrt(100)
