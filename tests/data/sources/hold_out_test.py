import numpy as np
import pytest

from ieg_fsr.data.sources.hold_out import hold_out
from ieg_fsr.data.sources.image_source import ArraySource
from ieg_fsr.errors import UserError


def numbered(labels):
    """Image k has the shade k."""
    return ArraySource(np.arange(len(labels), dtype=np.uint8)[:, np.newaxis, np.newaxis], np.array(labels))


def shades(source):
    return source.images(range(len(source)))[:, 0, 0, 0].tolist()


def test_a_tenth_of_each_class():
    labels = np.repeat([0, 1, 2, 3, 5], [100, 50, 14, 5, 4])
    train, test, note = hold_out(numbered(labels), "x")
    assert np.bincount(test.labels).tolist() == [10, 5, 1, 1]
    assert np.bincount(train.labels).tolist() == [90, 45, 13, 4, 0, 4]
    assert sorted(shades(train) + shades(test)) == list(range(173))
    assert shades(train) == sorted(shades(train))
    assert "10% of each class, 17 of 173 images" in note
    assert "\n" not in note


def test_the_split_is_always_the_same_and_not_the_first_images():
    labels = np.arange(100) % 2
    splits = [shades(hold_out(numbered(labels), "x")[1]) for _ in range(2)]
    assert splits[0] == splits[1]
    assert splits[0] != list(range(10))


@pytest.mark.parametrize("labels", [[0, 1] * 4, []])
def test_nothing_to_hold_out(labels):
    with pytest.raises(UserError, match=r"--dataset=x must have a test split, .* Received: \d images without"):
        hold_out(numbered(np.array(labels, int)), "x")
