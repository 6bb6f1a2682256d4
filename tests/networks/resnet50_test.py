"""Tests of ResNet-50."""

import keras
import numpy as np
import pytest

from ieg_fsr.errors import UserError
from ieg_fsr.networks import build_network
from ieg_fsr.networks.layers import derived_seeds
from ieg_fsr.networks.resnet50 import draw_kernels


@pytest.fixture(scope="module")
def resnet50():
    return build_network("resnet50", (64, 64, 3), 1000)


def expected_parameters(num_classes):
    """Kernels and biases of 53 convolutions, gamma and beta of each, and the Dense layer."""

    def convolution(size, before, after):
        return size * size * before * after + after + 2 * after

    total = convolution(7, 3, 64)
    before = 64
    for width, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        total += convolution(1, before, 4 * width)  # projection of the first block
        for _ in range(blocks):
            total += convolution(1, before, width) + convolution(3, width, width) + convolution(1, width, 4 * width)
            before = 4 * width
    return total + 2048 * num_classes + num_classes


def test_parameter_count(resnet50):
    """25.6 M, as published."""
    total = sum(int(np.prod(variable.shape)) for variable in resnet50.trainable_variables)
    assert total == expected_parameters(1000)
    assert total / 1e6 == pytest.approx(25.6, abs=0.1)


def test_predicts(resnet50):
    logits = resnet50(np.zeros((1, 64, 64, 3), np.uint8)).numpy()
    assert logits.shape == (1, 1000)
    assert np.isfinite(logits).all()


def test_kernels_are_he_normal(resnet50):
    kernel = resnet50.get_layer("conv5_block1_2_conv").kernel.numpy()
    assert kernel.std() == pytest.approx(np.sqrt(2 / (9 * 512)), rel=0.02)


def test_same_seed_draws_the_same_weights(resnet50):
    again = build_network("resnet50", (64, 64, 3), 1000)
    for first, second in zip(resnet50.weights, again.weights, strict=True):
        np.testing.assert_array_equal(first.numpy(), second.numpy())


def test_every_kernel_has_its_own_seed():
    def kernels(seed):
        inputs = keras.Input((4, 4, 3))
        outputs = keras.layers.Conv2D(3, 3)(keras.layers.Conv2D(3, 3, padding="same")(inputs))
        body = keras.Model(inputs, outputs)
        draw_kernels(body, derived_seeds(seed))
        return [layer.kernel.numpy().tobytes() for layer in body.layers[1:]]

    assert kernels(0) == kernels(0)
    assert len({*kernels(0), *kernels(1)}) == 4


def test_width_of_the_features(resnet50):
    assert resnet50.get_layer("logits").kernel.shape == (2048, 1000)
    assert isinstance(resnet50.layers[-2], keras.layers.GlobalAveragePooling2D)


@pytest.mark.parametrize("shape", [(28, 28, 1), (64, 31, 3)])
def test_too_small_images(shape):
    message = rf"^--network=resnet50 needs images of at least 32x32\. Received: {shape[0]}x{shape[1]}$"
    with pytest.raises(UserError, match=message):
        build_network("resnet50", shape, 10)
