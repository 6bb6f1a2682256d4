"""The forward that leaves nothing behind: values by hand and by Keras, and what stays as it was."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.networks import build_network
from ieg_fsr.networks.frozen_forward import frozen_forward

RNG = np.random.default_rng(0)


def images(n: int = 6, size: int = 8) -> tf.Tensor:
    return tf.constant(RNG.normal(3.0, 2.0, [n, size, size, 3]), tf.float32)


def varied(network: keras.Model) -> keras.Model:
    """Gives all weights values of their own: gamma = 1, beta = 0 and averages 0, 1 would hide a mistake."""
    network.set_weights([w + RNG.uniform(0.1, 0.5, w.shape) for w in network.get_weights()])
    return network


def kernels(network: keras.Model, inputs: tf.Tensor) -> int:
    """Number of fused kernels in the graph of the forward."""
    graph = tf.function(lambda x: frozen_forward(network, x)).get_concrete_function(inputs).graph
    return sum(op.type == "FusedBatchNormV3" for op in graph.get_operations())


@pytest.mark.parametrize("epsilon", [1e-5, 1e-3])
@pytest.mark.parametrize(("scale", "center"), [(True, True), (False, True), (True, False), (False, False)])
def test_normalises_by_the_statistics_of_the_batch(scale, center, epsilon):
    x = images()
    layer = keras.layers.BatchNormalization(scale=scale, center=center, epsilon=epsilon)
    network = varied(keras.Sequential([keras.Input(x.shape[1:]), layer]))
    gamma = layer.gamma.numpy() if scale else 1.0
    beta = layer.beta.numpy() if center else 0.0
    values = x.numpy().astype(np.float64)
    mean, variance = values.mean(axis=(0, 1, 2)), values.var(axis=(0, 1, 2))
    expected = gamma * (values - mean) / np.sqrt(variance + epsilon) + beta
    np.testing.assert_allclose(frozen_forward(network, x), expected, atol=1e-5)
    assert kernels(network, x) == 1


@pytest.mark.parametrize(
    ("name", "jit_compile"), [("small_cnn", False), ("small_cnn", True), ("resnet32", False), ("wrn28_2", False)]
)
def test_is_the_forward_of_keras_with_every_normalisation_fused(name, jit_compile):
    network, x = varied(build_network(name, (8, 8, 3), 4)), images() * 30.0
    frozen = tf.function(lambda x: frozen_forward(network, x), jit_compile=jit_compile)(x)
    normalisations = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert kernels(network, x) == len(normalisations) > 0
    logits = network(x, training=True).numpy()  # moves the averages, and so comes last
    np.testing.assert_allclose(frozen, logits, rtol=1e-4, atol=1e-4 * np.abs(logits).max())


def test_nothing_is_left_behind():
    x = images()
    layers = [keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5, seed=1)]
    network = varied(keras.Sequential([keras.Input(x.shape[1:]), *layers]))
    before = [variable.numpy() for variable in network.variables]
    with tf.GradientTape() as tape:
        first = frozen_forward(network, x)
    assert tape.gradient(first, network.trainable_variables) == [None] * 4
    np.testing.assert_array_equal(first, frozen_forward(network, x))  # the dropout's seed has not moved either
    for value, variable in zip(before, network.variables, strict=True):
        np.testing.assert_array_equal(value, variable.numpy())
    network(x, training=True)
    assert np.abs(layers[1].moving_mean.numpy() - before[4]).max() > 1e-3  # Keras' own call is back


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_statistics_of_16_bits_are_taken_in_32(precision):
    x = images()
    layer = keras.layers.BatchNormalization(dtype=precision)
    network = varied(keras.Sequential([keras.Input(x.shape[1:]), layer]))
    x += 300.0  # a square of it has no 16 bits, nor has their sum
    frozen = frozen_forward(network, x)
    assert kernels(network, x) == 1
    assert frozen.dtype == layer.compute_dtype
    values = tf.cast(tf.cast(x, frozen.dtype), tf.float64).numpy()
    mean, variance = values.mean(axis=(0, 1, 2)), values.var(axis=(0, 1, 2))
    expected = layer.gamma.numpy() * (values - mean) / np.sqrt(variance + layer.epsilon) + layer.beta.numpy()
    np.testing.assert_allclose(tf.cast(frozen, tf.float32), expected, rtol=2**-8, atol=1e-3)
