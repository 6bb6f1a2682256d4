"""Damaged images in folders."""

import io
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

from launch.fuzz.cases import EITHER, FINISHED, REFUSED, Case, pick
from launch.fuzz.damage import damaged

FORMATS = {".jpg": "JPEG", ".png": "PNG", ".bmp": "BMP", ".gif": "GIF", ".webp": "WEBP"}
WORDS = ("--dataset=folder:data", "--image_size=32", "--epochs=1", "--batch_size=5", "--method=supervised",
         "--network=small_cnn", "--model_dir=run")  # fmt: skip


def image_case(number: int, rng: np.random.Generator, place: pathlib.Path) -> Case:
    """A folder of two classes in which some files are damaged, or all."""
    root, extent = place / "data", pick(rng, ("one", "some", "a class", "all"))
    about, expected = pick(rng, tuple(_STRANGE)) if rng.random() < 0.4 else "bytes", EITHER
    done = set()
    for label in range(2):
        for k in range(10):
            ending = pick(rng, tuple(FORMATS))
            path = root / f"class{label}" / f"{k}{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            content = _encoded(rng, ending)
            chosen = {"one": (label, k) == (0, 0), "some": rng.random() < 0.3, "a class": label == 1, "all": True}
            if chosen[extent]:
                content, what = damaged(content, rng) if about == "bytes" else (_STRANGE[about](content), about)
                done.add(what)
            if content is not None:
                path.write_bytes(content)
            elif about == "links to nowhere":
                path.symlink_to("nowhere.jpg")
            elif about == "links in a circle":
                path.symlink_to(path.name)
            else:
                path.mkdir()
    if about != "bytes":
        sound = about in _SOUND
        expected = FINISHED if sound or extent == "one" else REFUSED if extent == "all" else EITHER
    words = (*WORDS, "--strict_data") if rng.random() < 0.15 else WORDS
    expected = EITHER if "--strict_data" in words else expected
    return Case("inputs", number, words, expected, f"images, {extent}: {', '.join(sorted(done))}",
                ("folder:data", "--strict_data", "--batch_size"))  # fmt: skip


def _encoded(rng: np.random.Generator, ending: str, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    coarse = Image.fromarray(rng.integers(0, 256, (4, 5, 3), np.uint8))
    coarse.resize((int(rng.integers(20, 50)), int(rng.integers(20, 50)))).convert(mode).save(buffer, FORMATS[ending])
    return buffer.getvalue()


def _saved(kind: str, mode: str, side: int = 30) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (side, side)).save(buffer, kind)
    return buffer.getvalue()


def _png(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its few bytes of pixels do not have."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")]
    parts = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _huge_jpeg(content: bytes) -> bytes:
    """A JPEG whose frame header claims 65,500 x 65,500 pixels."""
    jpeg = bytearray(_saved("JPEG", "RGB"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 65500, 65500)
    return bytes(jpeg)


_SOUND = ("grey of 16 bits", "transparent", "a palette", "one pixel", "another format than the ending says", "CMYK")
_STRANGE = {
    "grey of 16 bits": lambda content: _saved("PNG", "I;16"),
    "transparent": lambda content: _saved("PNG", "RGBA"),
    "a palette": lambda content: _saved("GIF", "P"),
    "one pixel": lambda content: _saved("PNG", "RGB", 1),
    "another format than the ending says": lambda content: _saved("BMP", "RGB"),
    "CMYK": lambda content: _saved("JPEG", "CMYK"),
    "TIFF": lambda content: _saved("TIFF", "RGB"),
    "a PNG of no pixels": lambda content: _png(0, 0),
    "a PNG of 2^31 x 2^31 pixels": lambda content: _png(2**31 - 1, 2**31 - 1),
    "a PNG of 13,000 x 13,000 pixels": lambda content: _png(13000, 13000),
    "a JPEG of 65,500 x 65,500 pixels": _huge_jpeg,
    "links to nowhere": lambda content: None,
    "links in a circle": lambda content: None,
    "directories": lambda content: None,
}
