"""Many images in one. NumPy only."""

import numpy as np


def image_grid(images: np.ndarray, columns: int, gap: int = 0) -> np.ndarray:
    """Puts images into rows, each above the next; what is left of the last row is black.

    Args:
        images: [n, H, W, channels].
        columns: images in a row.
        gap: black pixels right of and below each image.

    Returns:
        [rows * (H + gap), columns * (W + gap), channels], of the type of `images`.
    """
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    places = np.zeros((rows * columns, height + gap, width + gap, channels), images.dtype)
    places[:count, :height, :width] = images
    grid = places.reshape(rows, columns, height + gap, width + gap, channels).transpose(0, 2, 1, 3, 4)
    return grid.reshape(rows * (height + gap), columns * (width + gap), channels)


def displayable(images: np.ndarray) -> np.ndarray:
    """Images [n, H, W, channels] with one channel or three: of other numbers the first is shown, as grey."""
    return images if images.shape[-1] in (1, 3) else images[..., :1]
