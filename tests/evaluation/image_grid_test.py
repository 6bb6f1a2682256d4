"""Grids by hand."""

import numpy as np

from ieg_fsr.evaluation.image_grid import displayable, image_grid


def test_grid_by_hand():
    images = np.array([[[1, 2]], [[3, 4]], [[5, 6]]])[..., np.newaxis]  # three of 1x2 pixels
    np.testing.assert_array_equal(image_grid(images, 2)[..., 0], [[1, 2, 3, 4], [5, 6, 0, 0]])


def test_gap_by_hand():
    images = np.array([[[1, 2]], [[3, 4]]])[..., np.newaxis]
    np.testing.assert_array_equal(image_grid(images, 2, gap=1)[..., 0], [[1, 2, 0, 3, 4, 0], [0] * 6])


def test_channels():
    assert displayable(np.zeros((2, 4, 4, 3))).shape == (2, 4, 4, 3)
    np.testing.assert_array_equal(displayable(np.arange(2).reshape(1, 1, 1, 2)), [[[[0]]]])
