"""Encoded images -> pixels of one size, on the host: graph code for one image at a time, for `tf.data` and `map_fn`.

Both crops choose their window first: of a JPEG only the blocks inside the window are decoded.
"""

from collections.abc import Callable

import tensorflow as tf

# Random-resized crop (Szegedy et al., 2015): share of the area, width / height before resizing.
AREA_RANGE, ASPECT_RATIO_RANGE = (0.08, 1.0), (3 / 4, 4 / 3)
# Evaluation: what is left of an image whose shorter side is 256 by a centre crop of 224.
CENTRE_SHARE = 224 / 256
# Plain bilinear interpolation looks at 2x2 pixels; beyond this factor it would skip some of them.
_LARGEST_PLAIN_SHRINK = 2.0


def decode(content: tf.Tensor) -> tf.Tensor:
    """A whole JPEG, PNG, BMP, GIF (first frame) or WebP file as uint8 [h, w, 3].

    Grey images become three equal channels; transparency is left away.
    """
    image = tf.io.decode_image(content, channels=0, expand_animations=False)
    image.set_shape([None, None, None])
    has_colours = tf.shape(image)[2] >= 3
    return tf.cond(has_colours, lambda: image[:, :, :3], lambda: tf.image.grayscale_to_rgb(image[:, :, :1]))


def claimed_pixels(content: tf.Tensor) -> tf.Tensor:
    """How many pixels the header of a JPEG, PNG or GIF file claims, int64 scalar; 0 for other formats.

    A few kilobytes of these can unpack to gigabytes. BMP does not compress, and WebP has at most 2^28 pixels.
    """

    def of_png() -> tf.Tensor:
        return tf.io.decode_raw(tf.strings.substr(content, 16, 8), tf.int32, little_endian=False)

    def of_gif() -> tf.Tensor:
        return tf.cast(tf.io.decode_raw(tf.strings.substr(content, 6, 4), tf.uint16), tf.int32)

    start = tf.strings.substr(content, 0, tf.minimum(tf.strings.length(content), 4))
    sides = tf.case(
        [
            (tf.io.is_jpeg(content), lambda: tf.io.extract_jpeg_shape(content)[:2]),
            (tf.equal(start, b"\x89PNG"), of_png),
            (tf.equal(start, b"GIF8"), of_gif),
        ],
        default=lambda: tf.zeros([2], tf.int32),
    )
    return tf.reduce_prod(tf.cast(tf.ensure_shape(sides, [2]), tf.int64))


def centre_crop(content: tf.Tensor, size: int) -> tf.Tensor:
    """The square in the middle, 224/256 of the shorter side, resized: uint8 [size, size, 3]."""

    def window(shape: tf.Tensor) -> tf.Tensor:
        shorter = tf.cast(tf.minimum(shape[0], shape[1]), tf.float32)
        side = tf.maximum(tf.cast(tf.round(shorter * CENTRE_SHARE), tf.int32), 1)
        return tf.stack([(shape[0] - side) // 2, (shape[1] - side) // 2, side, side])

    return _resized_window(content, window, size)


def random_crop(content: tf.Tensor, size: int, seed: tf.Tensor) -> tf.Tensor:
    """A random part of the image, resized: uint8 [size, size, 3]. Args: seed: [2], int32, decides alone."""

    def window(shape: tf.Tensor) -> tf.Tensor:
        whole = tf.constant([[[0.0, 0.0, 1.0, 1.0]]])
        begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
            shape, whole, seed, min_object_covered=0.0, area_range=AREA_RANGE, aspect_ratio_range=ASPECT_RATIO_RANGE
        )
        return tf.concat([begin[:2], extent[:2]], axis=0)

    return _resized_window(content, window, size)


def _resized_window(content: tf.Tensor, window: Callable[[tf.Tensor], tf.Tensor], size: int) -> tf.Tensor:
    """The window of an image, bilinear, smoothed first where it shrinks a lot: uint8 [size, size, 3].

    `window` makes of the shape [3] of the image top, left, height and width, int32 [4].
    """

    def of_jpeg() -> tf.Tensor:
        return tf.image.decode_and_crop_jpeg(content, window(tf.io.extract_jpeg_shape(content)), channels=3)

    def of_another() -> tf.Tensor:
        image = decode(content)
        top, left, height, width = tf.unstack(window(tf.shape(image)))
        return image[top : top + height, left : left + width]

    image = tf.cond(tf.io.is_jpeg(content), of_jpeg, of_another)
    pixels = tf.cond(
        tf.reduce_max(tf.shape(image)[:2]) > int(_LARGEST_PLAIN_SHRINK * size),
        lambda: tf.image.resize(image, [size, size], antialias=True),
        lambda: tf.image.resize(image, [size, size]),
    )
    # Weighted means of pixels, never outside 0..255: adding a half and cutting off rounds them.
    return tf.ensure_shape(tf.cast(pixels + 0.5, tf.uint8), [size, size, 3])
