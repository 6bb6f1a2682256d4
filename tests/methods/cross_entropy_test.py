"""Cross-entropies on values worked out by hand, and with targets that do not sum to 1."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.errors import UserError
from ieg_fsr.methods.class_balanced import (
    sigmoid_cross_entropy,
    softmax_cross_entropy,
    start_sigmoids_at_chance,
)

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(5, 4)) * 3
SOFT = RNG.dirichlet(np.ones(4), 5)


def test_softmax_by_hand():
    # Odds 1 : 3 : 4, so the probabilities are 1/8, 3/8, 1/2.
    logits = np.log([[1.0, 3.0, 4.0]])
    assert softmax_cross_entropy(np.array([[0.0, 1.0, 0.0]]), logits).numpy() == pytest.approx(np.log(8 / 3))
    assert softmax_cross_entropy(np.array([[0.5, 0.0, 0.5]]), logits).numpy() == pytest.approx(np.log(4))


def test_sigmoid_by_hand():
    # Odds 1 : 1 and 3 : 1, so "yes" has probability 1/2 and 3/4.
    logits = np.log([[1.0, 3.0]])
    both = sigmoid_cross_entropy(np.eye(2), np.repeat(logits, 2, axis=0)).numpy()
    np.testing.assert_allclose(both, [-np.log(1 / 2 * 1 / 4), -np.log(1 / 2 * 3 / 4)])


def test_sigmoid_is_keras_binary_cross_entropy_summed_over_classes():
    reference = keras.losses.BinaryCrossentropy(from_logits=True, reduction=None)(SOFT, LOGITS)
    np.testing.assert_allclose(sigmoid_cross_entropy(SOFT, LOGITS), 4 * reference.numpy(), rtol=1e-6)


def test_large_logits_stay_finite():
    logits, target = tf.constant([[200.0, -200.0]]), tf.constant([[0.0, 1.0]])
    np.testing.assert_allclose(softmax_cross_entropy(target, logits), [400.0])
    np.testing.assert_allclose(sigmoid_cross_entropy(target, logits), [400.0])


@pytest.mark.parametrize("loss", [softmax_cross_entropy, sigmoid_cross_entropy])
def test_gradient_of_weighted_targets_is_the_weight_times_the_gradient(loss):
    def gradient(targets):
        logits = tf.constant(LOGITS)
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = tf.reduce_sum(loss(targets, logits))
        return tape.gradient(value, logits).numpy()

    np.testing.assert_allclose(gradient(2.5 * SOFT), 2.5 * gradient(SOFT), rtol=1e-9)


def test_sigmoids_start_with_one_class_in_c():
    head = keras.layers.Dense(10, kernel_initializer="zeros")
    probabilities = None
    head.build((None, 3))
    start_sigmoids_at_chance(head)
    probabilities = tf.sigmoid(head(tf.ones([1, 3])))
    np.testing.assert_allclose(probabilities, np.full((1, 10), 0.1), rtol=1e-6)
    with pytest.raises(UserError, match="without"):
        start_sigmoids_at_chance(keras.layers.Dense(3, use_bias=False))
