"""Tests of training data from a folder of images, through the public name."""

import numpy as np
import pytest

import ieg_fsr
from ieg_fsr.errors import UserError


@pytest.fixture(scope="module")
def photos(tmp_path_factory, write_image):
    """Two classes of three images, one shade each."""
    root = tmp_path_factory.mktemp("photos")
    for label, name in enumerate(("dark", "light")):
        for k in range(3):
            write_image(root / "all" / name / f"{k}.png", 30, 40 + k, shade=100 * label + 10 * k)
    write_image(root / "test" / "light" / "0.png", shade=200)
    return root


def test_labels_and_names_are_the_folders(photos):
    data = ieg_fsr.examples_from_directory(photos / "all", image_size=16, batch_size=2)
    assert data.class_names == ("dark", "light")
    assert data.given_labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.source.names[4] == str(photos / "all" / "light" / "1.png")
    for x, y, ids in data.batches(0, 3).as_numpy_iterator():
        assert (x.shape, x.dtype) == ((2, 16, 16, 3), np.uint8)
        np.testing.assert_array_equal(x[:, 0, 0, 0], 100 * y + 10 * (ids % 3))


def test_other_images_take_the_labels_of_the_first(photos):
    data = ieg_fsr.examples_from_directory(photos / "test", 16, 1, class_names=("dark", "light"))
    assert data.given_labels.tolist() == [1]
    with pytest.raises(UserError, match=r"directory=.*must have the classes of test.*Received: light"):
        ieg_fsr.examples_from_directory(photos / "test", 16, 1, class_names=("dark", "night"))


def test_a_corrupt_file_is_left_out_with_a_warning(photos, tmp_path, write_image):
    for name in ("a", "b"):
        write_image(tmp_path / name / "0.png", shade=7)
    (tmp_path / "a" / "1.jpg").write_text("gone")
    (tmp_path / "a" / "notes.txt").write_text("no image")
    with (
        pytest.warns(UserWarning, match=r"directory=.*: left out: 1 \.txt$"),
        pytest.warns(UserWarning, match=r"1 images cannot be .* out \(1 of no known format\): .*a/1\.jpg"),
    ):
        data = ieg_fsr.examples_from_directory(tmp_path, 8, 1)
    assert [name[-7:] for name in data.source.names] == ["a/0.png", "b/0.png"]
    (tmp_path / "a" / "notes.txt").unlink()
    write_image(tmp_path / "c" / "0.png", shade=9)
    (tmp_path / "b" / "0.png").write_text("gone")
    with pytest.warns(UserWarning, match="left out"):
        data = ieg_fsr.examples_from_directory(tmp_path, 8, 1)
    assert (data.class_names, data.given_labels.tolist()) == (("a", "c"), [0, 1])
    for name in ("a", "c"):
        (tmp_path / name / "0.png").write_text("gone")
    with pytest.raises(UserError, match=r"must hold images that can be decoded. Received: 4 that cannot"):
        ieg_fsr.examples_from_directory(tmp_path, 8, 1)


@pytest.mark.parametrize(
    ("directory", "options", "message"),
    [
        ("none", {}, "directory must be an existing one. Received: .*none"),
        ("test", {}, r"directory=.* must have a folder for each of two or more classes .*Received: light only"),
        ("all", {"image_size": 0}, "image_size must be at least 1. Received: 0"),
        ("all", {"batch_size": 7}, r"batch_size must be in 1..6 .*Received: 7"),
    ],
)
def test_what_cannot_be_read_is_named(photos, directory, options, message):
    with pytest.raises(UserError, match=message):
        ieg_fsr.examples_from_directory(photos / directory, **({"image_size": 8, "batch_size": 2} | options))
