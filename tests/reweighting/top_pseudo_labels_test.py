"""Tests of the table of the largest logits, by hand and beside the table of whole rows."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.reweighting.pseudo_labels import PseudoLabelTable
from ieg_fsr.reweighting.top_pseudo_labels import TopPseudoLabelTable


def targets(table, ids):
    return table.targets(tf.constant(ids)).numpy()


def update(table, ids, logits):
    table.update(tf.constant(ids), tf.constant(logits, tf.float32))


def softmax(rows):
    powers = np.exp(rows)
    return powers / powers.sum(axis=1, keepdims=True)


def test_never_visited_is_uniform():
    table = TopPseudoLabelTable(3, 5, 2)
    np.testing.assert_allclose(targets(table, [2, 0]), np.full([2, 5], 0.2))
    np.testing.assert_allclose(table.read(), np.full([3, 5], 0.2))


def test_sequence_by_hand():
    """beta 1/2, two of four logits.

    (8, -2, 0, 4): half of them is e = (4, -1, 0, 2). Kept are 4 and 2; of the rest, -1 and 0, mean and deviation are
    -1/2 and 1/2, so that the mean square is that of the whole row, 21 / 4.

    Then (0, 13, -3, 2) with (4, -1/2, -1/2, 2), halved: (2, 6.25, -1.75, 2). Kept are 6.25 and the first 2; of the
    rest, -1.75 and 2, the mean is 1/8, and the deviation that of the mixture, 15/8, and half of the old one.
    """
    table = TopPseudoLabelTable(3, 4, 2, momentum=0.5)
    update(table, [1], [[8.0, -2.0, 0.0, 4.0]])
    first = softmax(np.array([[4, -0.5, -0.5, 2]]) / np.sqrt(21 / 4))
    np.testing.assert_allclose(targets(table, [1, 0]), np.vstack([first, np.full([1, 4], 0.25)]), rtol=1e-5)
    update(table, [2, 1], [[0.0, 0.0, 0.0, -5.0], [0.0, 13.0, -3.0, 2.0]])
    mean_square = (2**2 + 6.25**2 + 2 * (0.125**2 + (15 / 8 + 1 / 4) ** 2)) / 4
    second = softmax(np.array([[2, 6.25, 0.125, 0.125]]) / np.sqrt(mean_square))
    np.testing.assert_allclose(table.read()[1:2], second, rtol=1e-5)
    # Half of the other row: mean and deviation of 0 and -2.5 are -1.25 and 1.25, the mean square is 6.25 / 4.
    np.testing.assert_allclose(targets(table, [2]), softmax(np.array([[0, 0, -1.25, -1.25]]) / 1.25), rtol=1e-5)
    assert table.likeliest().tolist() == [0, 1, 0]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_of_rows_with_a_constant_rest_it_is_the_table_of_whole_rows(jit_compile):
    """Five of 1,000 logits are above the others, which are alike; classes take 10 of the bits and leave 2^-14."""
    rng = np.random.default_rng(0)
    whole, largest = PseudoLabelTable(30, 1000, 0.4), TopPseudoLabelTable(30, 1000, 5, 0.4)
    step = tf.function(largest.update, jit_compile=jit_compile)
    classes = np.argsort(rng.random((30, 1000)), axis=1)[:, :5]
    for visit in range(4):
        ids = rng.permutation(30)[:20]
        logits = np.full([20, 1000], -1.5 * visit)
        np.put_along_axis(logits, classes[ids], rng.uniform(0.1, 30, (20, 5)), axis=1)
        update(whole, ids, logits)
        step(tf.constant(ids), tf.constant(logits, tf.float32))
        np.testing.assert_allclose(largest.read(), whole.read(), rtol=2e-3)
        read = tf.function(largest.targets, jit_compile=jit_compile)(tf.constant(ids))
        np.testing.assert_allclose(read, targets(largest, ids), rtol=1e-5)
    np.testing.assert_array_equal(largest.likeliest(), whole.likeliest())


def test_logits_that_stay_keep_the_temperature_and_the_mass_of_the_rest():
    """Whatever beta, the K labels are those of the whole row up to the normalisation, and the rest is their mean."""
    logits = np.random.default_rng(0).normal(size=(4, 50)) * [[0.01], [1], [100], [1e6]]
    table = TopPseudoLabelTable(4, 50, 8, momentum=0.9)
    for _ in range(100):
        update(table, range(4), logits)
    scaled = logits / np.sqrt(np.mean(logits**2, axis=1, keepdims=True))
    rest = np.argsort(-logits, axis=1)[:, 8:]
    mean = np.take_along_axis(scaled, rest, axis=1).mean(axis=1, keepdims=True)
    np.put_along_axis(scaled, rest, np.repeat(mean, 42, axis=1), axis=1)
    np.testing.assert_allclose(table.read(), softmax(scaled), rtol=1e-3)


@pytest.mark.parametrize("classes", [2, 3, 1024, 1025, 65536])
def test_no_class_is_lost_in_the_bits(classes):
    table = TopPseudoLabelTable(2, classes, 1, momentum=0.0)
    logits = np.zeros([2, classes])
    logits[0, 0], logits[1, -1] = 3.0, 3.0
    update(table, [0, 1], logits)
    assert table.likeliest().tolist() == [0, classes - 1]
    assert table.rows.shape == (2, 3)


def test_values_below_zero_are_in_order():
    table = TopPseudoLabelTable(1, 4, 2, momentum=0.0)
    update(table, [0], [[-3.0, -1.0, -2.0, -4.0]])
    expected = softmax(np.array([[-3.5, -1, -2, -3.5]]) / np.sqrt(30 / 4))
    np.testing.assert_allclose(table.read(), expected, rtol=1e-5)
