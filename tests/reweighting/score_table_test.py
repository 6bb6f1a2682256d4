"""Tests of the score tables on sequences traced by hand."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.reweighting.score_table import ForgettingTable, MeanScoreTable, ScoreTable


def update(table, ids, scores):
    table.update(tf.constant(ids), tf.constant(scores, tf.float32))


TABLES = [ScoreTable, MeanScoreTable, ForgettingTable, lambda n: ForgettingTable(n, sign=-1.0)]


@pytest.mark.parametrize("table", TABLES)
def test_never_visited_reads_as_minus_infinity(table):
    np.testing.assert_array_equal(table(3).read(), [-np.inf] * 3)


def test_sequence_by_hand():
    """lambda 1/2. Example 2: s = 2 after 4, then 1/2 * 2 + 1/2 * 8 = 5, divided by 1 - 1/4."""
    table = ScoreTable(4, momentum=0.5)
    update(table, [2, 0], [4.0, -1.0])
    np.testing.assert_allclose(table.read(), [-1.0, -np.inf, 4.0, -np.inf])
    update(table, [3, 2], [0.0, 8.0])
    np.testing.assert_allclose(table.read(), [-1.0, -np.inf, 5 / 0.75, 0.0], rtol=1e-6)
    update(table, [2], [-2.0])
    np.testing.assert_allclose(table.read(), [-1.0, -np.inf, (5 / 2 - 1) / 0.875, 0.0], rtol=1e-6)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 0.99])
def test_constant_score_reads_back_as_the_constant(momentum):
    table = ScoreTable(2, momentum)
    for _ in range(12):
        update(table, [1], [-1.7])
        assert table.read()[1] == pytest.approx(-1.7, rel=1e-4)


def test_momentum_zero_keeps_the_last_score():
    table = ScoreTable(1, momentum=0.0)
    for score in (3.0, -2.0, 7.0):
        update(table, [0], [score])
    np.testing.assert_array_equal(table.read(), [7.0])


def test_mean_by_hand():
    table = MeanScoreTable(3)
    update(table, [2, 0], [4.0, -1.0])
    update(table, [2], [-8.0])
    update(table, [2], [1.0])
    np.testing.assert_allclose(table.read(), [-1.0, -np.inf, -1.0])


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_forgetting_by_hand(sign):
    """Examples 0: right, wrong, right, wrong; 1: wrong, right, right; 2: never right, 3 visits; 3: never visited."""
    table = ForgettingTable(4, sign)
    update(table, [0, 1, 2], [1, 0, 0])
    np.testing.assert_array_equal(table.read(), [0, sign, sign, -np.inf])  # 1 is not right yet
    update(table, [2, 1, 0], [0, 1, 0])
    np.testing.assert_array_equal(table.read(), [sign, 0, 2 * sign, -np.inf])
    update(table, [0, 1, 2], [1, 1, 0])
    update(table, [0], [0])
    np.testing.assert_array_equal(table.read(), [2 * sign, 0, 3 * sign, -np.inf])


@pytest.mark.parametrize("right", [[1, 0, 1, 0, 1, 0], [1, 0, 0, 1, 0, 1], [0, 1, 0, 1, 0, 1]])
def test_never_right_comes_behind_what_was_forgotten_as_often_as_can_be(right):
    table = ForgettingTable(2)
    for value in right:
        update(table, [0, 1], [value, 0])
    once_right, never_right = table.read()
    assert once_right < never_right < np.inf


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("make", TABLES)
def test_same_inside_a_function(make, jit_compile):
    eager, compiled = make(4), make(4)
    step = tf.function(compiled.update, jit_compile=jit_compile)
    for ids, scores in (([0, 3], [1.0, 2.0]), ([3, 1], [-1.0, 5.0])):
        update(eager, ids, scores)
        step(tf.constant(ids), tf.constant(scores))
    np.testing.assert_allclose(compiled.read(), eager.read(), rtol=1e-6)


def test_read_is_float32_of_every_example():
    scores = ScoreTable(5).read()
    assert (scores.dtype, scores.shape) == (np.float32, (5,))
