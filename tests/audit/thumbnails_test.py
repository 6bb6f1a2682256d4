"""Sheets, decoded again."""

import base64

import numpy as np
import tensorflow as tf

from ieg_fsr.audit.thumbnails import thumbnail_sheets
from ieg_fsr.data.sources.image_source import ArraySource


def decoded(sheets, number):
    return tf.io.decode_image(base64.b64decode(sheets.data[number])).numpy()


def test_small_images_are_kept_pixel_by_pixel_in_their_places():
    images = np.random.default_rng(0).integers(0, 256, (150, 8, 6, 1), np.uint8)
    ids = np.arange(150)[::-1]
    sheets = thumbnail_sheets(ArraySource(images, np.zeros(150, int)), ids)
    assert (len(sheets.data), sheets.mime_type, sheets.height, sheets.width) == (2, "image/png", 8, 6)
    for k in (0, 37, 99, 100, 149):
        row, column = divmod(k % 100, 10)
        sheet = decoded(sheets, k // 100)
        np.testing.assert_array_equal(sheet[8 * row : 8 * row + 8, 6 * column : 6 * column + 6], images[ids[k]])


def test_a_budget_is_kept_by_smaller_pictures():
    images = np.random.default_rng(0).integers(0, 256, (200, 64, 128, 3), np.uint8)  # noise: the worst case
    source = ArraySource(images, np.zeros(200, int))
    large, small = (thumbnail_sheets(source, np.arange(200), budget) for budget in (10**8, 400_000))
    assert (large.height, large.width, large.mime_type) == (48, 96, "image/jpeg")
    assert small.width < 96
    assert sum(len(base64.b64decode(sheet)) for sheet in small.data) < 1.1 * 400_000


def test_a_large_image_is_averaged():
    halves = np.zeros((1, 256, 256, 1), np.uint8)
    halves[:, :, 128:] = 200
    sheet = decoded(thumbnail_sheets(ArraySource(halves, [0]), np.array([0])), 0)
    assert abs(int(sheet[48, 10, 0])) < 8
    assert abs(int(sheet[48, 86, 0]) - 200) < 8


def test_no_image_and_two_channels():
    source = ArraySource(np.full((2, 8, 8, 2), 7, np.uint8), [0, 1])
    assert thumbnail_sheets(source, np.arange(0)).data == []
    assert decoded(thumbnail_sheets(source, np.arange(2)), 0).shape == (8, 80, 1)
