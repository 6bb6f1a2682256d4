"""Tests of the weight constraints with numbers worked out by hand."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.reweighting.weight_constraints import WEIGHT_CONSTRAINTS, clip, normalised_weights, shift

META_GRADIENT = tf.constant([-3.0, 1.0, -1.0, 0.0])


def test_clip_by_hand():
    np.testing.assert_allclose(clip(META_GRADIENT), [3.0, 0.0, 1.0, 0.0])


def test_shift_by_hand():
    """raw = 1/4 - g = 3.25, -.75, 1.25, .25; its minimum becomes 1/4."""
    np.testing.assert_allclose(shift(META_GRADIENT), [4.25, 0.25, 2.25, 1.25])


def test_normalised_by_hand():
    np.testing.assert_allclose(normalised_weights(META_GRADIENT, "clip"), [0.75, 0.0, 0.25, 0.0], atol=1e-5)
    np.testing.assert_allclose(
        normalised_weights(META_GRADIENT, "shift"), np.array([4.25, 0.25, 2.25, 1.25]) / 8, atol=1e-5
    )


def test_small_sums_are_divided_by_the_sum_and_epsilon():
    np.testing.assert_allclose(normalised_weights(tf.constant([-3e-5, -1e-5])), [0.6, 0.2], rtol=1e-5)


def test_clip_is_the_default():
    np.testing.assert_array_equal(normalised_weights(META_GRADIENT), normalised_weights(META_GRADIENT, "clip"))


@pytest.mark.parametrize("constraint", WEIGHT_CONSTRAINTS)
def test_weights_sum_to_one_and_are_not_negative(constraint):
    gradient = tf.constant(np.random.default_rng(0).normal(size=100), tf.float32)
    weights = normalised_weights(gradient, constraint).numpy()
    assert weights.sum() == pytest.approx(1.0, abs=1e-5)
    assert weights.min() >= 0.0


@pytest.mark.parametrize("gradient", [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
def test_all_clipped_gives_zeros(gradient):
    np.testing.assert_array_equal(normalised_weights(tf.constant(gradient), "clip"), np.zeros(3))


@pytest.mark.parametrize("gradient", [[1.0, 2.0, 4.0, 3.0], [-7.0, -5.0, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0]])
def test_shift_leaves_the_least_sample_the_uniform_weight(gradient):
    shifted = shift(tf.constant(gradient)).numpy()
    assert shifted.min() == pytest.approx(0.25)
    assert shifted.argmin() == np.argmax(gradient)


@pytest.mark.parametrize("constraint", WEIGHT_CONSTRAINTS)
def test_a_smaller_meta_gradient_never_weighs_less(constraint):
    gradient = np.sort(np.random.default_rng(1).normal(size=50)).astype(np.float32)
    weights = normalised_weights(tf.constant(gradient), constraint).numpy()
    assert np.all(np.diff(weights) <= 0)


def test_shift_of_equal_gradients_is_uniform():
    np.testing.assert_allclose(normalised_weights(tf.fill([5], 0.3), "shift"), np.full(5, 0.2), atol=1e-5)


def test_unknown_constraint_is_refused():
    with pytest.raises(ValueError, match=r"weight_constraint must be one of clip, shift. Received: softmax"):
        normalised_weights(META_GRADIENT, "softmax")
