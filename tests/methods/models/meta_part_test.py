"""The lookahead of Keras networks at every depth: L2R's weights, momentum, batch norm, a frozen lower part."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.meta_part import MetaPart, Reward
from ieg_fsr.reweighting import lookahead_weights
from ieg_fsr.reweighting.meta_gradient import VirtualSgd
from ieg_fsr.reweighting.weight_rules import DirectWeights, UniformWeights

B, Q, D, C = 6, 5, 4, 3
RNG = np.random.default_rng(0)
X, REWARD_X = RNG.normal(size=(B, D)), RNG.normal(size=(Q, D))
Y, REWARD_Y = np.eye(C)[RNG.integers(0, C, B)], np.eye(C)[RNG.integers(0, C, Q)]
PLAIN = VirtualSgd(0.3, 0.0, 0.01)


def float32(*arrays):
    return [tf.constant(array, tf.float32) for array in arrays]


def two_layers(activation="tanh", batch_norm=False):
    keras.utils.set_random_seed(1)
    norm = [keras.layers.BatchNormalization()] if batch_norm else []
    hidden = keras.layers.Dense(5, activation, bias_initializer="random_normal")
    return keras.Sequential([keras.Input((D,)), hidden, *norm, keras.layers.Dense(C, bias_initializer="random_normal")])


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def sample_losses(part, x, y):
    features = part.below(tf.constant(x, tf.float32), training=True)
    parameters = [tf.convert_to_tensor(v) for v in part.above.trainable_variables]
    return features, part.losses(features, tf.constant(y, tf.float32))(parameters)


def look_ahead(part, rule=None, reward=True):
    """Weights of the batch X, Y for the reward batch."""
    features, losses = sample_losses(part, X, Y)
    batch = Reward(part.below(float32(REWARD_X)[0], training=True), float32(REWARD_Y)[0]) if reward else None
    return part.look_ahead(rule or DirectWeights(), losses, features, float32(Y)[0], batch)


def reward_loss(weights, parameters, settings):
    """Reward loss of softmax(tanh(x K + k) M + m) after a virtual step with given weights, by hand in float64."""
    kernel, bias, head, head_bias = parameters
    hidden = np.tanh(X @ kernel + bias)
    errors = weights[:, np.newaxis] * (softmax(hidden @ head + head_bias) - Y)
    inner = (errors @ head.T) * (1 - hidden**2)
    slopes = [X.T @ inner, inner.sum(axis=0), hidden.T @ errors, errors.sum(axis=0)]
    kernel, bias, head, head_bias = after = [
        p - settings.learning_rate * (g + settings.weight_decay * p) for p, g in zip(parameters, slopes, strict=True)
    ]
    probabilities = softmax(np.tanh(REWARD_X @ kernel + bias) @ head + head_bias)
    decay = settings.weight_decay / 2 * sum(np.square(p).sum() for p in after)
    return -(REWARD_Y * np.log(probabilities)).sum(axis=1).mean() + decay


@pytest.mark.parametrize(("initial", "point"), [("uniform", 1 / B), ("zero", 0.0)])
def test_l2r_weights_of_two_layers_agree_with_finite_differences(initial, point):
    network = two_layers()
    parameters = [p.astype(np.float64) for p in network.get_weights()]
    step = 1e-5 * np.eye(B)
    differences = (
        np.array([reward_loss(point + d, parameters, PLAIN) - reward_loss(point - d, parameters, PLAIN) for d in step])
        / 2e-5
    )
    u = np.maximum(0, -differences)
    assert 0 < (u > 0).sum() < B
    actual = look_ahead(MetaPart(network, "all", PLAIN), DirectWeights("clip", initial)).sample_weights
    np.testing.assert_allclose(actual, u / (u.sum() + 1e-5), atol=1e-4)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_at_the_final_dense_layer_l2r_and_fsr_are_the_pure_function(momentum):
    """With one reward batch the source does not matter."""
    network = two_layers()
    part = MetaPart(network, "dense", VirtualSgd(0.3, momentum, 0.01))
    accumulators = [np.full(v.shape, 0.1 * (i + 1)) for i, v in enumerate(part.above.trainable_variables)]
    for variable, value in zip(part.accumulators, accumulators, strict=False):
        variable.assign(value)
    hidden = [part.below(float32(x)[0]).numpy() for x in (X, REWARD_X)]
    expected = lookahead_weights(
        hidden[0], Y, hidden[1], REWARD_Y, *network.get_weights()[-2:], *accumulators,
        lookahead_learning_rate=0.3, lookahead_momentum=momentum, weight_decay=0.01,
    )  # fmt: skip
    actual = look_ahead(part)
    np.testing.assert_allclose(actual.sample_weights, expected.sample_weights, atol=1e-6)
    np.testing.assert_allclose(actual.lookahead_parameters[0], expected.lookahead_kernel, atol=1e-6)
    assert len(part.accumulators) == (2 if momentum else 0)


@pytest.mark.parametrize("meta_layers", ["all", "0"])
def test_a_frozen_lower_part_leaves_the_lookahead_of_the_dense_layer(meta_layers):
    network = two_layers()
    network.layers[0].trainable = False
    deep, dense = (look_ahead(MetaPart(network, layers, PLAIN)) for layers in (meta_layers, "dense"))
    np.testing.assert_allclose(deep.sample_weights, dense.sample_weights, atol=1e-6)
    assert len(deep.lookahead_parameters) == 2


def test_two_linear_layers_have_a_closed_form():
    """z = x K M from zero weights without decay: meta gradient_i = -eta (x_i K) (GM e_i) - eta x_i (GK M e_i)."""
    keras.utils.set_random_seed(0)
    linear = [keras.layers.Dense(n, use_bias=False) for n in (5, C)]
    network = keras.Sequential([keras.Input((D,)), *linear])
    kernel, head = (p.astype(np.float64) for p in network.get_weights())
    errors, reward_errors = softmax(X @ kernel @ head) - Y, (softmax(REWARD_X @ kernel @ head) - REWARD_Y) / Q
    by_kernel, by_head = REWARD_X.T @ (reward_errors @ head.T), (REWARD_X @ kernel).T @ reward_errors
    meta_gradient = -0.3 * ((X @ kernel @ by_head * errors).sum(axis=1) + (X @ by_kernel @ head * errors).sum(axis=1))
    u = np.maximum(0, -meta_gradient)
    assert 0 < (u > 0).sum() < B
    actual = look_ahead(MetaPart(network, "all", VirtualSgd(0.3, 0.0, 0.0)), DirectWeights("clip", "zero"))
    np.testing.assert_allclose(actual.sample_weights, u / (u.sum() + 1e-5), atol=1e-5)


@pytest.mark.parametrize("meta_layers", ["all", "1", "dense"])
def test_batch_norm_uses_the_batchs_statistics_and_keeps_its_averages(meta_layers):
    network = two_layers(batch_norm=True)
    part = MetaPart(network, meta_layers, PLAIN)
    expected = network(float32(X)[0], training=True)
    averages = [v.numpy() for v in network.non_trainable_variables]
    features = part.below(float32(X)[0], training=True)
    averages_below = [v.numpy() for v in part.above.non_trainable_variables]
    parameters = [tf.convert_to_tensor(v) for v in part.above.trainable_variables]
    np.testing.assert_allclose(part.logits(features, parameters), expected, atol=1e-5)
    for variable, value in zip(part.above.non_trainable_variables, averages_below, strict=True):
        np.testing.assert_array_equal(variable, value)
    assert any(np.abs(value).max() > 0 for value in averages)


def test_batch_norm_of_images_is_the_fused_kernels():
    layers = [keras.layers.BatchNormalization(), keras.layers.Flatten(), keras.layers.Dense(2)]
    part = MetaPart(keras.Sequential([keras.Input([4, 4, 1]), *layers]), "all", PLAIN)
    parameters = [tf.convert_to_tensor(v) for v in part.above.trainable_variables]
    logits = tf.function(lambda x: part.logits(x, parameters)).get_concrete_function(tf.zeros([B, 4, 4, 1]))
    assert "FusedBatchNormV3" in {operation.type for operation in logits.graph.get_operations()}


def test_without_a_reward_batch_the_weights_are_uniform_and_the_step_is_made():
    part = MetaPart(two_layers(), "all", PLAIN)
    plain, uniform = look_ahead(part, reward=False), look_ahead(part, UniformWeights())
    np.testing.assert_allclose(plain.sample_weights, np.full(B, 1 / B), rtol=1e-6)
    for one, other in zip(plain.lookahead_parameters, uniform.lookahead_parameters, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    assert np.abs(plain.lookahead_parameters[0] - plain.parameters[0]).max() > 1e-4


def test_accumulators_belong_to_the_variables_of_the_meta_part():
    network = two_layers(batch_norm=True)
    part = MetaPart(network, "1", VirtualSgd(0.3, 0.5, 0.0))
    variables = network.trainable_variables
    for number in (1.0, 3.0):
        part.accumulate(variables, [tf.fill(v.shape, number + i) for i, v in enumerate(variables)])
    # The first Dense layer, variables 0 and 1, is below; 0.5 (1 + i) + (3 + i).
    assert len(part.accumulators) == 4
    for i, accumulator in enumerate(part.accumulators, start=2):
        np.testing.assert_allclose(accumulator, np.full(variables[i].shape, 0.5 * (1 + i) + 3 + i))


@pytest.mark.parametrize("meta_layers", ["dense", "all"])
def test_a_meta_part_without_a_trainable_layer_is_refused(meta_layers):
    network = two_layers()
    network.layers[-1].trainable = False
    if meta_layers == "all":
        network.layers[0].trainable = False
    with pytest.raises(UserError, match=rf"^meta_layers must hold a trainable layer.*Received: {meta_layers}, up to"):
        MetaPart(network, meta_layers, PLAIN)
