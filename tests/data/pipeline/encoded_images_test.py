import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.data.pipeline.encoded_images import EncodedImages
from ieg_fsr.errors import UserError

SEED = tf.constant([3, 4])


@pytest.fixture(scope="module")
def files(tmp_path_factory, write_image):
    """Six images of different sizes; image k has the shade 40 k everywhere."""
    folder = tmp_path_factory.mktemp("images")
    sizes = [(20, 30), (33, 20), (64, 64), (16, 90), (40, 41), (25, 25)]
    return [str(write_image(folder / f"{k}.png", *size, shade=40 * k)) for k, size in enumerate(sizes)]


@pytest.fixture(scope="module")
def source(files):
    return EncodedImages(files, [1, 0, 2, 1, 0, 2], 16)


def test_describes_itself(source, files):
    assert len(source) == 6
    assert source.image_shape == (16, 16, 3)
    assert source.labels.tolist() == [1, 0, 2, 1, 0, 2]
    assert source.labels.dtype == np.int32
    assert source.names == files


@pytest.mark.parametrize("ids", [[4, 0, 4], [], range(6)])
def test_images_come_in_the_order_of_the_ids(source, ids):
    for images in (source.images(ids), source.random_crops(ids, SEED)):
        assert images.dtype == np.uint8
        expected = 40 * np.array(list(ids), int)[:, np.newaxis, np.newaxis, np.newaxis]
        np.testing.assert_array_equal(images, np.broadcast_to(expected, (len(list(ids)), 16, 16, 3)))


def test_images_in_memory_are_those_in_files(source, files):
    contents = []
    for file in files:
        with open(file, "rb") as stream:
            contents.append(stream.read())
    in_memory = EncodedImages(contents, source.labels, 16, in_files=False)
    np.testing.assert_array_equal(in_memory.images([1, 3]), source.images([1, 3]))
    assert in_memory.names[3] == "image 3"


def test_take_counts_anew(source):
    part = source.take(np.array([5, 1]))
    assert len(part) == 2
    assert part.labels.tolist() == [2, 0]
    assert part.images([0, 1])[:, 0, 0, 0].tolist() == [200, 40]


def test_a_random_crop_depends_on_seed_and_id_alone(tmp_path, write_image):
    paths = [str(write_image(tmp_path / f"{k}.jpg", 60, 80)) for k in range(3)]
    source = EncodedImages(paths, [0, 1, 0], 24)
    crops = source.random_crops([0, 1, 2], SEED)
    np.testing.assert_array_equal(source.random_crops([2, 0], SEED), crops[[2, 0]])
    np.testing.assert_array_equal(source.random_crop(tf.constant(1, tf.int64), SEED), crops[1])
    # The same image three times: each example and each seed has a crop of its own.
    assert (crops[0] != crops[1]).any()
    assert (source.random_crops([0], tf.constant([3, 5]))[0] != crops[0]).any()


@pytest.mark.parametrize("ids", [[-1], [6]])
def test_ids_outside_are_refused(source, ids):
    with pytest.raises(IndexError, match=r"ids must be in \[0, 6\)"):
        source.images(ids)


def test_labels_are_checked(files):
    with pytest.raises(UserError, match="Received: 6 and 2"):
        EncodedImages(files, [0, 1], 16)


def test_names_beyond_ascii(tmp_path, write_image):
    path = str(write_image(tmp_path / "Käfer 甲虫.png", shade=9))
    assert EncodedImages([path], [0], 8).images([0])[0, 0, 0, 0] == 9
