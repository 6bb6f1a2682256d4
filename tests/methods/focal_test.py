"""Focal losses on values worked out by hand, against Keras' own, and at gamma = 0."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.errors import UserError
from ieg_fsr.methods.class_balanced import sigmoid_cross_entropy, softmax_cross_entropy
from ieg_fsr.methods.focal import focal_loss, sigmoid_focal_loss

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(6, 5)) * 2
SOFT = RNG.dirichlet(np.ones(5), 6)


def test_softmax_by_hand():
    # Probabilities 1/4 and 3/4; (1 - 1/4)^2 = 9/16, (1 - 3/4)^2 = 1/16.
    logits = np.log([[1.0, 3.0], [1.0, 3.0]])
    np.testing.assert_allclose(focal_loss(np.eye(2), logits, 2.0), [9 / 16 * np.log(4), 1 / 16 * np.log(4 / 3)])


def test_sigmoid_by_hand():
    # "Yes" has probability 1/2 for class 0 and 3/4 for class 1. Label 0: yes to 0, no to 1.
    logits = np.log([[1.0, 3.0]])
    expected = 1 / 4 * np.log(2) + 9 / 16 * np.log(4)
    np.testing.assert_allclose(sigmoid_focal_loss(np.array([[1.0, 0.0]]), logits, 2.0), [expected])


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_softmax_is_kerass_without_its_class_factor(gamma):
    reference = keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=gamma, from_logits=True, reduction=None)
    np.testing.assert_allclose(focal_loss(SOFT, LOGITS, gamma), reference(SOFT, LOGITS), rtol=1e-5)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_sigmoid_is_kerass_summed_over_classes(gamma):
    reference = keras.losses.BinaryFocalCrossentropy(gamma=gamma, from_logits=True, reduction=None)
    one_hot = np.eye(5)[[0, 1, 2, 3, 4, 0]]
    np.testing.assert_allclose(sigmoid_focal_loss(one_hot, LOGITS, gamma), 5 * reference(one_hot, LOGITS), rtol=1e-5)


def test_gamma_zero_is_cross_entropy():
    np.testing.assert_allclose(focal_loss(SOFT, LOGITS, 0.0), softmax_cross_entropy(SOFT, LOGITS))
    np.testing.assert_allclose(sigmoid_focal_loss(SOFT, LOGITS, 0.0), sigmoid_cross_entropy(SOFT, LOGITS))


@pytest.mark.parametrize("loss", [focal_loss, sigmoid_focal_loss])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_sure_samples_have_finite_losses_and_gradients(loss, gamma):
    logits = tf.constant([[100.0, -100.0], [-100.0, 100.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = loss(tf.constant([[1.0, 0.0], [1.0, 0.0]]), logits, gamma)
    gradient = tape.gradient(losses, logits).numpy()
    assert losses.numpy()[0] == pytest.approx(0.0, abs=1e-6)
    assert losses.numpy()[1] >= 100.0
    np.testing.assert_allclose(gradient[0], [0.0, 0.0], atol=1e-5)
    # A clipped probability would leave a sample that is surely misjudged without a gradient.
    assert gradient[1, 0] == pytest.approx(-1.0, abs=1e-5)


@pytest.mark.parametrize("loss", [focal_loss, sigmoid_focal_loss])
def test_a_negative_gamma_is_refused(loss):
    with pytest.raises(UserError, match=r"^gamma must be a number at least 0\. Received: -1$"):
        loss(SOFT, LOGITS, -1)
