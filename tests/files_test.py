"""Tests of `ieg_fsr.files`: files appear whole or not at all, and a refused directory leaves nothing behind."""

import csv
import json
import pathlib

import pytest

from ieg_fsr.errors import UserError
from ieg_fsr.files import (
    make_directory,
    parse_json,
    read_json_lines,
    write_columns,
    write_json,
    write_json_lines,
    write_text,
    write_whole,
)


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_text_replaces_the_old_file(tmp_path):
    (tmp_path / "a.txt").write_text("old and longer")
    write_text(tmp_path / "a.txt", "ŷ")
    assert (tmp_path / "a.txt").read_bytes() == "ŷ".encode()
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
def test_interrupted_write_leaves_the_old_file_and_no_litter(tmp_path, kind):
    (tmp_path / "a.txt").write_text("old")

    def half(place):
        pathlib.Path(place).write_text("ne")
        raise kind

    with pytest.raises(kind):
        write_whole(tmp_path / "a.txt", half)
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_the_file_is_not_there_before_it_is_whole(tmp_path):
    seen = []

    def write(place):
        pathlib.Path(place).write_text("ne")
        seen.append((tmp_path / "a.txt").exists())
        pathlib.Path(place).write_text("new")

    write_whole(tmp_path / "a.txt", write)
    assert seen == [False]
    assert (tmp_path / "a.txt").read_text() == "new"


def test_temporary_place_keeps_the_name(tmp_path):
    # Keras decides by the ending which format it writes.
    places = []
    write_whole(tmp_path / "model.keras", lambda place: places.append(place) or pathlib.Path(place).touch())
    assert pathlib.Path(places[0]).name == "model.keras"
    assert pathlib.Path(places[0]).parent.parent == tmp_path


def test_directory_replaces_a_directory(tmp_path):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "old").touch()

    def write(place):
        pathlib.Path(place).mkdir()
        (pathlib.Path(place) / "new").touch()

    write_whole(tmp_path / "saved", write)
    assert names(tmp_path / "saved") == ["new"]
    assert names(tmp_path) == ["saved"]


def test_interrupted_write_of_a_directory_leaves_the_old_one(tmp_path):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "old").touch()

    def half(place):
        pathlib.Path(place).mkdir()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_whole(tmp_path / "saved", half)
    assert names(tmp_path / "saved") == ["old"]
    assert names(tmp_path) == ["saved"]


def test_json(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": None, "list": [0.5]})
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text) == {"b": 1, "a": None, "list": [0.5]}
    assert text.index('"b"') < text.index('"a"')
    assert text.endswith("}\n")


def test_json_refuses_nan_and_keeps_the_old_file(tmp_path):
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", float("nan"))
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json_lines(tmp_path / "a.json", [{"a": float("inf")}])
    assert (tmp_path / "a.json").read_text() == "1\n"


def test_json_lines_come_back(tmp_path):
    rows = [{"epoch": 1, "loss": 0.1}, {"epoch": 2, "loss": None}]
    write_json_lines(tmp_path / "a.jsonl", rows)
    assert read_json_lines(tmp_path / "a.jsonl") == rows
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 2
    write_json_lines(tmp_path / "a.jsonl", [])
    assert read_json_lines(tmp_path / "a.jsonl") == []


def test_json_of_any_depth_is_read_or_refused_as_bad_json():
    assert parse_json("[[1]]") == [[1]]
    for text in ("[" * 100_000, "{", '{"a":' * 100_000):
        with pytest.raises(ValueError, match=r"\S"):
            parse_json(text)


def test_columns(tmp_path):
    write_columns(tmp_path / "a.csv", ["id", "name"], [[0, 1], ["x", 'a, "b"']])
    with open(tmp_path / "a.csv", newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["id", "name"], ["0", "x"], ["1", 'a, "b"']]


def test_columns_of_unequal_length_write_nothing(tmp_path):
    with pytest.raises(ValueError, match="shorter"):
        write_columns(tmp_path / "a.csv", ["id", "name"], [[0, 1], ["x"]])
    assert names(tmp_path) == []


def test_make_directory(tmp_path):
    make_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    assert names(tmp_path / "a" / "b") == []
    (tmp_path / "a" / "b" / "kept").touch()
    make_directory(tmp_path / "a" / "b")
    assert names(tmp_path / "a" / "b") == ["kept"]


@pytest.mark.parametrize("below", ["file", "file/run", "file/deep/run"])
def test_make_directory_below_a_file(tmp_path, below):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(UserError) as caught:
        make_directory(tmp_path / below)
    message = str(caught.value)
    assert message.startswith("--model_dir must be a writable directory (")
    assert message.endswith(f"Received: {tmp_path / below}")
    assert "\n" not in message
    assert (tmp_path / "file").read_text() == "kept"
    assert names(tmp_path) == ["file"]


def test_make_directory_removes_what_it_made(tmp_path, monkeypatch):
    # Stands for a file system that takes directories but no files; a test may run as root, whom modes do not stop.
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("ieg_fsr.files.tempfile.TemporaryFile", refuse)
    (tmp_path / "there").mkdir()
    with pytest.raises(UserError, match=r"writable directory \(Permission denied\)"):
        make_directory(tmp_path / "there" / "a" / "b")
    assert names(tmp_path) == ["there"]
    assert names(tmp_path / "there") == []
