"""Tests of the wide residual networks."""

import keras
import numpy as np
import pytest

from ieg_fsr.networks import build_network
from ieg_fsr.networks.layers import derived_seeds
from ieg_fsr.networks.wide_resnet import block


def parameters(model):
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def group_parameters(before, width):
    """Four blocks: eight 3x3 kernels, one 1x1 kernel and eight norms (gamma, beta), each before its 3x3 convolution."""
    kernels = 9 * before * width + 7 * 9 * width * width + before * width
    norms = 2 * (before + 7 * width)
    return kernels + norms


def expected_parameters(widen, num_classes):
    first, second, third = 16 * widen, 32 * widen, 64 * widen
    groups = group_parameters(16, first) + group_parameters(first, second) + group_parameters(second, third)
    return 9 * 3 * 16 + groups + 2 * third + third * num_classes + num_classes


@pytest.fixture(scope="module")
def wrn28_10():
    return build_network("wrn28_10", (32, 32, 3), 10)


def test_wrn28_10_has_36_million_parameters(wrn28_10):
    """The paper states 36.5 M."""
    assert 36.4e6 < parameters(wrn28_10) < 36.6e6
    assert parameters(wrn28_10) == expected_parameters(10, 10) == 36_479_194


def test_wrn28_10_predicts(wrn28_10):
    logits = wrn28_10(np.zeros((1, 32, 32, 3), np.uint8)).numpy()
    assert logits.shape == (1, 10)
    assert np.isfinite(logits).all()


def test_wrn28_2_parameters():
    assert parameters(build_network("wrn28_2", (32, 32, 3), 100)) == expected_parameters(2, 100)


def test_shapes_and_constants(wrn28_10):
    widths = {layer.output.shape[1:] for layer in wrn28_10.layers if isinstance(layer, keras.layers.Add)}
    assert widths == {(32, 32, 160), (16, 16, 320), (8, 8, 640)}
    norms = [layer for layer in wrn28_10.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(norms) == 25  # two in each of twelve blocks, one before pooling
    assert {(layer.momentum, layer.epsilon) for layer in norms} == {(0.9, 1e-5)}
    assert not any(isinstance(layer, keras.layers.Dropout) for layer in wrn28_10.layers)


def test_block_of_the_same_shape_adds_its_input():
    """With zero kernels nothing but the identity is left, negative values included: the sum is not activated."""
    inputs = keras.Input((4, 4, 8))
    model = keras.Model(inputs, block(inputs, 8, 1, derived_seeds(0), "block"))
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(np.zeros(layer.kernel.shape))
    images = np.random.default_rng(0).normal(size=(2, 4, 4, 8)).astype(np.float32)
    np.testing.assert_array_equal(model(images), images)


def test_block_that_widens_projects_the_activated_input():
    inputs = keras.Input((4, 4, 2))
    model = keras.Model(inputs, block(inputs, 3, 2, derived_seeds(0), "block"))
    projection = None
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.kernel_size == (1, 1):
            projection = layer.kernel.numpy()[0, 0]
        elif isinstance(layer, keras.layers.Conv2D):
            layer.kernel.assign(np.zeros(layer.kernel.shape))
    images = np.random.default_rng(0).normal(size=(2, 4, 4, 2)).astype(np.float32)
    activated = np.maximum(images / np.sqrt(1 + 1e-5), 0)  # moving mean 0 and variance 1
    np.testing.assert_allclose(model(images), activated[:, ::2, ::2] @ projection, rtol=1e-4, atol=1e-5)
