import numpy as np
import pytest

from ieg_fsr.data.pipeline.encoded_images import EncodedImages
from ieg_fsr.data.sources.image_source import ArraySource, DataSet, file_names
from ieg_fsr.errors import UserError


def small_source() -> ArraySource:
    """Four images of 2x3 pixels; every pixel of image k is 10 k."""
    images = np.zeros((4, 2, 3, 1), np.uint8) + np.array([0, 10, 20, 30], np.uint8)[:, None, None, None]
    return ArraySource(images, np.array([3, 1, 0, 2]))


def test_source_describes_itself():
    source = small_source()
    assert len(source) == 4
    assert source.image_shape == (2, 3, 1)
    assert source.labels.dtype == np.int32
    assert source.labels.tolist() == [3, 1, 0, 2]


def test_images_come_in_the_order_of_the_ids():
    images = small_source().images([2, 0, 2])
    assert images.shape == (3, 2, 3, 1)
    assert images.dtype == np.uint8
    assert images[:, 1, 2, 0].tolist() == [20, 0, 20]
    assert small_source().images([]).shape == (0, 2, 3, 1)


def test_images_are_a_copy_and_labels_are_protected():
    source = small_source()
    source.images([1])[:] = 99
    assert source.images([1])[0, 0, 0, 0] == 10
    with pytest.raises(ValueError, match="read-only"):
        source.labels[0] = 0


def test_labels_do_not_follow_the_array_they_came_from():
    labels = np.array([1, 2], np.int32)
    source = ArraySource(np.zeros((2, 1, 1, 1), np.uint8), labels)
    labels[0] = 7
    assert source.labels.tolist() == [1, 2]


def test_grey_images_get_a_channel():
    assert ArraySource(np.zeros((5, 4, 3), np.uint8), np.zeros(5, int)).image_shape == (4, 3, 1)


def test_take_counts_anew():
    part = small_source().take(np.array([3, 1]))
    assert len(part) == 2
    assert part.labels.tolist() == [2, 1]
    assert part.images([0, 1])[:, 0, 0, 0].tolist() == [30, 10]


def test_names_of_files_go_with_the_examples():
    source = ArraySource(np.zeros((3, 2, 2), np.uint8), np.zeros(3, int), ["a/0.png", "b/\udcff.png", "c\n.png"])
    assert file_names(source.take([2, 1])).tolist() == ["c\n.png", r"b/\xff.png"]
    assert file_names(small_source()).tolist() == [""] * 4
    assert file_names(EncodedImages(["a/b.png"], [0], 8)).tolist() == ["a/b.png"]
    assert file_names(EncodedImages([b"content"], [0], 8, in_files=False)).tolist() == [""]


@pytest.mark.parametrize("ids", [[-1], [4]])
def test_ids_outside_are_refused(ids):
    with pytest.raises(IndexError, match=r"ids must be in \[0, 4\)"):
        small_source().images(ids)


def test_a_mask_is_not_a_list_of_ids():
    with pytest.raises(TypeError, match="ids must be integers"):
        small_source().take(np.array([True, False, True, False]))


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((3, 2, 2, 1), np.uint8), np.zeros(2, int), "Received: 3 and 2"),
        (np.zeros((2, 2, 2, 1), np.float32), np.zeros(2, int), "images must be uint8.*float32"),
        (np.zeros((2, 2), np.uint8), np.zeros(2, int), "images must be uint8"),
        (np.zeros((2, 2, 2, 1), np.uint8), np.zeros(2), "labels must be integers.*float64"),
        (
            np.zeros((2, 2, 2, 1), np.uint8),
            np.array([0, -2]),
            "labels must be at least 0, or -1 for none. Received: -2",
        ),
    ],
)
def test_source_checks_its_arrays(images, labels, message):
    with pytest.raises(UserError, match=message):
        ArraySource(images, labels)


def test_num_classes():
    assert DataSet("name", small_source(), small_source(), ("a", "b", "c", "d")).num_classes == 4
