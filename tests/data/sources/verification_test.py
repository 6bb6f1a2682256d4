import json
import os
import pathlib
import struct

import numpy as np
import pytest
from PIL import ExifTags, Image

from ieg_fsr.data.pipeline.encoded_images import EncodedImages
from ieg_fsr.data.sources import image_files, verification
from ieg_fsr.data.sources.verification import verified


@pytest.fixture
def paths(tmp_path, write_image):
    """Eight images; 2 is cut off, 5 is text, 6 is not there."""
    paths = [write_image(tmp_path / f"{k}.jpg", 60, 80) for k in range(8)]
    paths[2].write_bytes(paths[2].read_bytes()[:500])
    paths[5].write_text("<html>404</html>")
    paths[6].unlink()
    return [str(path) for path in paths]


REASONS = {2: "damaged", 5: "of no known format", 6: "no such file"}


def source(paths):
    return EncodedImages(paths, np.zeros(len(paths), int), 16)


def reasons(paths):
    return verified(source(paths)).reasons


def test_finds_all_and_says_why(paths):
    found = verified(source(paths))
    assert found.reasons == REASONS
    assert found.sound.names == [paths[k] for k in (0, 1, 3, 4, 7)]
    assert found.size == (60, 80)
    assert reasons(paths[:2]) == {}
    assert verified(source([]))[1:] == ({}, None)


def test_contents_in_memory():
    assert verified(EncodedImages([b"no image", b""], [0, 0], 16, in_files=False)).reasons == {
        0: "of no known format",
        1: "empty",
    }


def test_one_size_is_that_of_the_upright_images(tmp_path, write_image):
    """Two photographs of 60x80, the second stored lying on its side."""
    paths = [str(write_image(tmp_path / "0.jpg", 60, 80)), str(tmp_path / "1.jpg")]
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (60, 80)).save(paths[1], exif=exif)
    found = verified(source(paths))
    assert found.size == (60, 80)
    assert found.sound.orientations.tolist() == [1, 6]
    assert verified(source([*paths, str(write_image(tmp_path / "2.jpg", 80, 60))])).size is None


def test_few_files_are_not_cached(paths, cache_home, capsys):
    before = set(cache_home.rglob("*"))
    verified(source(paths))
    assert set(cache_home.rglob("*")) == before
    assert capsys.readouterr().out == ""


def test_many_files_are_decoded_once_until_one_changes(paths, monkeypatch, capsys, write_image):
    monkeypatch.setattr(verification, "CACHED_FROM", 8)
    assert reasons(paths) == REASONS
    assert "decoding 8 images once" in capsys.readouterr().out
    with monkeypatch.context() as patch:
        patch.setattr(verification, "_examine_all", lambda images: pytest.fail("must not decode again"))
        assert reasons(paths) == REASONS
    write_image(pathlib.Path(paths[5]), 60, 80)
    assert reasons(paths) == {2: REASONS[2], 6: REASONS[6]}
    os.utime(paths[0], ns=(1, 1))
    assert reasons(paths) == {2: REASONS[2], 6: REASONS[6]}


def test_a_cache_that_cannot_be_written_is_done_without(paths, monkeypatch, tmp_path):
    monkeypatch.setattr(verification, "CACHED_FROM", 1)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert reasons(paths) == REASONS


def test_the_cache_is_plain(paths, monkeypatch, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 8
    Image.new("RGB", (60, 80)).save(paths[0], exif=exif)
    monkeypatch.setattr(verification, "CACHED_FROM", 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = verified(source(paths))
    [file] = (tmp_path / "cache" / "ieg_fsr").iterdir()
    assert json.loads(file.read_text()) == {
        "reasons": {str(number): why for number, why in REASONS.items()},
        "orientations": {"0": 8},
        "size": [60, 80],
    }
    again = verified(source(paths))
    assert again[1:] == first[1:]
    assert again.sound.orientations.tolist() == first.sound.orientations.tolist() == [8, 1, 1, 1, 1]


def test_an_image_of_more_pixels_than_any_camera_takes(tmp_path, monkeypatch):
    for ending in ("png", "gif", "jpg", "bmp", "tif", "webp", "jp2"):
        Image.new("L", (40, 25)).save(tmp_path / f"a.{ending}")
    paths = [str(path) for path in sorted(tmp_path.iterdir())]
    monkeypatch.setattr(image_files, "LARGEST_PIXELS", 1000)
    assert reasons(paths) == {}
    monkeypatch.setattr(image_files, "LARGEST_PIXELS", 999)
    assert reasons(paths) == dict.fromkeys(range(7), "more than 134,217,728 pixels")


def tiff(width, height):
    """The header of a TIFF file, uncompressed, of one bit a pixel, that claims these sides."""
    tags = {256: width, 257: height, 258: 1, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: width * height // 8}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def test_what_would_fill_the_memory_is_not_decoded(tmp_path, monkeypatch):
    """Genuine, but for the TIFF file: 12,000 x 12,000 pixels of one bit in some kilobytes; 10^9 pixels of a header."""
    Image.new("1", (12_000, 12_000)).save(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size < 100_000
    (tmp_path / "b.tif").write_bytes(tiff(31_623, 31_623))
    (tmp_path / "c.tif").write_bytes(tiff(80, 60))
    decoded = []
    monkeypatch.setattr(image_files, "pixels", lambda content: decoded.append(content))
    monkeypatch.setattr(verification.tf.io, "decode_png", lambda *_, **__: pytest.fail("must not decode"))
    too_large = "more than 134,217,728 pixels"
    assert reasons([str(tmp_path / name) for name in ("a.png", "b.tif", "c.tif")]) == {0: too_large, 1: too_large}
    assert decoded == [tiff(80, 60)]


def test_libjpegs_own_lines_are_held_back(paths, capfd):
    content = bytearray(pathlib.Path(paths[0]).read_bytes())
    scan = content.index(b"\xff\xda")
    content[scan + 40 : scan + 60] = bytes(20)
    for path in paths[:2]:
        pathlib.Path(path).write_bytes(content[: -len(content) // 3])
    plain = EncodedImages([paths[0]], [0], 16)
    with pytest.raises(Exception, match="JPEG"):
        plain.images([0])
    assert "JPEG" in capfd.readouterr().err
    assert 0 in reasons(paths)
    assert capfd.readouterr().err == ""
