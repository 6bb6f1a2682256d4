"""The weight net against the same network in NumPy: its weights, its gradient by finite differences, a step of Adam."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.errors import UserError
from ieg_fsr.reweighting.meta_gradient import VirtualSgd, meta_gradient
from ieg_fsr.reweighting.weight_net import WeightNet

LOSSES = np.array([0.05, 0.4, 2.5, 1.2, 3.0])
UNITS = 4


def values(parameters):
    """[kernel, bias, head, head bias] as arrays in float64."""
    return [np.asarray(p, np.float64) for p in parameters]


def weights(parameters, losses=LOSSES):
    """v / sum v with v = sigmoid(relu(loss K + k) M + m), in float64."""
    kernel, bias, head, head_bias = parameters
    v = 1 / (1 + np.exp(-(np.maximum(0, losses[:, np.newaxis] @ kernel + bias) @ head + head_bias)))[:, 0]
    return v / v.sum()


def differences(function, parameters, step=1e-5):
    """Derivative of a scalar function by every number in the parameters."""
    result = [np.zeros_like(p) for p in parameters]
    for i, parameter in enumerate(parameters):
        for place in np.ndindex(parameter.shape):
            sides = []
            for sign in (1, -1):
                moved = [p.copy() for p in parameters]
                moved[i][place] += sign * step
                sides.append(function(moved))
            result[i][place] = (sides[0] - sides[1]) / (2 * step)
    return result


def test_weights_are_the_networks_and_sum_to_one():
    net = WeightNet(units=UNITS, seed=3)
    actual = net.virtual_weights(tf.constant(LOSSES, tf.float32)).numpy()
    np.testing.assert_allclose(actual, weights(values(net.network.get_weights())), rtol=1e-5)
    assert actual.sum() == pytest.approx(1.0, rel=1e-6)
    assert actual.std() > 1e-3


def test_gradient_is_that_of_the_reward_loss_after_the_virtual_step():
    """A linear softmax classifier, five samples: reward loss as a function of the weight net alone, in float64."""
    rng = np.random.default_rng(0)
    x, reward_x = rng.normal(size=(5, 3)), rng.normal(size=(4, 3))
    y, reward_y = np.eye(2)[[0, 1, 1, 0, 1]], np.eye(2)[[0, 1, 0, 1]]
    kernel, settings = rng.normal(size=(3, 2)), VirtualSgd(0.5, 0.0, 0.02)

    def softmax(logits):
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    losses = -(y * np.log(softmax(x @ kernel))).sum(axis=1)

    def reward_loss(net_parameters):
        w = weights(net_parameters, losses)
        slope = x.T @ (w[:, np.newaxis] * (softmax(x @ kernel) - y)) + settings.weight_decay * kernel
        after = kernel - settings.learning_rate * slope
        cross_entropy = -(reward_y * np.log(softmax(reward_x @ after))).sum(axis=1).mean()
        return cross_entropy + settings.weight_decay / 2 * np.square(after).sum()

    def losses_of(inputs, targets):
        inputs, targets = tf.constant(inputs, tf.float32), tf.constant(targets, tf.float32)
        return lambda p: tf.nn.softmax_cross_entropy_with_logits(targets, inputs @ p[0])

    net, losses_now = WeightNet(units=UNITS, seed=1), tf.constant(losses, tf.float32)
    by_weight, _ = meta_gradient(
        net.virtual_weights(losses_now),
        losses_of(x, y),
        losses_of(reward_x, reward_y),
        [tf.constant(kernel, tf.float32)],
        settings=settings,
    )
    expected = differences(reward_loss, values(net.network.get_weights()))
    assert max(np.abs(part).max() for part in expected) > 1e-3
    for actual, part in zip(net.gradients(losses_now, by_weight), expected, strict=True):
        np.testing.assert_allclose(actual, part, rtol=1e-4, atol=1e-6)


def test_one_step_of_adam_then_the_new_weights():
    """The first step of Adam moves each parameter by rate * g / (|g| + epsilon), g with the squared penalty."""
    net = WeightNet(learning_rate=0.02, weight_decay=0.1, units=UNITS, seed=2)
    before = values(net.network.get_weights())
    by_weight = np.array([1.0, -2.0, 0.5, 3.0, -1.0])
    slopes = differences(lambda p: by_weight @ weights(p), before)
    expected = [p - 0.02 * (g + 0.1 * p) / (np.abs(g + 0.1 * p) + 1e-8) for p, g in zip(before, slopes, strict=True)]
    actual = net.sample_weights(tf.constant(LOSSES, tf.float32), tf.constant(by_weight, tf.float32))
    for parameter, value in zip(net.network.get_weights(), expected, strict=True):
        np.testing.assert_allclose(parameter, value, atol=1e-5)
    np.testing.assert_allclose(actual, weights(expected), rtol=1e-4)


def test_seeds_draw_networks():
    first, again, other = (WeightNet(seed=seed).network.get_weights() for seed in (0, 0, 1))
    for one, same, different in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, same)
        assert (one != different).any()
    assert [p.shape for p in first] == [(1, 100), (100,), (100, 1), (1,)]
    # Uniform within 1 / sqrt(inputs): the largest of 100 draws is not far below the bound.
    assert 0.9 < np.abs(first[0]).max() <= 1.0
    assert 0.09 < np.abs(first[2]).max() <= 0.1


@pytest.mark.parametrize(("name", "value"), [("learning_rate", 0.0), ("weight_decay", -1), ("units", 2.5)])
def test_numbers_out_of_range_are_refused(name, value):
    with pytest.raises(UserError, match=rf"^{name} must be a (whole )?number .*Received: {value}$"):
        WeightNet(**{name: value})
