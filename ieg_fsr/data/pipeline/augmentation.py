"""Random crop and flip on the device, per image, a pure function of the seed (XLA-compatible)."""

import tensorflow as tf

from ieg_fsr.stateless_random import split, uniform, uniform_integers


def pad_crop_flip(images: tf.Tensor, seed: tf.Tensor, padding: int, flip: bool) -> tf.Tensor:
    """Pads with black, crops back to the old size at a random place, mirrors at random: float32 [B, H, W, channels].

    Args: images: [B, H, W, channels], any dtype, 0 = black. seed: [2], int32. padding: pixels on each side; 0 for no
    crop. flip: whether half of the images are mirrored left to right.
    """
    crop_seed, flip_seed = split(seed)
    if padding:
        images = _random_crop(images, crop_seed, padding)
    if flip:
        mirrored = uniform([tf.shape(images)[0], 1, 1, 1], flip_seed) < 0.5
        images = tf.where(mirrored, tf.reverse(images, axis=[2]), images)
    return tf.cast(images, tf.float32)


def _random_crop(images: tf.Tensor, seed: tf.Tensor, padding: int) -> tf.Tensor:
    """Every image is cropped at its own offset: two gathers, rows then columns."""
    batch_size, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
    padded = tf.pad(images, [[0, 0], [padding, padding], [padding, padding], [0, 0]])
    offsets = uniform_integers([batch_size, 2, 1], seed, 2 * padding + 1)
    rows = tf.gather(padded, offsets[:, 0] + tf.range(height), axis=1, batch_dims=1)
    return tf.gather(rows, offsets[:, 1] + tf.range(width), axis=2, batch_dims=1)
