"""Tests of the residual networks for CIFAR."""

import keras
import numpy as np
import pytest

from ieg_fsr.networks import build_network
from ieg_fsr.networks.layers import derived_seeds
from ieg_fsr.networks.resnet_cifar import features, shortcut


def parameters(model):
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def expected_parameters(n, num_classes):
    """Kernels of 1 + 6n convolutions, gamma and beta of each, and the Dense layer."""
    kernels = 9 * 3 * 16
    kernels += 2 * n * 9 * 16 * 16
    kernels += 9 * 16 * 32 + (2 * n - 1) * 9 * 32 * 32
    kernels += 9 * 32 * 64 + (2 * n - 1) * 9 * 64 * 64
    norms = 2 * (16 + 2 * n * (16 + 32 + 64))
    return kernels + norms + 64 * num_classes + num_classes


@pytest.fixture(scope="module")
def resnet32():
    return build_network("resnet32", (32, 32, 3), 10)


def test_parameter_count(resnet32):
    assert parameters(resnet32) == expected_parameters(5, 10) == 464_154


def test_floating_point_operations(resnet32):
    """Two per multiply-add: 0.138 GFLOP, as published for this network (69 million multiply-adds)."""
    total = 0
    for layer in resnet32.layers:
        if isinstance(layer, keras.layers.Conv2D):
            total += 2 * np.prod(layer.output.shape[1:3]) * np.prod(layer.kernel.shape)
        elif isinstance(layer, keras.layers.Dense):
            total += 2 * np.prod(layer.kernel.shape)
    by_hand = 32 * 32 * 9 * (3 * 16 + 10 * 16 * 16)
    by_hand += 16 * 16 * 9 * (16 * 32 + 9 * 32 * 32)
    by_hand += 8 * 8 * 9 * (32 * 64 + 9 * 64 * 64)
    by_hand = 2 * (by_hand + 64 * 10)
    assert total == by_hand
    assert total / 1e9 == pytest.approx(0.138, abs=5e-4)


def test_batch_norm_constants(resnet32):
    norms = [layer for layer in resnet32.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(norms) == 31
    assert {(layer.momentum, layer.epsilon) for layer in norms} == {(0.9, 1e-5)}


@pytest.mark.parametrize(("depth", "n"), [(8, 1), (20, 3), (56, 9)])
def test_depth(depth, n):
    images = keras.Input((32, 32, 3))
    body = keras.Model(images, features(images, derived_seeds(0), depth=depth))
    assert body.output_shape == (None, 64)
    assert parameters(body) == expected_parameters(n, 0)
    # Dense is the last of the layers that the depth counts
    assert sum(isinstance(layer, keras.layers.Conv2D) for layer in body.layers) == depth - 1


@pytest.mark.parametrize("size", [4, 5])
def test_shortcut_takes_every_second_pixel_and_adds_zeros(size):
    inputs = keras.Input((size, size, 2))
    model = keras.Model(inputs, shortcut(inputs, 5, 2))
    images = np.random.default_rng(0).normal(size=(3, size, size, 2)).astype(np.float32)
    result = model(images).numpy()
    np.testing.assert_array_equal(result[..., :2], images[:, ::2, ::2])
    np.testing.assert_array_equal(result[..., 2:], 0)
    assert result.shape[-1] == 5
    assert not model.weights


def test_shortcut_of_the_same_shape_is_the_input():
    inputs = keras.Input((4, 4, 16))
    assert shortcut(inputs, 16, 1) is inputs


def test_other_image_sizes():
    model = build_network("resnet32", (28, 28, 1), 4)
    assert model(np.zeros((1, 28, 28, 1), np.uint8)).shape == (1, 4)
