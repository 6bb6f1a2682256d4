"""The lookahead of a two-layer network against finite differences of a NumPy network in float64."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.reweighting import lookahead_weights
from ieg_fsr.reweighting.meta_gradient import VirtualSgd, meta_gradient, virtual_step
from ieg_fsr.reweighting.weight_rules import DirectWeights, uniform_weights

B, Q, D, H, C = 7, 5, 4, 6, 3
DIFFERENCE = 1e-5


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def case(seed=0):
    """Inputs, targets, reward inputs, reward targets, parameters (two kernels with biases), accumulators."""
    rng = np.random.default_rng(seed)
    parameters = [rng.normal(size=shape) for shape in ((D, H), (H,), (H, C), (C,))]
    accumulators = [rng.normal(size=p.shape) for p in parameters]
    batches = [(rng.normal(size=(n, D)), np.eye(C)[rng.integers(0, C, n)]) for n in (B, Q)]
    return (*batches[0], *batches[1], parameters, accumulators)


def gradients(weights, x, y, parameters):
    """Gradient of sum_i w_i L_i for softmax(tanh(x K + k) M + m), by hand."""
    kernel, bias, head, head_bias = parameters
    hidden = np.tanh(x @ kernel + bias)
    errors = weights[:, np.newaxis] * (softmax(hidden @ head + head_bias) - y)
    inner = (errors @ head.T) * (1 - hidden**2)
    return [x.T @ inner, inner.sum(axis=0), hidden.T @ errors, errors.sum(axis=0)]


def step(weights, state, settings):
    x, y, _, _, parameters, accumulators = state
    return [
        p - settings.learning_rate * (g + settings.weight_decay * p + settings.momentum * a)
        for p, g, a in zip(parameters, gradients(weights, x, y, parameters), accumulators, strict=True)
    ]


def reward_loss(weights, state, settings):
    kernel, bias, head, head_bias = after = step(weights, state, settings)
    probabilities = softmax(np.tanh(state[2] @ kernel + bias) @ head + head_bias)
    decay = settings.weight_decay / 2 * sum(np.square(p).sum() for p in after)
    return -(state[3] * np.log(probabilities)).sum(axis=1).mean() + decay


def differences(function, point):
    return np.array([function(point + d) - function(point - d) for d in DIFFERENCE * np.eye(len(point))]) / (
        2 * DIFFERENCE
    )


def losses_of(x, y, dtype=tf.float64):
    x, y = tf.constant(x, dtype), tf.constant(y, dtype)

    def losses(parameters):
        kernel, bias, head, head_bias = parameters
        logits = tf.matmul(tf.tanh(tf.matmul(x, kernel) + bias), head) + head_bias
        return tf.nn.softmax_cross_entropy_with_logits(y, logits)

    return losses


SETTINGS = [VirtualSgd(0.3, 0.0, 0.0), VirtualSgd(0.3, 0.9, 0.05)]
WEIGHTS = {
    "uniform": np.full(B, 1 / B),
    "zero": np.zeros(B),
    "uneven": np.array([0.5, 0.0, 2.0, 0.1, 0.0, 1.0, 0.3]),
}


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_whole_network_agrees_with_finite_differences(weights, settings):
    state, point = case(), WEIGHTS[weights]
    x, y, reward_x, reward_y, parameters, accumulators = state
    gradient, after = meta_gradient(
        tf.constant(point),
        losses_of(x, y),
        losses_of(reward_x, reward_y),
        [tf.constant(p) for p in parameters],
        [tf.constant(a) for a in accumulators],
        settings,
    )
    expected = differences(lambda w: reward_loss(w, state, settings), point)
    assert np.abs(expected).max() > 1e-2
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-8)
    for actual, value in zip(after, step(point, state, settings), strict=True):
        np.testing.assert_allclose(actual, value, rtol=1e-10)


@pytest.mark.parametrize("initial", ["uniform", "zero"])
def test_l2r_weights_agree_with_finite_differences(initial):
    """Ren et al. 2018: w = max(0, -gradient) / sum; float32 against float64."""
    state, settings = case(1), VirtualSgd(0.3, 0.0, 0.01)
    x, y, reward_x, reward_y, parameters, _ = state
    rule, point = DirectWeights("clip", initial), WEIGHTS[initial]
    gradient, _ = meta_gradient(
        rule.virtual_weights(tf.zeros([B])),
        losses_of(x, y, tf.float32),
        losses_of(reward_x, reward_y, tf.float32),
        [tf.constant(p, tf.float32) for p in parameters],
        settings=settings,
    )
    u = np.maximum(0, -differences(lambda w: reward_loss(w, state, settings), point))
    assert 0 < (u > 0).sum() < B
    np.testing.assert_allclose(rule.sample_weights(tf.zeros([B]), gradient), u / (u.sum() + 1e-5), atol=1e-4)


def test_a_dense_meta_part_is_the_pure_function_of_arrays():
    x, y, reward_x, reward_y, (kernel, bias, head, head_bias), accumulators = case(2)
    features, reward_features = (np.tanh(inputs @ kernel + bias).astype(np.float32) for inputs in (x, reward_x))
    settings = VirtualSgd(0.3, 0.9, 0.01)
    layer, momentum = ([tf.constant(p, tf.float32) for p in part] for part in ((head, head_bias), accumulators[2:]))

    def losses(features, targets):
        return lambda p: tf.nn.softmax_cross_entropy_with_logits(
            tf.constant(targets, tf.float32), features @ p[0] + p[1]
        )

    weights = uniform_weights(tf.zeros([B]))
    gradient, after = meta_gradient(
        weights, losses(features, y), losses(reward_features, reward_y), layer, momentum, settings
    )
    expected = lookahead_weights(features, y, reward_features, reward_y, *layer, *momentum, *settings)
    np.testing.assert_allclose(gradient, expected.meta_gradient, atol=1e-6)
    np.testing.assert_allclose(after[0], expected.lookahead_kernel, atol=1e-6)


def test_without_accumulators_there_is_no_momentum():
    state = case()
    parameters = [tf.constant(p) for p in state[4]]
    actual = virtual_step(tf.constant(WEIGHTS["uneven"]), losses_of(*state[:2]), parameters, settings=SETTINGS[1])
    for value, expected in zip(actual, step(WEIGHTS["uneven"], state, SETTINGS[1]._replace(momentum=0.0)), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-10)


def test_a_parameter_that_no_loss_sees_moves_by_its_decay_alone():
    used, unused = tf.constant([[1.0, -1.0]]), tf.constant([4.0])
    actual = virtual_step(
        tf.constant([1.0]), lambda p: tf.reduce_sum(p[0], axis=1), [used, unused], settings=VirtualSgd(0.1, 0.0, 0.5)
    )
    # 1 - 0.1 (1 + 0.5), -1 - 0.1 (1 - 0.5); 4 - 0.1 * 0.5 * 4
    np.testing.assert_allclose(actual[0], [[0.85, -1.05]], rtol=1e-6)
    np.testing.assert_allclose(actual[1], [3.8], rtol=1e-6)
