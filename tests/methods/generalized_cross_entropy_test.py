"""Generalised cross-entropy on values worked out by hand, against Keras' own, and at its limits."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.errors import UserError
from ieg_fsr.methods.gce import generalized_cross_entropy

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(6, 5)) * 2
LABELS = np.array([0, 1, 2, 3, 4, 0])
ONE_HOT = np.eye(5)[LABELS]
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)


def test_by_hand():
    # p = 1/4 and 3/4, q = 1/2: (1 - 1/2) / (1/2) = 1 and 2 - sqrt(3).
    logits = np.log([[1.0, 3.0], [1.0, 3.0], [1.0, 3.0]])
    targets = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    expected = [1.0, 2 - np.sqrt(3), (3 - np.sqrt(3)) / 2]
    np.testing.assert_allclose(generalized_cross_entropy(targets, logits, 0.5), expected)


@pytest.mark.parametrize("q", [0.3, 0.7])
def test_kerass_own(q):
    reference = keras.losses.CategoricalGeneralizedCrossEntropy(q=q, reduction=None)(LABELS, PROBABILITIES)
    np.testing.assert_allclose(generalized_cross_entropy(ONE_HOT, LOGITS, q), reference, rtol=1e-5)


def test_limits_are_cross_entropy_and_absolute_error():
    p = PROBABILITIES[np.arange(6), LABELS]
    np.testing.assert_allclose(generalized_cross_entropy(ONE_HOT, LOGITS, 1.0), 1 - p)
    np.testing.assert_allclose(generalized_cross_entropy(ONE_HOT, LOGITS, 1e-6), -np.log(p), rtol=1e-5)
    # In float32, where 1 - p^q would have lost all digits.
    single = generalized_cross_entropy(ONE_HOT.astype(np.float32), LOGITS.astype(np.float32), 1e-6)
    np.testing.assert_allclose(single, -np.log(p), rtol=1e-5)


def test_gradient_is_that_of_cross_entropy_times_p_to_the_q():
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = generalized_cross_entropy(ONE_HOT, logits, 0.7)
    p = PROBABILITIES[np.arange(6), LABELS][:, np.newaxis]
    np.testing.assert_allclose(tape.gradient(losses, logits), p**0.7 * (PROBABILITIES - ONE_HOT), rtol=1e-9)


@pytest.mark.parametrize("q", [0.0, 2.0, float("nan")])
def test_q_outside_of_its_range_is_refused(q):
    with pytest.raises(UserError, match=rf"^q must be a number in \(0, 1\]\. Received: {q}$"):
        generalized_cross_entropy(ONE_HOT, LOGITS, q)
