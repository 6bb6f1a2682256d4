"""A folder of 500 good images and 200 damaged ones, of every format: none ends a run, and each is counted by a reason.

What is damaged is so by construction, in ways that no decoder can pass over.
"""

import csv
import io
import json
import struct
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image

from ieg_fsr.data.pipeline.encoded_images import EncodedImages
from ieg_fsr.data.sources.verification import verified

HEIGHT, WIDTH = 24, 32
TOO_LARGE = "more than 134,217,728 pixels"
PNG = ("png", b"IDAT", (b"IDAT", 5), (b"IHDR", 4, struct.pack(">II", 50_000, 50_000)))
GIF = ("gif", b"\x2c\0\0\0\0", (b"\x2c\0\0\0\0", 10), (b"GIF8", 6, struct.pack("<HH", 50_000, 50_000)))
# Of each kind the ending; a mark that the pixels of the first frame follow; a byte without which nothing can be read,
# by its distance from a mark; where the sides are, and huge ones.
KINDS = {
    "jpeg": ("jpg", b"\xff\xda", (b"\xff\xc0", 9), (b"\xff\xc0", 5, struct.pack(">HH", 50_000, 50_000))),
    "png": PNG,
    "animated png": PNG,
    "bmp": ("bmp", b"BM", (b"BM", 14), (b"BM", 18, struct.pack("<ii", 50_000, 50_000))),
    "gif": GIF,
    "animated gif": GIF,
    "webp": ("webp", b"VP8 ", (b"VP8 ", 11), (b"VP8 ", 14, struct.pack("<HH", 16_000, 16_000))),
    "animated webp": ("webp", b"VP8 ", (b"VP8 ", 11), (b"VP8X", 12, b"\x80\x3e\0" * 2)),
    "tiff": ("tif", b"II", (b"II", 4), (b"\0\x01\x04\0\x01\0\0\0", 8, struct.pack("<I", 2**30))),
    "jpeg2000": ("jp2", b"\xff\x93", (b"\xff\x52", 1), (b"ihdr", 4, struct.pack(">II", 50_000, 50_000))),
}
# Four of each kind.
VARIANTS = range(4)
STRANGERS = [
    b"<html>404 Not Found</html>",
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    b"PK\3\4",
    b"%PDF-1.7\n",
]


def picture(seed):
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), np.uint8)
    return Image.fromarray(coarse).resize((WIDTH, HEIGHT))


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def usual(kind, seed):
    """A good file, of three frames where it is animated."""
    frames = [picture(seed + k) for k in range(3)]
    more = {"save_all": True, "append_images": frames[1:]} if kind.startswith("animated") else {}
    return encoded(frames[0], kind.split()[-1], **more)


def odd(seed):
    """Good files that are met less often, by their ending: modes, depths, pages, how they lie, a wrong ending."""
    image, lying = picture(seed), Image.Exif()
    few, deep = image.quantize(7), Image.fromarray(np.asarray(image)[..., 0].astype(np.uint16) << 8)
    lying[ExifTags.Base.Orientation] = 6
    return [
        ("jpg", encoded(image.convert("CMYK"), "jpeg")),
        ("jpg", encoded(image.convert("L"), "jpeg", progressive=True)),
        ("jpg", encoded(image, "jpeg", exif=lying)),
        ("jpg", encoded(image, "webp")),
        ("png", encoded(deep, "png")),
        ("png", encoded(few, "png", transparency=3)),
        ("png", encoded(image.convert("LA"), "png")),
        ("png", encoded(image.convert("1"), "png")),
        ("bmp", encoded(few, "bmp")),
        ("gif", encoded(few, "gif", transparency=3)),
        ("webp", encoded(image.convert("RGBA"), "webp", lossless=True)),
        ("tif", encoded(deep, "tiff")),
        ("tif", encoded(image.convert("CMYK"), "tiff", compression="tiff_lzw")),
        ("tif", encoded(image.convert("1"), "tiff", compression="group4")),
        ("tif", encoded(image, "tiff", compression="jpeg", save_all=True, append_images=[picture(seed + 1)])),
    ]


def replaced(content, place, new):
    return content[:place] + new + content[place + len(new) :]


def cut(content, kind, variant):
    """Without most of the first frame's pixels."""
    mark = KINDS[kind][1]
    return content[: content.index(mark) + len(mark) + 12 + variant]


def turned_round(content, kind, _):
    mark, distance = KINDS[kind][2]
    place = content.index(mark) + distance
    return replaced(content, place, bytes([content[place] ^ 0xFF]))


def huge(content, kind, _):
    mark, distance, sides = KINDS[kind][3]
    place = content.index(mark) + distance
    content = replaced(content, place, sides)
    if "png" in kind:
        content = replaced(content, place + 13, struct.pack(">I", zlib.crc32(content[place - 4 : place + 13])))
    return content


def damaged_files():
    """Name, content and reason of 200 files, 20 of each kind."""
    files = []
    for number, (kind, (ending, *_)) in enumerate(KINDS.items()):
        for variant in VARIANTS:
            content = usual(kind, 100 * number + variant)
            for why, result in {
                "empty": b"",
                "of no known format": STRANGERS[variant],
                "damaged": cut(content, kind, variant),
                "damaged ": turned_round(content, kind, variant),
                TOO_LARGE: huge(content, kind, variant),
            }.items():
                files.append((f"{kind}-{len(files)}.{ending}", result, why.strip()))
    return files


def good_files():
    """Name and content of 500 files: ten of each kind that is damaged too, the others odd."""
    files = [(KINDS[kind][0], usual(kind, 5000 + 7 * k)) for kind in KINDS for k in range(10)]
    while len(files) < 500:
        files += odd(9000 + len(files))
    return [(f"good-{k}.{ending}", content) for k, (ending, content) in enumerate(files[:500])]


def test_each_has_its_reason_and_no_good_one_has_any(capfd):
    damaged, good = damaged_files(), good_files()
    assert (len(damaged), len(good)) == (200, 500)
    contents = [content for _, content, _ in damaged] + [content for _, content in good]
    found = verified(EncodedImages(contents, [0] * 700, 16, in_files=False))
    names = {k: name for k, (name, _, _) in enumerate(damaged)}
    assert {names.get(k, k): why for k, why in found.reasons.items()} == {name: why for name, _, why in damaged}
    assert len(found.sound) == 500
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_a_run_on_them(tmp_path, start):
    """In a process of its own, which a decoder might end. Two classes; a tenth of the good images are held out."""
    for k, (name, content) in enumerate([*((name, content) for name, content, _ in damaged_files()), *good_files()]):
        path = tmp_path / "photos" / f"class{k % 2}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    arguments = ("--epochs=1", "--image_size=16", "--batch_size=50", f"--model_dir={tmp_path}/run")
    ended = start("-m", "ieg_fsr.main", f"--dataset=folder:{tmp_path}/photos", *arguments).ended()
    assert (ended.code, ended.err) == (0, "")
    counts = {"damaged": 80, "empty": 40, TOO_LARGE: 40, "of no known format": 40}
    counted = ", ".join(f"{count} {reason}" for reason, count in counts.items())
    assert f"200 images cannot be decoded and are left out ({counted}): " in ended.out
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["corrupt_images"], summary["left_out"]) == (200, counts)
    with open(tmp_path / "run" / "labels.csv", newline="") as file:
        trained = [row["file"].rpartition("/")[2] for row in csv.DictReader(file)]
    assert len(trained) == 450
    assert set(trained) < {name for name, _ in good_files()}
