import pathlib
import pickle
import zipfile

import numpy as np
import pytest

from ieg_fsr.data.sources import npz
from ieg_fsr.data.sources.npz import image_side, load_npz
from ieg_fsr.errors import UserError


def save(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


def test_all_four_arrays(tmp_path):
    file = save(
        tmp_path / "d.npz",
        x_train=np.full((6, 5, 4, 3), 7, np.uint8),
        y_train=np.array([0, 2, 1, 0, 2, 1]),
        x_test=np.full((2, 5, 4, 3), 9, np.uint8),
        y_test=np.array([[2], [0]]),
    )
    data = load_npz(file)
    assert data.name == f"npz:{file}"
    assert data.train.image_shape == (5, 4, 3)
    assert data.class_names == ("0", "1", "2")
    assert data.train.labels.tolist() == [0, 2, 1, 0, 2, 1]
    assert data.test.labels.tolist() == [2, 0]
    assert data.test.images([1])[0, 0, 0, 0] == 9
    assert data.notes == ()


@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 1)])
def test_one_channel_and_a_hold_out(tmp_path, shape):
    file = save(tmp_path / "d.npz", x_train=np.zeros((40, *shape), np.uint8), y_train=np.arange(40, dtype=np.uint8) % 2)
    data = load_npz(file)
    assert data.train.image_shape == (6, 4, 1)
    assert (len(data.train), len(data.test)) == (36, 4)
    assert data.test.labels.tolist().count(1) == 2
    assert "no test split" in data.notes[0]


X, Y = np.zeros((4, 5, 5), np.uint8), np.arange(4) % 2


@pytest.mark.parametrize(
    ("arrays", "part"),
    [
        ({"x": X, "y": Y}, "must have x_train and y_train, and perhaps x_test and y_test. Received: x, y"),
        ({"x_train": X}, "Received: x_train"),
        ({}, "Received: an empty archive"),
        ({"x_train": X, "y_train": Y, "x_test": X}, "must have x_test together with y_test. Received: no y_test"),
        ({"x_train": X, "y_train": Y[:3]}, "x_train and y_train: .* must have one length. Received: 4 and 3"),
        ({"x_train": X / 255, "y_train": Y}, "images must be uint8 .* Received: float64"),
        ({"x_train": X[0], "y_train": Y}, r"images must be uint8 .* Received: uint8 \[5, 5\]"),
        ({"x_train": X, "y_train": Y * 0.5}, "labels must be integers .* Received: float64"),
        ({"x_train": X, "y_train": np.eye(2, dtype=int)[Y]}, r"labels must be integers .* \[4, 2\]"),
        ({"x_train": X, "y_train": Y - 2}, "labels must be at least 0, or -1 for none. Received: -2"),
        ({"x_train": X, "y_train": Y * 2 - 1}, "two or more classes in y_train. Received: 1"),
        ({"x_train": X, "y_train": Y * 0}, "two or more classes in y_train. Received: 1"),
        ({"x_train": X[:0], "y_train": Y[:0]}, "two or more classes in y_train. Received: 0"),
        ({"x_train": X, "y_train": Y, "x_test": X[:, :3], "y_test": Y}, "one shape in .* Received: 5x5x1 and 3x5x1"),
        ({"x_train": X, "y_train": Y, "x_test": X, "y_test": Y + 1}, "classes of y_test in y_train too. Received: 2"),
        ({"x_train": X, "y_train": np.array([0, 1, {}, 2], object)}, "must be a whole .npz file of plain arrays"),
    ],
)  # fmt: skip
def test_bad_arrays(tmp_path, arrays, part):
    file = save(tmp_path / "d.npz", **arrays)
    with pytest.raises(UserError, match=part) as caught:
        load_npz(file)
    assert str(caught.value).startswith(f"--dataset=npz:{file}")
    assert "\n" not in str(caught.value)


def test_bad_files(tmp_path):
    with pytest.raises(UserError, match=r"^--dataset=npz:FILE must name an existing file. Received: npz:/no/x.npz$"):
        load_npz("/no/x.npz")
    file = tmp_path / "d.npz"
    whole = pathlib.Path(save(tmp_path / "whole.npz", x_train=X, y_train=Y)).read_bytes()
    for content in (b"", b"text", whole[:300]):
        file.write_bytes(content)
        with pytest.raises(UserError, match=r"must be a whole \.npz file"):
            load_npz(str(file))
        assert image_side(str(file)) is None
    np.save(tmp_path / "a.npy", X)
    with pytest.raises(UserError, match=r"must be a whole \.npz file"):
        load_npz(str(tmp_path / "a.npy"))
    with pytest.raises(UserError, match=r"must be a whole \.npz file"):
        load_npz(str(tmp_path))


@pytest.mark.parametrize(("shape", "side"), [((3, 20, 31), 31), ((3, 40, 20, 3), 40), ((3,), None)])
def test_side_from_the_header(tmp_path, shape, side):
    assert image_side(save(tmp_path / "d.npz", x_train=np.zeros(shape, np.uint8))) == side
    np.savez_compressed(tmp_path / "c.npz", x_train=np.zeros(shape, np.uint8))
    assert image_side(str(tmp_path / "c.npz")) == side


class Marker:
    """Unpickled, it would make a file."""

    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path("executed"),)


def test_pickled_arrays_are_refused_and_not_executed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("d.npz", x_train=np.array([Marker()] * 4, object), y_train=np.arange(4) % 2)
    with np.load("d.npz", allow_pickle=True) as archive:
        _ = archive["x_train"]
    pathlib.Path("executed").unlink()  # The attack works where pickles are allowed.
    with pytest.raises(UserError, match="plain arrays"):
        load_npz("d.npz")
    assert not pathlib.Path("executed").exists()


@pytest.mark.parametrize(
    "header",
    [
        b"__import__('os').system('touch executed')",
        b"(" * 20_000,
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000000,), }",
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (-5,), }",
        b"{'descr': 'O', 'fortran_order': False, 'shape': (1,), }",
    ],
    ids=lambda header: header[:40].decode(),
)
def test_a_hostile_header(tmp_path, monkeypatch, header):
    monkeypatch.chdir(tmp_path)
    content = b"\x93NUMPY\x02\x00" + len(header).to_bytes(4, "little") + header
    with zipfile.ZipFile("d.npz", "w") as archive:
        for key in ("x_train", "y_train"):
            archive.writestr(f"{key}.npy", content)
    image_side("d.npz")  # says nothing, and does not fail
    with pytest.raises(UserError, match=r"^--dataset=npz:d\.npz must .*Received: ") as caught:
        load_npz("d.npz")
    assert "\n" not in str(caught.value)
    assert not pathlib.Path("executed").exists()


def test_an_archive_that_unpacks_to_more_than_the_memory(tmp_path, monkeypatch):
    path = tmp_path / "d.npz"
    np.savez_compressed(path, x_train=np.zeros((4000, 50, 50), np.uint8), y_train=np.arange(4000) % 2)
    assert path.stat().st_size < 100_000
    pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2000}
    monkeypatch.setattr(npz.os, "sysconf", pages.__getitem__)
    with pytest.raises(
        UserError, match=r"must fit into this machine's memory of 0\.0 GiB\. Received: 0\.0 GiB unpacked"
    ):
        load_npz(str(path))
    pages["SC_PHYS_PAGES"] = 3000
    assert load_npz(str(path)).train.image_shape == (50, 50, 1)


@pytest.mark.parametrize("content", [b"", b"hello", pickle.dumps(Marker())], ids=["nothing", "a text", "a pickle"])
def test_a_member_that_is_no_array(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("d.npz", "w") as archive:
        for key in ("x_train", "y_train"):
            archive.writestr(f"{key}.npy", content)
    with pytest.raises(UserError, match=r"plain arrays\. Received: x_train is no array"):
        load_npz("d.npz")
    assert not pathlib.Path("executed").exists()
