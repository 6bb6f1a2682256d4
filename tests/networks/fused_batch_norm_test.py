"""The fused kernel against Keras' own layer: outputs, gradients, averages, and what is left to Keras."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.networks.fused_batch_norm import fused_batch_norms

RNG = np.random.default_rng(0)
SHAPE = (6, 4, 4, 8)


def network_of(layer: keras.layers.Layer, shape: tuple[int, ...] = SHAPE) -> keras.Model:
    """Gives all weights values of their own: gamma = 1, beta = 0 and averages 0, 1 would hide a mistake."""
    network = keras.Sequential([keras.Input(shape[1:]), layer])
    network.set_weights([w + RNG.uniform(0.1, 0.5, w.shape) for w in network.get_weights()])
    return network


def step(network: keras.Model, inputs: np.ndarray, fused: bool, jit_compile: bool = False) -> tuple[dict, int]:
    """What a training step computes, in 64 bits, with new averages; and the number of fused kernels.

    The loss has a gradient that differs from element to element. `second` is the gradient of the squared gradients.
    """
    variables = [variable.value for variable in network.trainable_variables]

    @tf.function(jit_compile=jit_compile)
    def computed(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                with fused_batch_norms(network) if fused else contextlib.nullcontext():
                    outputs = network(x, training=True)
                factors = tf.random.stateless_uniform(outputs.shape, [0, 1])
                loss = tf.reduce_mean(factors * tf.square(tf.cast(outputs, tf.float32)))
            first = tape.gradient(loss, [x, *variables])
            squares = tf.add_n([tf.reduce_sum(tf.square(tf.cast(gradient, tf.float32))) for gradient in first])
        second = outer.gradient(squares, [x, *variables], unconnected_gradients="zero")
        return {"outputs": outputs, "loss": loss, "first": first, "second": second}

    before = network.get_weights()
    found = computed(tf.constant(inputs))
    found["averages"] = [variable.value for variable in network.non_trainable_variables]
    found = tf.nest.map_structure(lambda value: tf.cast(value, tf.float64).numpy(), found)
    network.set_weights(before)
    operations = computed.get_concrete_function(tf.TensorSpec(inputs.shape, tf.float32)).graph.get_operations()
    return found, sum(operation.type == "FusedBatchNormV3" for operation in operations)


def assert_close(received: dict, expected: dict, rtol: float) -> None:
    """Up to that part of the largest element of each tensor."""
    assert received.keys() == expected.keys()
    for one, other in zip(tf.nest.flatten(received), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=rtol * np.abs(other).max(initial=1e-12))


def inputs_of(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return RNG.normal(0.5, 2.0, shape).astype(np.float32)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"epsilon": 1e-5},
        {"epsilon": 0.1, "momentum": 0.5},
        {"scale": False},
        {"center": False},
        {"scale": False, "center": False},
        {"axis": 3},
        {"gamma_regularizer": "l2", "beta_constraint": "non_neg"},
    ],
    ids=str,
)
def test_computes_what_keras_does(options):
    network, x = network_of(keras.layers.BatchNormalization(**options)), inputs_of()
    received, kernels = step(network, x, fused=True)
    expected, none = step(network, x, fused=False)
    assert (kernels, none) == (1, 0)
    # The batch counts 96 values of a channel: without Bessel's correction taken back the variance is off by 1e-2.
    assert_close(received, expected, 2e-6)
    assert np.abs(expected["averages"][1] - network.get_weights()[-1]).max() > 1e-3


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_computes_what_keras_does_in_16_bits(policy):
    network, x = network_of(keras.layers.BatchNormalization(dtype=policy)), inputs_of()
    received, kernels = step(network, x, fused=True)
    expected, _ = step(network, x, fused=False)
    assert kernels == 1
    assert_close(received, expected, 2.0**-8)
    assert_close({"averages": received["averages"]}, {"averages": expected["averages"]}, 1e-6)


def test_a_single_value_of_a_channel_is_its_mean():
    network, x = network_of(keras.layers.BatchNormalization(), (1, 1, 1, 3)), inputs_of((1, 1, 1, 3))
    received, _ = step(network, x, fused=True)
    _, beta, mean, variance = network.get_weights()
    np.testing.assert_allclose(received["outputs"][0, 0, 0], beta, rtol=1e-4)
    np.testing.assert_allclose(received["averages"][0], 0.99 * mean + 0.01 * x[0, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(received["averages"][1], 0.99 * variance, rtol=1e-6)


class OwnNormalization(keras.layers.BatchNormalization):
    """May compute anything."""


class Backbone(keras.layers.Layer):
    """Normalises by its averages in training too, as one that is fine-tuned."""

    def __init__(self):
        super().__init__()
        self.norm = keras.layers.BatchNormalization()

    def call(self, inputs):
        return self.norm(inputs, training=False)


class Masked(keras.layers.Layer):
    """Leaves out the right half of its images."""

    def __init__(self):
        super().__init__()
        self.norm = keras.layers.BatchNormalization()

    def call(self, inputs, training=None):
        mask = tf.broadcast_to(tf.range(4) < 2, tf.shape(inputs)[:-1])
        return self.norm(inputs, training=training, mask=mask)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: keras.layers.BatchNormalization(axis=1), SHAPE),
        (lambda: keras.layers.BatchNormalization(trainable=False), SHAPE),
        (lambda: keras.layers.BatchNormalization(epsilon=1e-7), SHAPE),
        (lambda: keras.layers.BatchNormalization(renorm=True), SHAPE),
        (lambda: keras.layers.BatchNormalization(synchronized=True), SHAPE),
        (lambda: keras.layers.BatchNormalization(dtype="float64"), SHAPE),
        (lambda: keras.layers.BatchNormalization(dtype="float16"), SHAPE),
        (keras.layers.BatchNormalization, (6, 8)),
        (keras.layers.BatchNormalization, (6, 4, 8)),
        (OwnNormalization, SHAPE),
        (Backbone, SHAPE),
        (Masked, SHAPE),
        (keras.layers.LayerNormalization, SHAPE),
    ],
    ids=[
        *("channels first", "not trainable", "tiny epsilon", "renorm", "synchronized", "float64", "float16"),
        *("vectors", "sequences", "subclass", "for inference", "masked", "of layers"),
    ],
)
def test_what_the_kernel_does_not_cover_is_left_to_keras(make, shape):
    network, x = network_of(make(), shape), inputs_of(shape)
    received, kernels = step(network, x, fused=True)
    expected, _ = step(network, x, fused=False)
    assert kernels == 0
    assert_close(received, expected, 0.0)


def test_compiled_by_xla_the_layer_stays_keras_own():
    """XLA takes E[x^2] - E[x]^2 for the kernel's variance: at a mean of 30 deviations that is off by 1e-3."""
    network, x = network_of(keras.layers.BatchNormalization()), inputs_of() + np.float32(60.0)
    received, kernels = step(network, x, fused=True, jit_compile=True)
    expected, _ = step(network, x, fused=False, jit_compile=True)
    assert kernels == 0
    assert_close(received, expected, 0.0)


def test_normalisations_inside_another_model_are_fused():
    inner = keras.Sequential([keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(), keras.layers.ReLU()])
    _, kernels = step(keras.Sequential([keras.Input(SHAPE[1:]), inner, keras.layers.ReLU()]), inputs_of(), fused=True)
    assert kernels == 1


def test_each_context_leaves_the_layers_to_those_that_are_still_open():
    """Two replicas are traced by turns."""
    layer = keras.layers.BatchNormalization()
    network, first = network_of(layer), contextlib.ExitStack()
    first.enter_context(fused_batch_norms(network))
    with fused_batch_norms(network):
        first.close()
        assert "call" in vars(layer)
    assert "call" not in vars(layer)


def test_a_call_of_somebody_elses_is_left_alone():
    layer = keras.layers.BatchNormalization()
    network = network_of(layer)
    layer.call = lambda inputs, training=None, mask=None: inputs
    x = inputs_of()
    with fused_batch_norms(network):
        np.testing.assert_array_equal(network(x, training=True), x)
    np.testing.assert_array_equal(network(x, training=True), x)
