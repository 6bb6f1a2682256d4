"""Tests of the pseudo-label table on a sequence traced by hand."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.reweighting.pseudo_labels import PseudoLabelTable


def targets(table, ids):
    return table.targets(tf.constant(ids)).numpy()


def update(table, ids, logits):
    table.update(tf.constant(ids), tf.constant(logits, tf.float32))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_never_visited_is_uniform():
    table = PseudoLabelTable(3, 4)
    np.testing.assert_allclose(targets(table, [2, 0]), np.full([2, 4], 0.25))
    np.testing.assert_allclose(table.read(), np.full([3, 4], 0.25))


def test_sequence_by_hand():
    """beta 1/4. Logits (4, 0): e = (3, 0), RMS 3 / sqrt(2), read as softmax(sqrt(2), 0).

    Then (0, 4): e = (.75, 3), RMS sqrt(9.5625 / 2), difference of the read logits (.75 - 3) / RMS.
    """
    table = PseudoLabelTable(3, 2, momentum=0.25)
    update(table, [1], [[4.0, 0.0]])
    first = sigmoid(np.sqrt(2))
    np.testing.assert_allclose(targets(table, [1, 0]), [[first, 1 - first], [0.5, 0.5]], rtol=1e-5)
    update(table, [2, 1], [[-5.0, 5.0], [0.0, 4.0]])
    second = sigmoid((0.75 - 3) / np.sqrt(9.5625 / 2))
    # (-5, 5) has RMS 5 and reads as (-1, 1).
    expected = [[0.5, 0.5], [second, 1 - second], [sigmoid(-2), sigmoid(2)]]
    np.testing.assert_allclose(table.read(), expected, rtol=1e-5)
    np.testing.assert_allclose(targets(table, [2, 1]), np.array(expected)[[2, 1]], rtol=1e-5)


@pytest.mark.parametrize("scale", [0.1, 10.0, 1000.0])
def test_read_does_not_depend_on_the_scale_of_the_logits(scale):
    logits = np.random.default_rng(0).normal(size=(4, 5))
    reference, scaled = PseudoLabelTable(4, 5), PseudoLabelTable(4, 5)
    update(reference, range(4), logits)
    update(scaled, range(4), scale * logits)
    np.testing.assert_allclose(scaled.read(), reference.read(), rtol=1e-4)


def test_momentum_zero_keeps_the_last_logits():
    table = PseudoLabelTable(1, 2, momentum=0.0)
    update(table, [0], [[100.0, -100.0]])
    update(table, [0], [[-3.0, 3.0]])
    np.testing.assert_allclose(table.read(), [[sigmoid(-2), sigmoid(2)]], rtol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_same_inside_a_function(jit_compile):
    eager, compiled = PseudoLabelTable(3, 2), PseudoLabelTable(3, 2)

    @tf.function(jit_compile=jit_compile)
    def step(ids, logits):
        compiled.update(ids, logits)
        return compiled.targets(ids)

    logits = [[1.0, 2.0], [0.5, -1.0]]
    update(eager, [2, 0], logits)
    actual = step(tf.constant([2, 0]), tf.constant(logits))
    np.testing.assert_allclose(actual, targets(eager, [2, 0]), rtol=1e-5)
    np.testing.assert_allclose(compiled.read(), eager.read(), rtol=1e-5)


def test_a_table_of_half_the_size_reads_nearly_the_same():
    """float16 rounds to 2^-11 of a logit."""
    rng = np.random.default_rng(0)
    tables = [PseudoLabelTable(50, 4, 0.3, dtype) for dtype in ("float32", "float16")]
    for _ in range(3):
        ids, logits = rng.permutation(50)[:20], rng.normal(size=(20, 4))
        for table in tables:
            update(table, ids, logits)
    whole, half = tables
    assert half.logits.dtype == tf.float16
    assert targets(half, [0, 1]).dtype == half.read().dtype == np.float32
    np.testing.assert_allclose(half.read(), whole.read(), atol=2e-3)
    assert np.abs(half.read() - whole.read()).max() > 0


def test_logits_beyond_float16_stay_finite():
    table = PseudoLabelTable(1, 3, 0.0, "float16")
    update(table, [0], [[1e6, 0.0, -1e6]])
    # RMS of (65504, 0, -65504) is 65504 sqrt(2/3).
    powers = np.exp(np.sqrt(1.5) * np.array([1, 0, -1]))
    np.testing.assert_allclose(targets(table, [0]), [powers / powers.sum()], rtol=1e-4)
