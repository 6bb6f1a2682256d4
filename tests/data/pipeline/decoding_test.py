"""Crops of encoded images against the same crops of decoded ones."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import ExifTags, Image, ImageOps

from ieg_fsr.data.pipeline.decoding import AREA_RANGE, ASPECT_RATIO_RANGE, centre_crop, decode, random_crop
from ieg_fsr.data.sources.image_files import header


def ramp(height, width):
    """Red counts columns, green counts rows, both from 0 to 255; blue is 100."""
    image = np.full((height, width, 3), 100, np.uint8)
    image[..., 0] = np.linspace(0, 255, width).round()
    image[..., 1] = np.linspace(0, 255, height).round()[:, np.newaxis]
    return image


def encoded(image, kind="PNG", mode="RGB", **options):
    stream = io.BytesIO()
    Image.fromarray(image).convert(mode).save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("PNG", "RGB"),
        ("PNG", "RGBA"),
        ("BMP", "RGB"),
        ("BMP", "RGBA"),
        ("TIFF", "RGB"),
        ("TIFF", "RGBA"),
        ("GIF", "RGB"),
        ("JPEG2000", "RGB"),
        ("WEBP", "RGB"),
        ("JPEG", "RGB"),
        ("JPEG", "CMYK"),
    ],
)
def test_formats_of_colour(kind, mode):
    image = ramp(24, 32)
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "JPEG" else {}
    decoded = decode(encoded(image, kind, mode, **options)).numpy()
    assert (decoded.shape, decoded.dtype) == ((24, 32, 3), np.uint8)
    np.testing.assert_allclose(decoded.astype(int), image, atol={"JPEG": 8, "GIF": 40}.get(kind, 0))


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("PNG", "L"), ("PNG", "LA"), ("PNG", "1"), ("BMP", "L"), ("JPEG", "L"), ("TIFF", "L"), ("TIFF", "1")],
)
def test_grey_becomes_three_equal_channels(kind, mode):
    decoded = decode(encoded(ramp(16, 16), kind, mode)).numpy()
    assert decoded.shape == (16, 16, 3)
    np.testing.assert_array_equal(decoded, np.repeat(decoded[..., :1], 3, axis=2))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_of_sixteen_bits_the_upper_eight_are_kept(kind):
    grey = np.arange(0, 65536, 256, np.uint16).reshape(16, 16) + 255
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, kind)
    np.testing.assert_array_equal(decode(stream.getvalue()).numpy()[..., 1], np.arange(256).reshape(16, 16))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_frame_of_an_animation(kind):
    """TensorFlow's own decoder ends the process at the WebP."""
    frames = [Image.fromarray(np.full((8, 8, 3), shade, np.uint8)) for shade in (50, 200)]
    stream = io.BytesIO()
    options = {"lossless": True} if kind == "WEBP" else {}
    frames[0].save(stream, kind, save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(decode(stream.getvalue()).numpy(), np.full((8, 8, 3), 50))


def lying(image, kind, orientation, **options):
    """A file whose pixels are `image`, and what EXIF says of them; how Pillow turns it, and what is known of it."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, kind, exif=exif, **options)
    with Image.open(io.BytesIO(stream.getvalue())) as opened:
        upright = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    found = header(stream.getvalue())
    assert found.size == upright.shape[:2]
    return stream.getvalue(), upright, tf.constant(found.orientation)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_images_are_turned_upright(kind, orientation):
    content, upright, known = lying(ramp(24, 40), kind, orientation, **({"lossless": True} if kind == "WEBP" else {}))
    assert int(known) == (orientation if kind in ("PNG", "JPEG") else 1)
    decoded = decode(content, known).numpy()
    np.testing.assert_allclose(decoded.astype(int), upright, atol=4 if kind == "JPEG" else 0)
    # At each corner another colour.
    assert len({tuple(decoded[y, x]) for y in (0, -1) for x in (0, -1)}) == 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_crops_are_those_of_the_upright_image(orientation):
    content, upright, known = lying(ramp(60, 100), "PNG", orientation)
    other, seed = encoded(upright), tf.constant([orientation, 5])
    np.testing.assert_array_equal(centre_crop(content, 32, known), centre_crop(other, 32))
    np.testing.assert_array_equal(random_crop(content, 32, seed, known), random_crop(other, 32, seed))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_of_a_lying_jpeg_the_right_window_is_decoded(orientation):
    """The centre of an image of 256 on the shorter side is 224 pixels at their own size."""
    content, upright, known = lying(ramp(256, 320), "JPEG", orientation)
    top, left = (side - 224 for side in upright.shape[:2])
    crop = centre_crop(content, 224, known).numpy().astype(int)
    np.testing.assert_allclose(crop, upright[top // 2 : top // 2 + 224, left // 2 : left // 2 + 224], atol=3)


@pytest.mark.parametrize("content", [b"", b"text", encoded(ramp(64, 64), "JPEG")[:900], encoded(ramp(64, 64))[:-300]])
def test_damaged_images_raise(content):
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode(content)


def test_centre_crop_is_the_middle_of_224_in_256():
    """Of 256x512 pixels: rows 16..239, columns 144..367, at their own size."""
    image = ramp(256, 512)
    np.testing.assert_array_equal(centre_crop(encoded(image), 224).numpy(), image[16:240, 144:368])


def test_centre_crop_of_a_jpeg_is_that_of_its_pixels():
    content = encoded(ramp(256, 320), "JPEG")
    whole, crop = decode(content).numpy()[16:240, 48:272], centre_crop(content, 224).numpy()
    # At the border of the window colours are not interpolated with those outside, which are not decoded.
    np.testing.assert_array_equal(crop[1:-1, 1:-1], whole[1:-1, 1:-1])
    np.testing.assert_allclose(crop.astype(int), whole, atol=3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (900, 7), (1500, 1100)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_every_size_is_taken(shape, kind):
    content = encoded(np.full((*shape, 3), 77, np.uint8), kind)
    for crop in (centre_crop(content, 24), random_crop(content, 24, tf.constant([1, 2]))):
        assert crop.shape == (24, 24, 3)
        np.testing.assert_allclose(crop.numpy().astype(int), 77, atol=2)


def test_a_large_image_is_smoothed_before_it_shrinks():
    stripes = np.zeros((640, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = centre_crop(encoded(stripes), 56).numpy().astype(int)
    assert np.abs(crop - 127).max() < 20


def test_random_crop_depends_on_the_seed_alone():
    content = encoded(ramp(60, 80), "JPEG")
    first, again, other = (random_crop(content, 32, tf.constant([seed, 5])).numpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def windows(content, count):
    """Left, right, top, bottom of random crops of a ramp, in shares of the image."""
    crops = np.stack([random_crop(content, 32, tf.constant([k, 0])).numpy() for k in range(count)]) / 255
    # The colour at the centre of the first pixel lies half a pixel of the crop inside the window.
    left, right, top, bottom = crops[:, 16, 0, 0], crops[:, 16, -1, 0], crops[:, 0, 16, 1], crops[:, -1, 16, 1]
    half = (right - left) / 62, (bottom - top) / 62
    return left - half[0], right + half[0], top - half[1], bottom + half[1]


def test_windows_keep_to_area_and_shape():
    height, width = 120, 160
    left, right, top, bottom = windows(encoded(ramp(height, width)), 200)
    across, down = right - left, bottom - top
    assert (across * down).min() > AREA_RANGE[0] - 0.02
    assert (across * down).max() < AREA_RANGE[1] + 0.02
    aspect = across * width / (down * height)
    assert aspect.min() > ASPECT_RATIO_RANGE[0] - 0.06
    assert aspect.max() < ASPECT_RATIO_RANGE[1] + 0.06
    # Spread over the range, and over the image.
    assert (across * down).std() > 0.15
    assert min(left.min(), top.min()) < 0.03
    assert max(right.max(), bottom.max()) > 0.97
