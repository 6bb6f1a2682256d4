"""Looks at every image before training: which cannot be decoded, and why; how the others lie, and how large they are.

Every image is decoded once, in parallel, by the decoder that training uses. That costs less than the reading of one
epoch and buys two things: what a user sees is the whole list, at once; and example ids stay dense and fixed, which
tables, label noise and exact resumption rest on. For a large set of files the result is kept in the user's cache
directory, under a hash of the files' paths, sizes and times of change: the next run does not read them again.
"""

import hashlib
import json
import os
import pathlib
import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ieg_fsr.data.pipeline.encoded_images import EncodedImages
from ieg_fsr.data.sources import image_files
from ieg_fsr.data.sources.image_files import DAMAGED, JPEG, PNG, Header, UndecodableError
from ieg_fsr.files import write_json
from ieg_fsr.quiet_import import without_lines

# Fewer files are decoded faster than a user can wonder what is going on.
CACHED_FROM = 5000
# Images that are waited for together: few, so that Ctrl-C is soon answered.
_TOGETHER = 256
# Of a JPEG an eighth of each side is made, from all of its content: half the time, and the same errors.
_JPEG_RATIO = 8
# What decoders write to stderr about files that are named to the user anyway.
_DECODERS_LINES = re.compile(
    rb" (jpeg_mem|jpeg_handle|png_io)\.cc:\d+\]"
    rb"|^(Corrupt JPEG data|Premature end of JPEG|Improper call to JPEG library|Not a JPEG|Warning: unknown JFIF"
    rb"|Inconsistent progression|Unsupported (marker type|JPEG|color conversion)|Input file read error|Empty input file"
    rb"|(Quantization|Huffman|Arithmetic) table 0x|More samples per pixel|Invalid |Bogus |Unknown Adobe|libpng )"
    # libtiff's begin with the name of a function, or with what Pillow calls the file.
    rb"|^(tempfile\.tif|\w*JPEG\w*|PixarLog\w*|LogLuv\w*|\w*TIFF\w+|\w+Decode\w*): "
)


class Verified(NamedTuple):
    """What was found in N images.

    Attributes:
        sound: those that can be decoded, in their order, with their orientations.
        reasons: by id, rising, why an image cannot be decoded.
        size: height and width, upright, if all that are sound have one size.
    """

    sound: EncodedImages
    reasons: dict[int, str]
    size: tuple[int, int] | None


def verified(images: EncodedImages) -> Verified:
    """Looks at all images. Announces on stdout what takes long."""
    cache = _cache_file(images.names) if images.in_files and len(images) >= CACHED_FROM else None
    found = json.loads(cache.read_text(encoding="utf-8")) if cache and cache.is_file() else None
    if found is None:
        if cache:
            print(f"decoding {len(images):,} images once, to find those that are damaged", flush=True)
        found = _examine_all(images)
        if cache:
            _keep(cache, found)
    reasons = {int(number): reason for number, reason in found["reasons"].items()}
    orientations: np.ndarray = np.ones(len(images), np.uint8)
    orientations[[int(number) for number in found["orientations"]]] = list(found["orientations"].values())
    ids = np.setdiff1d(np.arange(len(images)), list(reasons))
    kept = {"in_files": images.in_files, "orientations": orientations[ids]}
    sound = EncodedImages(images.items[ids].tolist(), images.labels[ids], images.image_size, **kept)
    return Verified(sound, reasons, tuple(found["size"]) if found["size"] else None)


def _examine_all(images: EncodedImages) -> dict[str, Any]:
    """What is kept: reasons, orientations that are not 1, by id as text; and the one size of all, else None."""

    def examine(item: Any) -> Header | str:
        try:
            return _examine(image_files.read(os.fsencode(item)) if images.in_files else item)
        except UndecodableError as error:
            return str(error)

    found: list[Header | str] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool, without_lines(_DECODERS_LINES), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, about what is odd and can be decoded.
        for start in range(0, len(images), _TOGETHER):
            found += pool.map(examine, images.items[start : start + _TOGETHER])
    headers = {number: one for number, one in enumerate(found) if isinstance(one, Header)}
    sizes = {one.size for one in headers.values()}
    return {
        "reasons": {str(number): one for number, one in enumerate(found) if isinstance(one, str)},
        "orientations": {str(number): one.orientation for number, one in headers.items() if one.orientation != 1},
        "size": list(sizes.pop()) if len(sizes) == 1 else None,
    }


def _examine(content: bytes) -> Header:
    """Decodes an image. Raises: UndecodableError."""
    header = image_files.header(content)
    try:
        with tf.device("CPU:0"):
            if content.startswith(JPEG):
                tf.io.decode_jpeg(content, channels=3, ratio=_JPEG_RATIO)
            elif content.startswith(PNG):
                tf.io.decode_png(content, channels=3)
            else:
                image_files.pixels(content)
    except tf.errors.OpError:
        raise UndecodableError(DAMAGED) from None
    return header


def _keep(cache: pathlib.Path, found: dict[str, Any]) -> None:
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        write_json(cache, found)
    except OSError:
        pass  # The cache saves time only.


def _cache_file(paths: list[str]) -> pathlib.Path:
    """Where the result for these files, as they are now, is kept."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            status = os.stat(path)
            state = f"{os.path.abspath(path)}\0{status.st_size}\0{status.st_mtime_ns}\n"
        except (OSError, ValueError):
            state = f"{path}\0missing\n"
        digest.update(state.encode("utf-8", "surrogateescape"))
    root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(root, "ieg_fsr", f"images-{digest.hexdigest()[:32]}.json")
