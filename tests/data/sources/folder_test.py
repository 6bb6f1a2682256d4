"""Folders of image files, as users have them."""

import numpy as np
import pytest

from ieg_fsr.data.sources.datasets import load_dataset
from ieg_fsr.errors import UserError


@pytest.fixture(scope="module")
def folder(tmp_path_factory, write_image):
    """Two classes in three sizes and five formats, and two files that are no images; class b has no test image."""
    root = tmp_path_factory.mktemp("folder")
    for k, (size, name, mode) in enumerate(
        [
            ((30, 40), "b/2.jpg", "RGB"),
            ((64, 48), "b/10.JPEG", "L"),
            ((100, 20), "b/1.png", "RGBA"),
            ((30, 40), "A/x.bmp", "RGB"),
            ((64, 48), "A/y.webp", "RGB"),
            ((30, 30), "A/z.gif", "P"),
        ]
    ):
        write_image(root / "train" / name, *size, mode=mode, seed=k)
    write_image(root / "train" / "A" / "0.jpg").write_bytes(b"")
    (root / "train" / "b" / "3.png").write_text("not found")
    (root / "train" / "b" / "notes.txt").write_text("no image")
    write_image(root / "train" / "b" / ".hidden.png")
    write_image(root / "train" / ".trash" / "a.png")
    write_image(root / "test" / "A" / "0.png")
    return root


def names(source):
    return [name.rpartition("/")[2] for name in source.names]


def test_classes_and_files_in_the_order_of_their_names(folder):
    data = load_dataset(f"folder:{folder}", image_size=24)
    assert data.class_names == ("A", "b")
    assert names(data.train) == ["x.bmp", "y.webp", "z.gif", "1.png", "10.JPEG", "2.jpg"]
    assert data.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.train.images(range(6)).shape == (6, 24, 24, 3)


def test_the_order_of_the_directory_does_not_matter(folder, monkeypatch):
    reference = load_dataset(f"folder:{folder}", image_size=24)
    listed = type(folder).iterdir
    monkeypatch.setattr(type(folder), "iterdir", lambda path: reversed(sorted(listed(path))))
    assert load_dataset(f"folder:{folder}", image_size=24).train.names == reference.train.names


def test_corrupt_images_are_left_out_and_named(folder):
    data = load_dataset(f"folder:{folder}")
    corrupt = [str(folder / "train" / name) for name in ("A/0.jpg", "b/3.png")]
    assert list(data.damaged_files) == corrupt
    assert data.notes == (f"2 images cannot be decoded and are left out: {', '.join(corrupt)}",)
    assert data.train.image_shape == (224, 224, 3)


def test_strict_data_names_the_first(folder):
    with pytest.raises(UserError) as caught:
        load_dataset(f"folder:{folder}", strict_data=True)
    assert str(caught.value) == (
        f"--strict_data wants images that can all be decoded. Received: {folder}/train/A/0.jpg and 1 more"
    )


@pytest.mark.parametrize("part", ["test", "val", "validation"])
def test_names_of_the_test_part_and_a_class_without_test_images(part, tmp_path, write_image):
    for name in ("train/a/0.png", "train/b/0.png", f"{part}/b/1.png"):
        write_image(tmp_path / name)
    data = load_dataset(f"folder:{tmp_path}")
    assert data.test.labels.tolist() == [1]
    assert data.num_classes == 2
    assert data.notes == ()


def test_a_second_test_part_is_said_not_to_be_used(tmp_path, write_image):
    for name in ("train/a/0.png", "train/b/0.png", "val/b/1.png", "test/a/1.png"):
        write_image(tmp_path / name)
    data = load_dataset(f"folder:{tmp_path}")
    assert data.test.labels.tolist() == [0]
    assert data.notes == (f"--dataset=folder:{tmp_path}: val is not used, test is the test split",)


@pytest.mark.parametrize("part", ["", "train"])
def test_without_a_test_part_some_images_are_held_out(part, tmp_path, write_image):
    for label, shade in (("a", 10), ("b", 200)):
        for k in range(10):
            write_image(tmp_path / part / label / f"{k}.png", shade=shade)
    data = load_dataset(f"folder:{tmp_path}", image_size=16)
    assert (len(data.train), len(data.test)) == (18, 2)
    assert data.test.images([0, 1])[:, 0, 0, 0].tolist() == [10, 200]
    assert not set(data.train.names) & set(data.test.names)
    [note] = data.notes
    assert "no test split" in note
    assert "2 of 20 images" in note


def complaint(path, **options):
    with pytest.raises(UserError) as caught:
        load_dataset(f"folder:{path}", **options)
    message = str(caught.value)
    assert "\n" not in message
    assert "Received: " in message
    return message


def test_a_missing_folder(tmp_path):
    assert complaint(tmp_path / "no") == (
        f"--dataset=folder:DIR must name an existing directory. Received: folder:{tmp_path}/no"
    )


def test_no_class_and_one_class(tmp_path, write_image):
    write_image(tmp_path / "loose.png")
    assert complaint(tmp_path).endswith("two or more classes in " + f"{tmp_path}. Received: no folder")
    write_image(tmp_path / "cats" / "0.png")
    assert complaint(tmp_path).endswith("Received: cats only")


@pytest.mark.parametrize("pair", [("Cat", "cat"), ("cat", "cat "), ("my cat", "My  Cat")])
def test_colliding_names(pair, tmp_path, write_image):
    for name in pair:
        write_image(tmp_path / name / "0.png")
    first, second = sorted(pair)
    assert complaint(tmp_path).endswith(f"differ in more than case and blanks. Received: {first!r} and {second!r}")


def test_a_class_without_an_image(tmp_path, write_image):
    write_image(tmp_path / "a" / "0.png")
    (tmp_path / "b").mkdir()
    assert complaint(tmp_path).endswith(f"Received: none in {tmp_path / 'b'}")


def test_an_unknown_class_in_the_test_part(tmp_path, write_image):
    for name in ("train/a/0.png", "train/b/0.png", "test/c/1.png"):
        write_image(tmp_path / name)
    assert complaint(tmp_path).endswith("must have the classes of test in train too. Received: c")


def test_a_test_part_without_a_training_part(tmp_path, write_image):
    write_image(tmp_path / "test" / "a" / "0.png")
    assert "must have a folder train beside test" in complaint(tmp_path)


def test_no_readable_image(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.jpg").write_text("x")
    assert complaint(tmp_path).endswith(f"Received: 2 images that cannot, such as {tmp_path}/a/0.jpg")


def test_a_single_image_of_a_class_is_enough_with_a_test_part(tmp_path, write_image):
    for name in ("train/a/0.png", "train/b/0.png", "test/a/1.png"):
        write_image(tmp_path / name)
    assert np.bincount(load_dataset(f"folder:{tmp_path}").train.labels).tolist() == [1, 1]
