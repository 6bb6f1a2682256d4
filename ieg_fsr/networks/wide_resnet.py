"""Wide residual networks: Zagoruyko & Komodakis, Wide Residual Networks (BMVC 2016), without dropout."""

from collections.abc import Iterator

import keras

from ieg_fsr.networks.layers import batch_norm_relu, convolution


def block(x: keras.KerasTensor, filters: int, strides: int, seeds: Iterator[int], name: str) -> keras.KerasTensor:
    """Pre-activation block: norm, ReLU, convolution, twice; the sum, which has the name, is not activated.

    Where the shape changes, a 1x1 convolution of the *activated* input replaces the identity.
    """
    activated = batch_norm_relu(x)
    residual = convolution(activated, filters, seeds, strides=strides)
    residual = convolution(batch_norm_relu(residual), filters, seeds)
    if strides > 1 or x.shape[-1] != filters:
        x = convolution(activated, filters, seeds, kernel_size=1, strides=strides)
    return keras.layers.Add(name=name)([x, residual])


def features(
    images: keras.KerasTensor, seeds: Iterator[int], depth: int = 28, widen_factor: int = 10
) -> keras.KerasTensor:
    """Maps scaled images [B, H, W, channels] to features [B, 64 * widen_factor], through stage1_block1, ...

    One seed is drawn for each convolution. `depth` is 6n + 4 for n blocks in each of the three groups; `widen_factor`
    multiplies their 16, 32 and 64 channels.
    """
    x = convolution(images, 16, seeds)
    for group, filters in enumerate((16, 32, 64)):
        for index in range((depth - 4) // 6):
            name = f"stage{group + 1}_block{index + 1}"
            x = block(x, filters * widen_factor, 2 if group > 0 and index == 0 else 1, seeds, name)
    return keras.layers.GlobalAveragePooling2D()(batch_norm_relu(x))
