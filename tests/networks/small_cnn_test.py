"""Tests of the small convolutional network."""

import itertools

import keras
import numpy as np
import pytest

from ieg_fsr.networks import build_network
from ieg_fsr.networks.layers import batch_norm, convolution, derived_seeds


@pytest.mark.parametrize(("size", "last_map"), [(8, 2), (28, 7), (9, 3)])
def test_shapes(size, last_map):
    model = build_network("small_cnn", (size, size, 1), 10)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [16, 16, 32, 32, 64, 64]
    assert [layer.strides[0] for layer in convolutions] == [1, 1, 2, 1, 2, 1]
    assert convolutions[-1].output.shape == (None, last_map, last_map, 64)
    assert not any(layer.use_bias for layer in convolutions)


def test_parameter_count():
    model = build_network("small_cnn", (8, 8, 1), 10)
    channels = [1, 16, 16, 32, 32, 64, 64]
    kernels = sum(9 * i * o for i, o in itertools.pairwise(channels))
    norms = 2 * sum(channels[1:])  # gamma, beta
    dense = 64 * 10 + 10
    trainable = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert trainable == kernels + norms + dense == 72_666


def test_batch_norm_constants():
    norms = [
        layer
        for layer in build_network("small_cnn", (8, 8, 1), 10).layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert len(norms) == 6
    assert {(layer.momentum, layer.epsilon) for layer in norms} == {(0.9, 1e-5)}


def test_convolution_against_numpy():
    """A strided 3x3 convolution of a 4x4 image with zero padding, summed by hand."""
    inputs = keras.Input((4, 4, 1))
    model = keras.Model(inputs, convolution(inputs, 1, derived_seeds(0), strides=2))
    kernel = model.layers[-1].kernel.numpy()[:, :, 0, 0]
    image = np.arange(16, dtype=np.float32).reshape(4, 4)
    padded = np.pad(image, ((0, 1), (0, 1)))  # TensorFlow pads an even side at its end
    expected = [[(padded[r : r + 3, c : c + 3] * kernel).sum() for c in (0, 2)] for r in (0, 2)]
    np.testing.assert_allclose(model(image[None, :, :, None])[0, :, :, 0], expected, rtol=1e-4)


def test_he_normal_kernels():
    """He et al. 2015: standard deviation sqrt(2 / fan-in), which keeps the variance through ReLU."""
    inputs = keras.Input((4, 4, 64))
    model = keras.Model(inputs, convolution(inputs, 128, derived_seeds(1)))
    kernel = model.layers[-1].kernel.numpy()
    assert kernel.std() == pytest.approx(np.sqrt(2 / (9 * 64)), rel=0.02)
    assert kernel.mean() == pytest.approx(0, abs=1e-3)


def test_batch_norm_moves_by_a_tenth():
    inputs = keras.Input((1, 1, 1))
    model = keras.Model(inputs, batch_norm(inputs))
    model(np.array([1.0, 3.0]).reshape(2, 1, 1, 1), training=True)
    assert model.layers[-1].moving_mean.numpy() == pytest.approx(0.9 * 0 + 0.1 * 2)
    assert model.layers[-1].moving_variance.numpy() == pytest.approx(0.9 * 1 + 0.1 * 1)


def test_derived_seeds():
    first, again, other = (list(itertools.islice(derived_seeds(seed), 100)) for seed in (3, 3, 4))
    assert first == again
    assert len({*first, *other}) == 200
    assert all(0 <= seed < 2**31 for seed in first)
