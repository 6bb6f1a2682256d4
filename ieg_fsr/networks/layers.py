"""The seeded layers that the networks here are made of."""

import random
from collections.abc import Iterator

import keras

BATCH_NORM_MOMENTUM = 0.9
BATCH_NORM_EPSILON = 1e-5


def derived_seeds(seed: int) -> Iterator[int]:
    """Yields an endless sequence of seeds, one for each layer, that depends on `seed` alone."""
    generator = random.Random(seed)
    while True:
        yield generator.getrandbits(31)


def convolution(
    x: keras.KerasTensor, filters: int, seeds: Iterator[int], kernel_size: int = 3, strides: int = 1
) -> keras.KerasTensor:
    """Convolves [B, H, W, c] to [B, ceil(H/strides), ceil(W/strides), filters], without bias, He-normal kernel."""
    he_normal = keras.initializers.HeNormal(seed=next(seeds))
    return keras.layers.Conv2D(
        filters, kernel_size, strides, padding="same", use_bias=False, kernel_initializer=he_normal
    )(x)


def batch_norm(x: keras.KerasTensor) -> keras.KerasTensor:
    """Normalises [B, H, W, c] over batch and positions, with the constants of the paper's code."""
    return keras.layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, epsilon=BATCH_NORM_EPSILON)(x)


def batch_norm_relu(x: keras.KerasTensor, name: str | None = None) -> keras.KerasTensor:
    """Batch normalisation, then ReLU, which may have a name."""
    return keras.layers.ReLU(name=name)(batch_norm(x))
