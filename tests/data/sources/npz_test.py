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
WORDS = np.array(["dog", "cat"])[Y]


@pytest.mark.parametrize(
    ("arrays", "part"),
    [
        ({"x": X, "y": Y}, "must have x_train and y_train, and perhaps x_test and y_test. Received: x, y"),
        ({"x_train": X}, "Received: x_train"),
        ({}, "Received: an empty archive"),
        ({"x_train": X, "y_train": Y, "x_test": X}, "must have x_test together with y_test. Received: no y_test"),
        ({"x_train": X, "y_train": Y[:3]}, "x_train and y_train: .* must have one length. Received: 4 and 3"),
        ({"x_train": X[0], "y_train": Y}, r"images must be uint8 .* Received: uint8 \[5, 5\]"),
        ({"x_train": X, "y_train": Y * 0.5}, "labels must be integers .* Received: float64"),
        ({"x_train": X, "y_train": np.eye(2, dtype=int)[Y]}, r"labels must be integers .* \[4, 2\]"),
        ({"x_train": X, "y_train": Y - 2}, "two or more classes in y_train. Received: 0"),
        ({"x_train": np.zeros((4, 13, 32, 32), np.uint8), "y_train": Y}, r"moveaxis.* Received: \[4, 13, 32, 32\]"),
        ({"x_train": X - 1.0, "y_train": Y}, r"x_train: must have pixels in \[0, 1\] or .* Received: -1..-1"),
        ({"x_train": X + np.nan, "y_train": Y}, "must have pixels in .* Received: nan..nan"),
        ({"x_train": X + 300.0, "y_train": Y}, "must have pixels on one scale.* Received: 300..300"),
        ({"x_train": X.astype(int) + 2**16, "y_train": Y}, "must have pixels on one scale.* Received: 65536..65536"),
        ({"x_train": X + 0.5, "y_train": Y, "x_test": X + 9.0, "y_test": Y}, "x_train: must have pixels on one scale"),
        ({"x_train": X, "y_train": WORDS, "x_test": X, "y_test": Y}, "throughout .* Received: texts in y_train alone"),
        ({"x_train": X, "y_train": WORDS, "x_test": X, "y_test": np.repeat("owl", 4)}, "training part too.* owl"),
        ({"x_train": X, "y_train": ["cat", "Cat", "dog", "dog"]}, "y_train: must have .* differ in more than case"),
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


def parts(tmp_path, **arrays):
    """Training images and labels, class names, and the line about what was done, of an archive with a test part."""
    labels = {"y_train": Y, "y_test": Y} | {name: array for name, array in arrays.items() if name[0] == "y"}
    data = load_npz(save(tmp_path / "d.npz", **{"x_test": arrays["x_train"]} | arrays | labels))
    return data.train.images(range(4)), data.train.labels.tolist(), data.class_names, "".join(data.notes)


PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 7, 3), np.uint8)
PIXELS[0, 0, 0] = 255


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_that_come_first_are_put_last(tmp_path, channels):
    last = np.random.default_rng(0).integers(0, 256, (4, 6, 7, channels), np.uint8)
    first = np.moveaxis(last, -1, 1)
    images, _, _, note = parts(tmp_path, x_train=first)
    np.testing.assert_array_equal(images, last)
    assert note.endswith(f"d.npz: channels come first and are put last: [6, 7, {channels}]")
    assert image_side(str(tmp_path / "d.npz")) == 7


@pytest.mark.parametrize(
    ("array", "note"),
    [
        (PIXELS / 255, "float64 0..1 times 255, in whole numbers"),
        ((PIXELS / 255).astype(np.float16), "float16 0..1 times 255, in whole numbers"),
        (PIXELS.astype(np.float32), "float32 0..255 taken as they are, in whole numbers"),
        (PIXELS.astype(np.int64), "int64 0..255 taken as they are, in whole numbers"),
        (PIXELS.astype(np.uint16) * 257, "uint16 0..65535 times 0.003891, in whole numbers"),
        (PIXELS.astype(np.int32) * 16, "int32 0..4080 times 0.06227, in whole numbers"),
    ],
)
def test_pixels_on_another_scale(tmp_path, array, note):
    images, _, _, said = parts(tmp_path, x_train=array)
    np.testing.assert_allclose(images.astype(int), PIXELS, atol=1 if "4080" in note else 0)
    assert said.endswith(f"d.npz: {note}")


def test_both_parts_are_on_the_scale_of_the_brighter_one(tmp_path):
    images, *_ = parts(tmp_path, x_train=X.astype(int) + 2570, x_test=X.astype(int) + 65535)
    assert np.unique(images).tolist() == [10]


@pytest.mark.parametrize(
    ("labels", "numbers", "names", "note"),
    [
        ([3.0, 1.0, 2.0, 3.0], [2, 0, 1, 2], ("1", "2", "3"), "y_train has whole numbers as float64"),
        ([3, 1, 2, 3], [2, 0, 1, 2], ("1", "2", "3"), "3 of the class numbers 0..3: those are the classes"),
        ([7, 0, 7, 5_000_000], [1, 0, 1, 2], ("0", "7", "5000000"), "3 of the class numbers 0..5000000"),
        ([True, False, True, True], [1, 0, 1, 1], ("0", "1"), ""),
        (["dog", "cat ", "dog", "cat"], [1, 0, 1, 0], ("cat", "dog"), "texts of y_train are the names of 2 classes"),
        ([b"dog", b"cat", b"dog", b"cat"], [1, 0, 1, 0], ("cat", "dog"), "texts of y_train are the names of 2 classes"),
        (["10", "9", "10", "9"], [1, 0, 1, 0], ("9", "10"), "texts of y_train are the names of 2 classes"),
    ],
)
def test_labels_as_people_write_them(tmp_path, labels, numbers, names, note):
    _, found, class_names, said = parts(tmp_path, x_train=X, y_train=np.array(labels), y_test=np.array(labels)[:4])
    assert (found, class_names) == (numbers, names)
    assert note in said


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
