"""Encoded images -> pixels of one size, on the host: graph code for one image at a time, for `tf.data` and `map_fn`.

Both crops choose their window first: of a JPEG only the blocks inside the window are decoded. TensorFlow decodes JPEG
and PNG; for the rest see `image_files`.
"""

from collections.abc import Callable

import tensorflow as tf

from ieg_fsr.data.sources import image_files
from ieg_fsr.data.sources.image_files import PNG

# Random-resized crop (Szegedy et al., 2015): share of the area, width / height before resizing.
AREA_RANGE, ASPECT_RATIO_RANGE = (0.08, 1.0), (3 / 4, 4 / 3)
# Evaluation: what is left of an image whose shorter side is 256 by a centre crop of 224.
CENTRE_SHARE = 224 / 256
# Plain bilinear interpolation looks at 2x2 pixels; beyond this factor it would skip some of them.
_LARGEST_PLAIN_SHRINK = 2.0
# By EXIF's orientation 0 (unknown) to 8: the order of the axes, and which of them run backwards after that.
_AXES = [[0, 1, 2]] * 5 + [[1, 0, 2]] * 4
_TURNS = [[turn in (3, 4, 7, 8), turn in (2, 3, 6, 7), False] for turn in range(9)]


def decode(content: tf.Tensor, orientation: tf.Tensor | None = None) -> tf.Tensor:
    """A whole image file (of an animation the first frame), upright, as uint8 [h, w, 3].

    Grey images become three equal channels; transparency is left away. Args: orientation: as `random_crop`.
    """

    def pixels() -> tf.Tensor:
        is_png = tf.equal(tf.strings.substr(content, 0, tf.minimum(tf.strings.length(content), len(PNG))), PNG)
        return tf.cond(is_png, lambda: tf.io.decode_png(content, channels=3), lambda: _by_pillow(content))

    image = tf.cond(tf.io.is_jpeg(content), lambda: tf.io.decode_jpeg(content, channels=3), pixels)
    return tf.ensure_shape(_upright(image, orientation), [None, None, 3])


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def _by_pillow(content: tf.Tensor) -> tf.Tensor:
    # A function of its own: outside of a graph Python would get an array of the content.
    return tf.ensure_shape(tf.numpy_function(image_files.pixels, [content], tf.uint8), [None, None, 3])


def centre_crop(content: tf.Tensor, size: int, orientation: tf.Tensor | None = None) -> tf.Tensor:
    """The square in the middle, 224/256 of the shorter side, resized: uint8 [size, size, 3].

    Args: orientation: as `random_crop`.
    """

    def window(shape: tf.Tensor) -> tf.Tensor:
        shorter = tf.cast(tf.minimum(shape[0], shape[1]), tf.float32)
        side = tf.maximum(tf.cast(tf.round(shorter * CENTRE_SHARE), tf.int32), 1)
        return tf.stack([(shape[0] - side) // 2, (shape[1] - side) // 2, side, side])

    return _resized_window(content, window, size, orientation)


def random_crop(content: tf.Tensor, size: int, seed: tf.Tensor, orientation: tf.Tensor | None = None) -> tf.Tensor:
    """A random part of the image, resized: uint8 [size, size, 3].

    Args:
        seed: [2], int32, decides alone.
        orientation: scalar, int32, EXIF's: how a JPEG or PNG file lies; None for upright. Other formats bring their
            own, and have 1 here.
    """

    def window(shape: tf.Tensor) -> tf.Tensor:
        whole = tf.constant([[[0.0, 0.0, 1.0, 1.0]]])
        begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
            shape, whole, seed, min_object_covered=0.0, area_range=AREA_RANGE, aspect_ratio_range=ASPECT_RATIO_RANGE
        )
        return tf.concat([begin[:2], extent[:2]], axis=0)

    return _resized_window(content, window, size, orientation)


def _resized_window(
    content: tf.Tensor, window: Callable[[tf.Tensor], tf.Tensor], size: int, orientation: tf.Tensor | None
) -> tf.Tensor:
    """The window of an upright image, bilinear, smoothed first where it shrinks a lot: uint8 [size, size, 3].

    `window` makes of the shape [3] of the image top, left, height and width, int32 [4].
    """

    def of_jpeg() -> tf.Tensor:
        stored = _window_of_stored(window, tf.io.extract_jpeg_shape(content), orientation)
        return _upright(tf.image.decode_and_crop_jpeg(content, stored, channels=3), orientation)

    def of_another() -> tf.Tensor:
        image = decode(content, orientation)
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


def _upright(image: tf.Tensor, orientation: tf.Tensor | None) -> tf.Tensor:
    """The image [h, w, channels] as EXIF says that it is seen: axes swapped, then turned round."""
    if orientation is None:
        return image

    def turned() -> tf.Tensor:
        # Of 5 to 8 the axes are swapped.
        swapped = tf.cond(orientation > 4, lambda: _with_axes_swapped(image), lambda: image)
        return tf.raw_ops.Reverse(tensor=swapped, dims=tf.gather(_TURNS, orientation))

    return tf.cond(orientation > 1, turned, lambda: image)


def _with_axes_swapped(image: tf.Tensor) -> tf.Tensor:
    """[h, w, 3] -> [w, h, 3]. Of `tf.transpose` of bytes oneDNN complains on stderr where it has no kernel."""
    height, width = tf.unstack(tf.shape(image)[:2])
    places = tf.range(height) * width + tf.range(width)[:, tf.newaxis]
    return tf.gather(tf.reshape(image, [-1, 3]), places)


def _window_of_stored(
    window: Callable[[tf.Tensor], tf.Tensor], shape: tf.Tensor, orientation: tf.Tensor | None
) -> tf.Tensor:
    """The window [4] of the pixels as they are stored, of `shape` [3], that becomes the window of the upright image."""
    if orientation is None:
        return window(shape)
    axes = tf.gather(_AXES, orientation)
    sides = tf.gather(shape, axes)
    begin, extent = tf.split(window(sides), 2)
    begin = tf.where(tf.gather(_TURNS, orientation)[:2], sides[:2] - begin - extent, begin)
    return tf.reshape(tf.gather(tf.stack([begin, extent]), axes[:2], axis=1), [4])
