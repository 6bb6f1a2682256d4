"""Tests of `ieg_fsr.networks.layers`."""

import itertools

import keras
import numpy as np
import pytest

from ieg_fsr.networks.layers import batch_norm, batch_norm_relu, convolution, derived_seeds


def first(seed, count=50):
    return list(itertools.islice(derived_seeds(seed), count))


def test_seeds_depend_on_the_seed_alone():
    assert first(3) == first(3)
    assert first(3) != first(4)
    assert len(set(first(3))) == 50
    assert all(0 <= seed < 2**31 for seed in first(3))


@pytest.mark.parametrize(("size", "strides", "expected"), [(8, 1, 8), (8, 2, 4), (7, 2, 4), (7, 3, 3)])
def test_size_after_a_convolution(size, strides, expected):
    inputs = keras.Input((size, size, 2))
    assert convolution(inputs, 5, derived_seeds(0), strides=strides).shape == (None, expected, expected, 5)


def test_a_convolution_has_no_bias_and_a_kernel_of_its_seed():
    inputs = keras.Input((8, 8, 64))
    kernels = []
    for seed in (0, 0, 1):
        layer = keras.Model(inputs, convolution(inputs, 64, derived_seeds(seed))).layers[-1]
        assert len(layer.weights) == 1
        kernels.append(layer.kernel.numpy())
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])
    # He: variance 2 / fan-in; 36,864 draws fix the standard deviation to well below 2 %.
    assert kernels[0].std() == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.02)


def test_batch_norm_normalises_each_channel_and_keeps_a_tenth_of_the_new_statistics():
    images = np.random.default_rng(0).normal([5, -1], [2, 3], (16, 4, 4, 2)).astype(np.float32)
    inputs = keras.Input((4, 4, 2))
    model = keras.Model(inputs, batch_norm(inputs))
    mean, variance = images.mean((0, 1, 2)), images.var((0, 1, 2))
    np.testing.assert_allclose(model(images, training=True), (images - mean) / np.sqrt(variance + 1e-5), atol=1e-4)
    layer = model.layers[-1]
    np.testing.assert_allclose(layer.moving_mean, 0.1 * mean, rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * variance, rtol=1e-4)


def test_batch_norm_relu():
    images = np.array([-3.0, 0.0, 1.0, 2.0], np.float32).reshape(1, 2, 2, 1)
    inputs = keras.Input((2, 2, 1))
    model = keras.Model(inputs, batch_norm_relu(inputs))
    # Mean 0, variance 3.5.
    expected = np.maximum(images, 0) / np.sqrt(3.5 + 1e-5)
    np.testing.assert_allclose(model(images, training=True), expected, rtol=1e-5)
