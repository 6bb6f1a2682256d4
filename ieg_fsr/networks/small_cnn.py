"""Six 3x3 convolutions for small images."""

from collections.abc import Iterator

import keras

from ieg_fsr.networks.layers import batch_norm_relu, convolution

# Filters and strides of each block.
_BLOCKS = ((16, 1), (16, 1), (32, 2), (32, 1), (64, 2), (64, 1))


def features(images: keras.KerasTensor, seeds: Iterator[int]) -> keras.KerasTensor:
    """Maps scaled images [B, H, W, channels] of any size to features [B, 64], through block1 to block6."""
    x = images
    for index, (filters, strides) in enumerate(_BLOCKS):
        x = batch_norm_relu(convolution(x, filters, seeds, strides=strides), name=f"block{index + 1}")
    return keras.layers.GlobalAveragePooling2D()(x)
