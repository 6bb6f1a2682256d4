"""Turns: everyone once a round, after changing neighbours, with their own memory."""

import itertools

import numpy as np
import tensorflow as tf

from ieg_fsr.cost.alternation import memory_growth, memory_source, take_turns
from ieg_fsr.device_memory import memory_in_use


class Recorder:
    def __init__(self, name, calls, seconds):
        self.name, self.calls, self.seconds = name, calls, iter(seconds)

    def run(self):
        self.calls.append(self.name)
        return next(self.seconds)


def recorded(rounds, memory=lambda: None, seed=0):
    calls = []
    runs = [Recorder(name, calls, 10 * index + np.arange(rounds)) for index, name in enumerate("abc")]
    return take_turns([one.run for one in runs], rounds, seed, memory), calls


def test_each_runs_once_a_round_and_keeps_its_times():
    turns, calls = recorded(4)
    assert all(sorted(calls[start : start + 3]) == ["a", "b", "c"] for start in range(0, 12, 3))
    np.testing.assert_array_equal(turns.seconds, np.arange(4)[:, None] + [0, 10, 20])
    assert turns.memory is None


def test_neighbours_change():
    _, calls = recorded(30)
    pairs = {pair: 0 for pair in itertools.permutations("abc", 2)}
    for pair in itertools.pairwise(calls):
        if pair[0] != pair[1]:
            pairs[pair] += 1
    assert min(pairs.values()) > 5
    assert recorded(30, seed=1)[1] != calls


def test_memory_is_the_largest_growth_of_a_turn():
    figures = itertools.count()
    turns, calls = recorded(3, memory=lambda: next(figures))
    # Asked before and after each turn: the n-th turn of all reads 2 n + 1.
    assert turns.memory == [2 * (8 - calls[::-1].index(name)) + 1 for name in "abc"]


def test_growth_is_what_a_run_adds_for_a_while():
    """A square matrix of 4 MiB made and dropped, and one that is kept."""

    def made():
        return tf.zeros([1024, 1024])

    memory_growth()
    before = memory_in_use()
    made()
    growth = memory_growth()
    if before is None:  # an allocator that does not count
        assert growth is None
        return
    assert 4 * 2**20 <= growth < 6 * 2**20
    kept = made()
    assert memory_in_use() - before >= 4 * 2**20
    memory_growth()
    assert memory_growth() < 2**20
    assert kept.shape == [1024, 1024]
    assert "allocator of" in memory_source()
