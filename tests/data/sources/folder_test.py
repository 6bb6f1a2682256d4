"""Folders of image files, as users have them."""

import os

import numpy as np
import pytest
from PIL import Image

from ieg_fsr.data.sources.datasets import image_side, load_dataset
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
    assert data.notes == (
        f"--dataset=folder:{folder}: left out: 2 hidden, 1 .txt",
        f"2 images cannot be decoded and are left out (1 empty, 1 of no known format): {', '.join(corrupt)}",
    )
    assert data.left_out == {"hidden": 2, ".txt": 1, "empty": 1, "of no known format": 1}
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


def test_no_class_without_an_image(tmp_path, write_image):
    write_image(tmp_path / "train" / "a" / "0.png")
    (tmp_path / "train" / "b").mkdir()
    (tmp_path / "train" / "c").mkdir()
    (tmp_path / "train" / "c" / "0.heic").write_text("not read")
    assert complaint(tmp_path).endswith("Received: a only")
    write_image(tmp_path / "train" / "d" / "0.png")
    write_image(tmp_path / "test" / "d" / "0.png")
    (tmp_path / "test" / "e").mkdir()
    data = load_dataset(f"folder:{tmp_path}")
    assert data.class_names == ("a", "d")
    assert data.test.labels.tolist() == [1]
    assert data.notes == (
        f"--dataset=folder:{tmp_path}: no class is made of folders without an image: b, c",
        f"--dataset=folder:{tmp_path}: left out: 2 folders without an image, 1 .heic",
    )


def test_no_class_whose_images_are_all_damaged(tmp_path, write_image):
    for name in ("train/a/0.png", "train/b/0.png", "train/c/0.png", "test/c/0.png"):
        write_image(tmp_path / name)
    (tmp_path / "train" / "b" / "0.png").write_bytes(b"")
    data = load_dataset(f"folder:{tmp_path}")
    assert data.class_names == ("a", "c")
    assert (data.train.labels.tolist(), data.test.labels.tolist()) == ([0, 1], [1])
    assert (
        data.notes[-1] == f"--dataset=folder:{tmp_path}: no training example of class b, which is left out; 2 classes"
    )
    (tmp_path / "train" / "c" / "0.png").write_bytes(b"")
    assert complaint(tmp_path).endswith("must have training images of two or more classes. Received: a")
    write_image(tmp_path / "train" / "b" / "0.png")
    assert complaint(tmp_path).endswith("classes of the test part in the training part too. Received: c")


def test_what_lies_beside_and_between_images(tmp_path, write_image):
    """As people have them: what programs leave, folders within a class, links, no images; counted by reason."""
    wanted = ["a/0.png", "a/1.JPG", "a/sub/deeper/2.png", "a/sub2/1.tif", "b/0.jp2", "b/1.tiff", "b/2.webp"]
    for name in wanted:
        write_image(tmp_path / "train" / name)
    for name in ("__MACOSX/a/._0.png", ".ipynb_checkpoints/0.png", "a/.ipynb_checkpoints/0.png", "a/@eaDir/0.png"):
        write_image(tmp_path / "train" / name)
    for name in ("a/Thumbs.db", "a/sub/README", "b/film.mp4", "labels.csv"):
        (tmp_path / "train" / name).write_text("no image")
    write_image(tmp_path / "train" / "loose.png")
    write_image(tmp_path / "test" / "a" / "0.png")
    write_image(tmp_path / "elsewhere.png")
    (tmp_path / "train" / "b" / "3.png").symlink_to(tmp_path / "elsewhere.png")
    (tmp_path / "train" / "b" / "4.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "train" / "a" / "sub" / "back").symlink_to(tmp_path / "train" / "a")
    os.mkfifo(tmp_path / "train" / "b" / "5.png")
    data = load_dataset(f"folder:{tmp_path}", image_size=16)
    assert [name.removeprefix(f"{tmp_path}/train/") for name in data.train.names] == [*wanted, "b/3.png"]
    assert data.train.labels.tolist() == [0] * 4 + [1] * 4
    assert data.left_out == {
        **{"hidden": 4, "beside the folders of classes": 2, "links to a folder above": 1, "no such file": 1},
        **{"neither file nor folder": 1, ".db": 1, ".mp4": 1, "without an ending": 1},
    }
    assert data.damaged_files == (f"{tmp_path}/train/b/4.png",)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_nobody_may_read(tmp_path, write_image):
    for name in ("train/a/0.png", "train/b/0.png", "train/c/0.png", "test/a/0.png"):
        write_image(tmp_path / name)
    (tmp_path / "train" / "c").chmod(0)
    assert load_dataset(f"folder:{tmp_path}").left_out == {
        "folders that cannot be read": 1,
        "folders without an image": 1,
    }
    (tmp_path / "train" / "c").chmod(0o700)


def test_small_images_of_one_size_are_held_as_they_are(tmp_path, write_image):
    for k in range(5):
        for label in ("a", "b"):
            write_image(tmp_path / "train" / label / f"{k}.png", 20, 28, seed=k)
    write_image(tmp_path / "test" / "a" / "0.png", 20, 28)
    data = load_dataset(f"folder:{tmp_path}")
    assert data.train.image_shape == (20, 28, 3)
    with Image.open(data.train.names[7]) as image:
        np.testing.assert_array_equal(data.train.images([7])[0], np.asarray(image))
    assert image_side(f"folder:{tmp_path}") == 28
    assert load_dataset(f"folder:{tmp_path}", image_size=24).train.image_shape == (24, 24, 3)
    write_image(tmp_path / "test" / "a" / "1.png", 28, 20)
    assert load_dataset(f"folder:{tmp_path}").train.image_shape == (224, 224, 3)
    assert image_side(f"folder:{tmp_path}") is image_side(f"folder:{tmp_path}/none") is None


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
    assert complaint(tmp_path).endswith(
        f"Received: 2 images that cannot, such as {tmp_path}/a/0.jpg (of no known format)"
    )


def test_a_single_image_of_a_class_is_enough_with_a_test_part(tmp_path, write_image):
    for name in ("train/a/0.png", "train/b/0.png", "test/a/1.png"):
        write_image(tmp_path / name)
    assert np.bincount(load_dataset(f"folder:{tmp_path}").train.labels).tolist() == [1, 1]
