"""Residual networks for CIFAR: He et al., Deep Residual Learning for Image Recognition (CVPR 2016), section 4.2."""

from collections.abc import Iterator

import keras

from ieg_fsr.networks.layers import batch_norm, batch_norm_relu, convolution


def shortcut(x: keras.KerasTensor, filters: int, strides: int) -> keras.KerasTensor:
    """Option A, without parameters: every `strides`-th pixel, and zeros for the channels that are new.

    From [B, H, W, c] to [B, ceil(H/strides), ceil(W/strides), filters], where `filters` is at least c.
    """
    if strides > 1:
        x = keras.layers.AveragePooling2D(pool_size=1, strides=strides)(x)
    new_channels = filters - x.shape[-1]
    if new_channels:
        # "channels_first" pads the last two axes, which here are width (by nothing) and channels: a plain layer
        # loads from every file format, keras.ops.pad not from .h5.
        x = keras.layers.ZeroPadding2D(((0, 0), (0, new_channels)), data_format="channels_first")(x)
    return x


def block(x: keras.KerasTensor, filters: int, strides: int, seeds: Iterator[int], name: str) -> keras.KerasTensor:
    """Two 3x3 convolutions around which the input is added: relu(x + residual(x)). The last ReLU has the name."""
    residual = batch_norm_relu(convolution(x, filters, seeds, strides=strides))
    residual = batch_norm(convolution(residual, filters, seeds))
    return keras.layers.ReLU(name=name)(keras.layers.Add()([shortcut(x, filters, strides), residual]))


def features(images: keras.KerasTensor, seeds: Iterator[int], depth: int = 32) -> keras.KerasTensor:
    """Maps scaled images [B, H, W, channels] to features [B, 64], through blocks stage1_block1, stage1_block2, ...

    One seed is drawn for each convolution. `depth` counts the layers with weights: 6n + 2 for n blocks in each of the
    three stages (20, 32, 44, 56, 110).
    """
    x = batch_norm_relu(convolution(images, 16, seeds))
    for stage, filters in enumerate((16, 32, 64)):
        for index in range((depth - 2) // 6):
            name = f"stage{stage + 1}_block{index + 1}"
            x = block(x, filters, 2 if stage > 0 and index == 0 else 1, seeds, name)
    return keras.layers.GlobalAveragePooling2D()(x)
