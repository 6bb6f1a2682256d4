import json
import os
import pathlib

import numpy as np
import pytest
from PIL import Image

from ieg_fsr.data.pipeline.encoded_images import EncodedImages
from ieg_fsr.data.sources import verification
from ieg_fsr.data.sources.verification import damaged_ids


@pytest.fixture
def paths(tmp_path, write_image):
    """Eight images; 2 is cut off, 5 is text, 6 is not there."""
    paths = [write_image(tmp_path / f"{k}.jpg", 60, 80) for k in range(8)]
    paths[2].write_bytes(paths[2].read_bytes()[:500])
    paths[5].write_text("<html>404</html>")
    paths[6].unlink()
    return [str(path) for path in paths]


def source(paths):
    return EncodedImages(paths, np.zeros(len(paths), int), 16)


def test_finds_all(paths):
    assert damaged_ids(source(paths)).tolist() == [2, 5, 6]
    assert damaged_ids(source(paths[:2])).tolist() == []
    assert damaged_ids(source([])).tolist() == []


def test_contents_in_memory():
    assert damaged_ids(EncodedImages([b"no image"], [0], 16, in_files=False)).tolist() == [0]


def test_few_files_are_not_cached(paths, cache_home, capsys):
    before = set(cache_home.rglob("*"))
    damaged_ids(source(paths))
    assert set(cache_home.rglob("*")) == before
    assert capsys.readouterr().out == ""


def test_many_files_are_decoded_once_until_one_changes(paths, monkeypatch, capsys, write_image):
    monkeypatch.setattr(verification, "CACHED_FROM", 8)
    assert damaged_ids(source(paths)).tolist() == [2, 5, 6]
    assert "decoding 8 images once" in capsys.readouterr().out
    with monkeypatch.context() as patch:
        patch.setattr(verification, "_decode_all", lambda images: pytest.fail("must not decode again"))
        assert damaged_ids(source(paths)).tolist() == [2, 5, 6]
    write_image(pathlib.Path(paths[5]), 60, 80)
    assert damaged_ids(source(paths)).tolist() == [2, 6]
    os.utime(paths[0], ns=(1, 1))
    assert damaged_ids(source(paths)).tolist() == [2, 6]


def test_a_cache_that_cannot_be_written_is_done_without(paths, monkeypatch, tmp_path):
    monkeypatch.setattr(verification, "CACHED_FROM", 1)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert damaged_ids(source(paths)).tolist() == [2, 5, 6]


def test_the_cache_is_a_plain_list(paths, monkeypatch, tmp_path):
    monkeypatch.setattr(verification, "CACHED_FROM", 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    damaged_ids(source(paths))
    [file] = (tmp_path / "cache" / "ieg_fsr").iterdir()
    assert json.loads(file.read_text()) == [2, 5, 6]


def test_an_image_of_more_pixels_than_any_camera_takes(tmp_path, monkeypatch):
    for name in ("a.png", "b.gif", "c.jpg"):
        Image.new("L", (40, 25)).save(tmp_path / name)
    paths = [str(path) for path in sorted(tmp_path.iterdir())]
    monkeypatch.setattr(verification, "LARGEST_PIXELS", 1000)
    assert damaged_ids(source(paths)).tolist() == []
    monkeypatch.setattr(verification, "LARGEST_PIXELS", 999)
    assert damaged_ids(source(paths)).tolist() == [0, 1, 2]


def test_a_png_that_would_fill_the_memory(tmp_path):
    """Genuine: 12,000 x 12,000 pixels of one bit in some kilobytes, which TensorFlow would decode."""
    Image.new("1", (12_000, 12_000)).save(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size < 100_000
    assert damaged_ids(source([str(tmp_path / "a.png")])).tolist() == [0]


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
    assert 0 in damaged_ids(source(paths))
    assert capfd.readouterr().err == ""
