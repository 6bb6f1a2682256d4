"""ResNet-50 for ImageNet-sized images, from `keras.applications`, with weights drawn from a seed."""

from collections.abc import Iterator

import keras

from ieg_fsr.errors import UserError

MINIMUM_SIZE = 32


def features(images: keras.KerasTensor, seeds: Iterator[int]) -> keras.KerasTensor:
    """Maps scaled images [B, H, W, channels] to features [B, 2048].

    Raises:
      UserError: the images are smaller than 32x32, the network halves them five times.
    """
    height, width = images.shape[1:3]
    if min(height, width) < MINIMUM_SIZE:
        raise UserError(
            f"--network=resnet50 needs images of at least {MINIMUM_SIZE}x{MINIMUM_SIZE}. Received: {height}x{width}"
        )
    body = keras.applications.ResNet50(include_top=False, weights=None, input_tensor=images, pooling="avg")
    draw_kernels(body, seeds)
    return body.output


def draw_kernels(body: keras.Model, seeds: Iterator[int]) -> None:
    """Draws every convolution kernel anew, He-normal: `keras.applications` has no way to pass a seed.

    All other weights (biases, batch normalisation) start as constants.
    """
    for layer in body.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.kernel_initializer = keras.initializers.HeNormal(seed=next(seeds))
            layer.kernel.assign(layer.kernel_initializer(layer.kernel.shape, layer.kernel.dtype))
