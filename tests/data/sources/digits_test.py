import numpy as np
import pytest
import sklearn.datasets

from ieg_fsr.data.sources.datasets import load_dataset


@pytest.fixture(scope="module")
def data():
    return load_dataset("digits")


def test_sizes(data):
    assert (len(data.train), len(data.test)) == (1437, 360)
    assert len(data.train) + len(data.test) == 1797
    assert data.train.image_shape == data.test.image_shape == (8, 8, 1)
    assert data.name == "digits"
    assert data.class_names == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")


def test_split_is_that_of_the_seed(data):
    raw = sklearn.datasets.load_digits()
    order = np.random.default_rng(123).permutation(1797)
    np.testing.assert_array_equal(data.train.labels, raw.target[order[:1437]])
    np.testing.assert_array_equal(data.test.labels, raw.target[order[1437:]])
    # Multiplying back by 16/255 and rounding up undoes "scale and round down" for whole numbers 0..16.
    ink = np.ceil(data.test.images(range(360))[..., 0] * (16 / 255))
    np.testing.assert_array_equal(ink, raw.images[order[1437:]])


def test_ink_is_scaled_to_bytes(data):
    # 0 -> 0, 16 -> 255, and 8 -> 127.5, rounded down.
    values = np.unique(data.train.images(range(1437)))
    assert {0, 127, 255} <= set(values.tolist())
    assert len(values) == 17


def test_every_class_is_in_both_parts(data):
    counts = np.bincount(data.train.labels) + np.bincount(data.test.labels)
    np.testing.assert_array_equal(counts, np.bincount(sklearn.datasets.load_digits().target))
    assert np.bincount(data.test.labels).min() > 20


def test_a_second_load_is_equal(data):
    again = load_dataset("digits")
    np.testing.assert_array_equal(again.train.images([0, 1436]), data.train.images([0, 1436]))
    np.testing.assert_array_equal(again.train.labels, data.train.labels)
