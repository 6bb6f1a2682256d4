"""Tests of `ieg_fsr.data.sources.tar_archive` with archives that attack."""

import gzip
import io
import tarfile

import pytest

from ieg_fsr.data.sources import tar_archive
from ieg_fsr.data.sources.tar_archive import DamagedError, read_members


def member(name, content=b"", kind=tarfile.REGTYPE, target=""):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.size = kind, target, len(content)
    return entry, content


def write(path, *members):
    """An archive of (entry, bytes)."""
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for entry, content in members:
            archive.addfile(entry, io.BytesIO(content))
    return path


def test_wanted_files_are_read_and_others_passed_over(tmp_path):
    path = write(tmp_path / "a.tar.gz", member("x", b"1"), member("./dir/y", b"2"), member("z", b"3"))
    assert read_members(path, {"x", "dir/y", "missing"}) == {"x": b"1", "dir/y": b"2"}


@pytest.mark.parametrize("name", ["wanted", "other"])
def test_an_archive_that_unpacks_to_too_much(tmp_path, monkeypatch, name):
    monkeypatch.setattr(tar_archive, "LARGEST_ARCHIVE", 2**20)
    most = member(name, bytes(700_000))
    assert read_members(write(tmp_path / "a.tar.gz", most), {name})[name] == most[1]
    path = write(tmp_path / "b.tar.gz", most, most)
    assert path.stat().st_size < 20_000
    with pytest.raises(DamagedError, match=r"^must hold at most 1048576 bytes\. Received: more"):
        read_members(path, {"wanted"})


def test_a_sparse_file_whose_holes_take_no_bytes(tmp_path):
    """Written by hand: GNU's old format of a file of 8 TB that has no data at all."""
    header = bytearray(tarfile.TarInfo("wanted").tobuf(tarfile.GNU_FORMAT)[:512])
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[483:495] = b"\x80" + (8 * 2**40).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        file.write(bytes(header) + bytes(1024))
    with pytest.raises(DamagedError, match=r"^must hold at most 1073741824 bytes\. Received: 8796093022208"):
        read_members(tmp_path / "a.tar.gz", {"wanted"})


def test_nothing_leaves_the_archive(tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "data").mkdir()
    path = write(
        tmp_path / "data" / "a.tar.gz",
        member("../escaped", b"out"),
        member(str(tmp_path / "absolute"), b"out"),
        member("link", b"", tarfile.SYMTYPE, str(tmp_path)),
        member("link/through", b"out"),
        member("hard", b"", tarfile.LNKTYPE, "../secret"),
        member("wanted link", b"", tarfile.SYMTYPE, str(tmp_path / "secret")),
        member("pipe", b"", tarfile.FIFOTYPE),
        member("device", b"", tarfile.CHRTYPE),
        member("x", b"1"),
    )
    wanted = {"x", "hard", "wanted link", "pipe", "device"}
    assert read_members(path, wanted) == {"x": b"1"}
    assert sorted(entry.name for entry in tmp_path.rglob("*")) == ["a.tar.gz", "data", "secret"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: b"text",
        lambda content: content[:-6] + b"123456",
        lambda content: gzip.compress(b"no tar" * 200),
    ],
)
def test_damage_is_told_in_one_line(tmp_path, damage):
    path = write(tmp_path / "a.tar.gz", member("x", bytes(range(256)) * 20))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DamagedError, match=r"^must be a complete \.tar\.gz archive\. Received: \S") as caught:
        read_members(path, {"x"})
    assert "\n" not in str(caught.value)
