"""What is in an image file: its header, and the pixels where TensorFlow does not decode them safely. By Pillow.

TensorFlow decodes JPEG and PNG by libjpeg-turbo and libpng. Its own decoder of an animated WebP writes where it must
not and ends the process, so that every other format is left to Pillow.
"""

import io
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ieg_fsr.data.sources.image_lists import SMALL_SIDE

# More than any camera takes (11,585 x 11,585): a file that claims more is made to fill the memory.
LARGEST_PIXELS = 2**27
JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG"
# Pillow has formats that start other programs: a file is none of them, whatever it is named.
_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "JPEG2000")
_STARTS = (JPEG, PNG, b"BM", b"GIF8", b"RIFF", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP", b"\xff\x4f\xff\x51")
_UPRIGHT = range(1, 5)  # EXIF orientations whose rows are rows
# Reasons, as they are counted.
EMPTY, NO_IMAGE, DAMAGED, TOO_LARGE = "empty", "of no known format", "damaged", f"more than {LARGEST_PIXELS:,} pixels"
OTHER_PIXELS = "pixels of an unknown kind"


class UndecodableError(ValueError):
    """An image that cannot be decoded; the message is the reason, in few words that are the same for all alike."""


class Header(NamedTuple):
    """What an image says of itself.

    Attributes:
        size: height and width, upright.
        orientation: EXIF's, 1..8, how the pixels of a JPEG or PNG file lie; 1 for others, which Pillow turns itself.
    """

    size: tuple[int, int]
    orientation: int


def read(path: str | bytes) -> bytes:
    """The content of an image file.

    Raises:
        UndecodableError: it is no file, or cannot be read.
    """
    try:
        if not os.path.isfile(path):  # To read from a pipe would wait for ever.
            raise UndecodableError("no such file")
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise UndecodableError((error.strerror or "cannot be read").lower()) from None


def header(content: bytes) -> Header:
    """Size and orientation, without decoding.

    Raises:
        UndecodableError: empty, no image, damaged, or of more pixels than any camera takes.
    """
    with _opened(content) as image:
        width, height = image.size
        orientation = _orientation(image)
        size = (height, width) if orientation in _UPRIGHT else (width, height)
        return Header(size, orientation if content.startswith((JPEG, PNG)) else 1)


def pixels(content: bytes) -> np.ndarray:
    """The upright image, of an animation the first frame: uint8 [h, w, 3].

    Grey images become three equal channels, transparency is left away, of 16 bits the upper 8 are kept.

    Raises:
        UndecodableError: as `header`, or pixels of a kind that is not read.
    """
    with _opened(content) as image:
        try:
            ImageOps.exif_transpose(image, in_place=True)
        except Exception as error:  # Decoders fail in any way there is.
            raise UndecodableError(DAMAGED) from error
        if image.mode.startswith("I;16"):
            grey = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
            return np.repeat(grey[..., np.newaxis], 3, axis=2)
        if image.mode in ("I", "F"):
            raise UndecodableError(OTHER_PIXELS)
        try:
            return np.asarray(image.convert("RGB"))
        except ValueError as error:
            raise UndecodableError(OTHER_PIXELS) from error


def common_side(paths: Iterable[str]) -> int | None:
    """The longer side of the images, if all have one size up to 64x64; those without a readable header do not count.

    Of larger ones only the first is looked at.
    """
    size = None
    for path in paths:
        try:
            found = header(read(path)).size
        except UndecodableError:
            continue
        if max(found) > SMALL_SIDE or (size and found != size):
            return None
        size = found
    return size and max(size)


def _opened(content: bytes) -> Image.Image:
    if not content:
        raise UndecodableError(EMPTY)
    try:
        image = Image.open(io.BytesIO(content), formats=_FORMATS)
    except Image.DecompressionBombError:
        raise UndecodableError(TOO_LARGE) from None
    except UnidentifiedImageError:
        raise UndecodableError(DAMAGED if content.startswith(_STARTS) else NO_IMAGE) from None
    except Exception as error:
        raise UndecodableError(DAMAGED) from error
    if image.size[0] * image.size[1] > LARGEST_PIXELS:
        raise UndecodableError(TOO_LARGE)
    return image


def _orientation(image: Any) -> int:
    """EXIF's orientation, of TIFF files 1: Pillow gives their size upright. Behind the pixels of PNG is not looked."""
    if image.format == "TIFF" or not {"exif", "XML:com.adobe.xmp", "xmp"} & image.info.keys():
        return 1
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # Of damaged EXIF data nothing is taken.
        return 1
    return found if found in range(1, 9) else 1
