"""Margins by hand, the loss against cross-entropy of moved logits, and the head of cosines."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.errors import UserError
from ieg_fsr.methods.ldam import class_margins, margin_cross_entropy
from ieg_fsr.methods.models.cosine_head import with_cosine_head
from ieg_fsr.networks import build_network

LOGITS = np.random.default_rng(0).normal(size=(6, 3)) * 3
LABELS = np.array([0, 1, 2, 0, 1, 2])
ONE_HOT = np.eye(3)[LABELS]


def moved(labels: np.ndarray, margins: np.ndarray) -> np.ndarray:
    """Keras' cross-entropy of logits where the label's own is lowered by its margin."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
    return loss(labels, tf.constant(LOGITS - np.eye(3)[labels] * margins[labels, np.newaxis])).numpy()


def test_margins_by_hand():
    # 1, 16 and 81 to the power of -1/4: 1, 1/2 and 1/3.
    np.testing.assert_allclose(class_margins(np.array([81, 1, 16])), [0.5 / 3, 0.5, 0.25], rtol=1e-5)
    np.testing.assert_allclose(class_margins(np.array([81, 0, 16]), 2.0), [2 / 3, 2.0, 1.0], rtol=1e-5)


def test_equal_counts_give_a_constant_margin():
    margins = class_margins(np.array([70, 70, 70]), 0.4)
    np.testing.assert_array_equal(margins, np.full(3, np.float32(0.4)))
    losses = margin_cross_entropy(ONE_HOT, LOGITS, margins)
    np.testing.assert_allclose(losses, moved(LABELS, np.full(3, 0.4)), rtol=1e-5)


def test_the_loss_of_a_label_and_of_a_mixture():
    margins = np.array([0.3, 1.0, 7.0])
    losses = [moved(labels, margins) for labels in (LABELS, LABELS[::-1])]
    np.testing.assert_allclose(margin_cross_entropy(ONE_HOT, LOGITS, margins), losses[0], rtol=1e-5)
    mixture = 0.7 * ONE_HOT + 0.3 * ONE_HOT[::-1]
    expected = 0.7 * losses[0] + 0.3 * losses[1]
    np.testing.assert_allclose(margin_cross_entropy(mixture, LOGITS, margins), expected, rtol=1e-5)


def test_no_margin_is_cross_entropy():
    losses = margin_cross_entropy(ONE_HOT, LOGITS, np.zeros(3))
    np.testing.assert_allclose(losses, moved(LABELS, np.zeros(3)), rtol=1e-5)


def test_digits_and_gradients_in_single_precision_where_the_label_is_all_but_certain():
    """Logits as far apart as cosines times 30 get: 1 - p is 1e-20, below what a float32 tells from 1."""
    logits, margins = np.array([[30.0, -16.0, -20.0]]), np.array([15.0, 5.0, 5.0])
    found = {}
    for kind in (np.float32, np.float64):
        z = tf.constant(logits, kind)
        with tf.GradientTape() as tape:
            tape.watch(z)
            losses = margin_cross_entropy(np.array([[1, 0, 0]], kind), z, margins)
        found[kind] = losses.numpy(), tape.gradient(losses, z).numpy()
    # Of the moved logits 15, -16 and -20 the others have exp(-31) + exp(-35).
    others = np.exp(-31.0) + np.exp(-35.0)
    expected = [[-others, np.exp(-31.0), np.exp(-35.0)]]
    np.testing.assert_allclose(found[np.float64][1], expected, rtol=1e-5)
    np.testing.assert_allclose(found[np.float32][0], np.log1p(others), atol=1e-5)
    np.testing.assert_allclose(found[np.float32][1], 0.0, atol=1e-6)


def test_the_head_gives_cosines_and_keeps_the_length_of_its_columns():
    plain = build_network("small_cnn", (8, 8, 1), 4)
    classifier = with_cosine_head(plain, 10.0)
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1)).astype(np.float32)
    features = keras.Model(plain.inputs, plain.layers[-2].output)(images).numpy()
    columns = plain.get_layer("logits").kernel.numpy()
    lengths = np.linalg.norm(features, axis=1)[:, np.newaxis] * np.linalg.norm(columns, axis=0)
    np.testing.assert_allclose(classifier(images), 10 * features @ columns / lengths, rtol=1e-4, atol=1e-5)
    optimizer = keras.optimizers.SGD(1.0)
    optimizer.apply([tf.ones(v.shape) for v in classifier.trainable_variables], classifier.trainable_variables)
    np.testing.assert_allclose(np.linalg.norm(classifier.get_layer("logits").kernel, axis=0), 10**0.5, rtol=1e-5)


def test_what_cannot_be_is_refused():
    with pytest.raises(UserError, match=r"^largest_margin must be a number at least 0\. Received: -0\.5$"):
        class_margins(np.array([1, 2]), -0.5)
    with pytest.raises(UserError, match=r"^scale must be a number greater than 0\. Received: 0$"):
        with_cosine_head(build_network("small_cnn", (8, 8, 1), 4), 0)
