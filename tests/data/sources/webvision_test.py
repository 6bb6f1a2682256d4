"""WebVision-mini in the layout of WebVision 1.0."""

import shutil

import pytest

from ieg_fsr.data.sources.datasets import load_dataset
from ieg_fsr.errors import UserError


@pytest.fixture
def copy(webvision, tmp_path):
    return shutil.copytree(webvision, tmp_path / "copy")


def test_the_first_fifty_classes(webvision):
    data = load_dataset("webvision_mini", str(webvision), image_size=24)
    assert data.num_classes == 50
    assert data.class_names[49] == "name 49, other name 49"
    assert data.train.labels.tolist() == [label for label in range(50) for _ in range(2)]
    assert data.train.names[3].endswith("google/q0002/1.jpg")
    assert data.train.image_shape == (24, 24, 3)
    shades = data.test.images(range(50))[:, 12, 12, 0].astype(int)
    assert abs(shades - data.test.labels).max() <= 2
    assert data.extra_tests == {}
    assert data.notes == (f"{webvision}/imagenet has no ImageNet validation images: tested on WebVision's alone",)


def test_imagenet_of_the_same_classes_is_a_second_test_set(copy, write_image):
    for label in (0, 3, 49, 51):
        write_image(copy / "imagenet" / "val" / f"n{label:08}" / "ILSVRC2012_val_00000001.JPEG", shade=label)
    data = load_dataset("webvision_mini", str(copy), image_size=24)
    assert data.extra_tests["imagenet"].labels.tolist() == [0, 3, 49]
    assert data.notes == ()


def test_without_names_of_the_classes(copy):
    (copy / "info" / "synsets.txt").unlink()
    assert load_dataset("webvision_mini", str(copy)).class_names[:2] == ("0", "1")


def test_a_listed_file_that_is_missing_counts_as_corrupt(copy):
    (copy / "google" / "q0002" / "1.jpg").unlink()
    (copy / "val_images_256" / "val000050.jpg").write_text("x")
    data = load_dataset("webvision_mini", str(copy))
    assert (len(data.train), len(data.test)) == (99, 49)
    assert [name.rpartition("/")[2] for name in data.damaged_files] == ["1.jpg", "val000050.jpg"]


def complaint(root):
    with pytest.raises(UserError) as caught:
        load_dataset("webvision_mini", None if root is None else str(root))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_bad_lists(copy, tmp_path):
    assert "--data_dir must be given with --dataset=webvision_mini" in complaint(None)
    assert complaint(tmp_path).endswith("info/train_filelist_google.txt must be the list of WebVision 1.0. "
                                        "Received: No such file or directory")  # fmt: skip
    train = copy / "info" / "train_filelist_google.txt"
    train.write_text("google/q0001/0.jpg 0\ngoogle/q0001/1.jpg\n")
    assert complaint(copy).endswith("must have lines `PATH LABEL`. Received: 'google/q0001/1.jpg' in line 2")
    train.write_text("google/q0001/0.jpg 50\n")
    assert complaint(copy).endswith("must list images of labels below 50. Received: none")
    train.write_text("google/q0001/0.jpg 0\n")
    (copy / "info" / "synsets.txt").write_text("n00000000 a\n")
    assert complaint(copy).endswith("must name 50 classes or more. Received: 1")
