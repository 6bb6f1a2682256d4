"""Small pictures of many examples, packed into sheets that fit into a page."""

import base64
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ieg_fsr.data.sources.image_source import ImageSource
from ieg_fsr.evaluation.image_grid import displayable, image_grid

SHEET_COLUMNS = 10
_SHEET = SHEET_COLUMNS**2  # thumbnails on a sheet
# Raw bytes of all sheets; base64 makes four of three.
BUDGET = 9_000_000
# Longest side in pixels and JPEG quality, from the best on; the first that fits is taken.
_JPEG_STEPS = ((96, 85), (72, 80), (56, 75), (40, 70), (32, 60), (24, 50))
_LARGEST_PNG = 32  # side up to which images are kept as they are, where they fit


class Sheets(NamedTuple):
    """Thumbnails in rows of `SHEET_COLUMNS`; number k is in place k % 100 of sheet k // 100."""

    data: list[str]  # base64 of each sheet
    mime_type: str  # of all of them
    height: int  # of a thumbnail, pixels
    width: int  # of a thumbnail, pixels


def thumbnail_sheets(source: ImageSource, ids: np.ndarray, budget: int = BUDGET) -> Sheets:
    """Makes sheets of the images of `ids` [n], in that order.

    Small images are kept pixel by pixel if they fit into the budget. Otherwise the first sheet tells what size and
    quality is affordable. Args: budget: bytes of all sheets together, before base64; the smallest thumbnails are made
    even if they exceed it.
    """
    chunks = [ids[start : start + _SHEET] for start in range(0, len(ids), _SHEET)]
    height, width, _ = source.image_shape
    if not chunks:
        return Sheets([], "image/png", height, width)
    as_they_are = [(_LARGEST_PNG, None)] if max(height, width) <= _LARGEST_PNG else []
    first = source.images(chunks[0])
    for side, quality in (*as_they_are, *_JPEG_STEPS):
        shape = _fitted(height, width, side)
        allowed = budget * len(chunks[0]) / len(ids)
        if len(_encoded(_sheet(first, shape), quality)) <= allowed:
            break
    data = []
    for chunk in chunks:
        content = _encoded(_sheet(source.images(chunk), shape), quality)
        data.append(base64.b64encode(content).decode("ascii"))
    return Sheets(data, "image/png" if quality is None else "image/jpeg", *shape)


def _sheet(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    images = displayable(images)
    if images.shape[1:3] != shape:
        resized = tf.image.resize(images, shape, method="area")
        images = tf.saturate_cast(tf.round(resized), tf.uint8).numpy()
    return image_grid(images, SHEET_COLUMNS)


def _encoded(sheet: np.ndarray, quality: int | None) -> bytes:
    """PNG where there is no quality, else JPEG with it."""
    if quality is None:
        return tf.io.encode_png(sheet, compression=9).numpy()
    return tf.io.encode_jpeg(sheet, quality=quality, optimize_size=True, chroma_downsampling=False).numpy()


def _fitted(height: int, width: int, side: int) -> tuple[int, int]:
    """The sides of an image brought down to a longest side; small images keep theirs."""
    scale = min(1.0, side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))
