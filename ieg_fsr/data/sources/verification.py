"""Finds the images that cannot be decoded, before training.

Every image is decoded once, in parallel, by the decoder that training uses. That costs about as much as the reading of
one epoch and buys two things: what a user sees is the whole list, at once; and example ids stay dense and fixed, which
tables, label noise and exact resumption rest on. For a large set of files the result is kept in the user's cache
directory, under a hash of the files' paths, sizes and times of change: the next run does not read them again.
"""

import hashlib
import json
import os
import pathlib
import re

import numpy as np
import tensorflow as tf

from ieg_fsr.data.pipeline.decoding import claimed_pixels, decode
from ieg_fsr.data.pipeline.encoded_images import EncodedImages
from ieg_fsr.files import write_json
from ieg_fsr.quiet_import import without_lines

# Fewer files are decoded faster than a user can wonder what is going on.
CACHED_FROM = 5000
# More than any camera takes (11,585 x 11,585): a file that claims more is made to fill the memory.
LARGEST_PIXELS = 2**27
# What decoders write to stderr about files that are named to the user anyway.
_DECODERS_LINES = re.compile(
    rb" (jpeg_mem|jpeg_handle|png_io|gif_io)\.cc:\d+\]"
    rb"|^(Corrupt JPEG data|Premature end of JPEG|Improper call to JPEG library|Invalid SOS parameters|Not a JPEG"
    rb"|Warning: unknown JFIF|Inconsistent progression|Unsupported marker type|Unsupported JPEG|Bogus |libpng )"
)


def damaged_ids(images: EncodedImages) -> np.ndarray:
    """Ids [n] of the images that cannot be read or decoded, rising. Announces on stdout what takes long."""
    cache = _cache_file(images.names) if images.in_files and len(images) >= CACHED_FROM else None
    if cache is None:
        return _decode_all(images)
    if cache.is_file():
        return np.array(json.loads(cache.read_text(encoding="utf-8")), np.int64)
    print(f"decoding {len(images):,} images once, to find those that are damaged", flush=True)
    found = _decode_all(images)
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        write_json(cache, found.tolist())
    except OSError:
        pass  # The cache saves time only.
    return found


def _decode_all(images: EncodedImages) -> np.ndarray:
    def decoded(example_id: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # A pixel has to leave the function, else the decoding would be optimised away.
        content = images.content(example_id)
        with tf.control_dependencies(
            [tf.debugging.assert_less_equal(claimed_pixels(content), tf.constant(LARGEST_PIXELS, tf.int64))]
        ):
            return example_id, decode(tf.identity(content))[0, 0, 0]

    ids = tf.data.Dataset.range(len(images)).map(decoded, num_parallel_calls=tf.data.AUTOTUNE)
    sound: np.ndarray = np.zeros(len(images), bool)
    with without_lines(_DECODERS_LINES):
        for chunk, _ in ids.ignore_errors().batch(256).as_numpy_iterator():
            sound[chunk] = True
    return np.flatnonzero(~sound)


def _cache_file(paths: list[str]) -> pathlib.Path:
    """Where the result for these files, as they are now, is kept."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            status = os.stat(path)
            state = f"{os.path.abspath(path)}\0{status.st_size}\0{status.st_mtime_ns}\n"
        except OSError:
            state = f"{path}\0missing\n"
        digest.update(state.encode("utf-8", "surrogateescape"))
    root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(root, "ieg_fsr", f"corrupt-{digest.hexdigest()[:32]}.json")
