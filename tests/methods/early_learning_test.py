"""Early-learning regularisation: by hand, its gradient in closed form and by finite differences, its table."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.early_learning import EarlyLearningRegularization, early_learning_loss
from ieg_fsr.methods.models.supervised import Batch

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(4, 3))
TARGETS = np.eye(3)[[0, 1, 2, 0]]
RUNNING = 0.9 * RNG.dirichlet(np.ones(3), 4)


def softmax(logits):
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


def batch(ids, num_classes=2):
    images = tf.zeros([len(ids), 1])
    labels = tf.zeros([len(ids)], tf.int32)
    return Batch(images, tf.one_hot(labels, num_classes), images, labels, tf.constant(ids))


def test_by_hand():
    # p = (1/4, 3/4), t = (1/2, 1/3): <p, t> = 1/8 + 1/4 = 3/8.
    loss = early_learning_loss(np.array([[1.0, 0.0]]), np.log([[1.0, 3.0]]), np.array([[1 / 2, 1 / 3]]), 3.0)
    np.testing.assert_allclose(loss, [np.log(4) + 3 * np.log(5 / 8)])


def test_strength_zero_is_cross_entropy():
    expected = tf.nn.softmax_cross_entropy_with_logits(TARGETS, LOGITS)
    np.testing.assert_array_equal(early_learning_loss(TARGETS, LOGITS, RUNNING, 0.0), expected)


def test_gradient_in_closed_form_and_by_finite_differences():
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = early_learning_loss(TARGETS, logits, RUNNING, 3.0)
    gradient = tape.gradient(losses, logits).numpy()
    p = softmax(LOGITS)
    agreement = (p * RUNNING).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(gradient, p - TARGETS - 3 * p * (RUNNING - agreement) / (1 - agreement), rtol=1e-9)

    for index in np.ndindex(LOGITS.shape):
        step = np.zeros_like(LOGITS)
        step[index] = 1e-6
        above, below = (
            early_learning_loss(TARGETS, LOGITS + sign * step, RUNNING, 3.0).numpy().sum() for sign in (1, -1)
        )
        assert gradient[index] == pytest.approx((above - below) / 2e-6, abs=1e-7)


def test_table_is_a_running_mean_of_the_probabilities_that_moves_before_it_is_used():
    loss = EarlyLearningRegularization(5, 2, strength=2.0, momentum=0.7)
    # Probabilities (1/4, 3/4), then (1/2, 1/2), of example 3.
    first = loss(batch([3]), tf.math.log([[1.0, 3.0]]))
    np.testing.assert_allclose(loss.table[3], [0.3 / 4, 0.9 / 4], atol=1e-4)
    np.testing.assert_allclose(first, [np.log(4) + 2 * np.log(1 - 0.3 * 10 / 16)], atol=1e-3)
    loss(batch([3]), tf.constant([[0.0, 0.0]]))
    np.testing.assert_allclose(loss.table[3], [0.7 * 0.3 / 4 + 0.15, 0.7 * 0.9 / 4 + 0.15], atol=1e-4)
    np.testing.assert_array_equal(loss.table.numpy()[[0, 1, 2, 4]], np.zeros((4, 2)))


def test_the_table_is_a_constant_for_the_gradient():
    loss = EarlyLearningRegularization(4, 3)
    logits = tf.constant(LOGITS, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = loss(batch([0, 1, 2, 3], 3), logits)
    p, t = softmax(LOGITS), loss.table.numpy()
    agreement = (p * t).sum(axis=1, keepdims=True)
    targets = np.eye(3)[np.zeros(4, int)]
    expected = p - targets - 3 * p * (t - agreement) / (1 - agreement)
    np.testing.assert_allclose(tape.gradient(losses, logits), expected, atol=1e-5)


def test_a_network_that_has_long_been_sure_has_a_finite_loss():
    loss = EarlyLearningRegularization(1, 2, momentum=0.0)
    values = [loss(batch([0]), tf.constant([[100.0, 0.0]])).numpy()[0] for _ in range(3)]
    # The uniform share 1e-4 over two classes leaves 1 - <p, t> = 5e-5.
    np.testing.assert_allclose(values, 3 * np.log(5e-5), rtol=1e-3)


def test_ids_are_needed_and_mixed_images_refused():
    loss = EarlyLearningRegularization(4, 2)
    logits = tf.zeros([2, 2])
    with pytest.raises(UserError, match="example ids"):
        loss(batch([0, 1])._replace(example_ids=None), logits)
    with pytest.raises(UserError, match=r"^mixup_alpha must be 0"):
        loss(batch([0, 1])._replace(images=tf.ones([2, 1])), logits)


@pytest.mark.parametrize(("name", "value"), [("strength", -1.0), ("momentum", 1.0)])
def test_numbers_out_of_range_are_refused(name, value):
    with pytest.raises(UserError, match=rf"^{name} must be a number .*Received: {value}$"):
        EarlyLearningRegularization(4, 3, **{name: value})
