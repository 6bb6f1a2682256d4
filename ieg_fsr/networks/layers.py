"""The seeded layers that the networks here are made of."""

import contextlib
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


@contextlib.contextmanager
def policy(precision: str | None) -> Iterator[None]:
    """In this context layers have Keras' dtype policy `precision`; None for the one that is in force."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision or before)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def resized(images: keras.KerasTensor, input_size: int | None, name: str = "resized") -> keras.KerasTensor:
    """Images [B, H, W, c] brought to [B, S, S, c] for an `input_size` of S, bilinear; as they are for None."""
    if input_size is None or images.shape[1:3] == (input_size, input_size):
        return images
    resize = keras.layers.Resizing(input_size, input_size, dtype="float32", name=name)
    # Left to its default, it would have all layers behind it believe that `model(x)` is training.
    return resize(images, training=False)


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
