"""The clean hold-out: balanced, seeded, and refused where a class is too small."""

import numpy as np
import pytest

from ieg_fsr.data.labels.clean_images import clean_ids
from ieg_fsr.errors import UserError

LABELS = np.repeat([2, 0, 1], [5, 9, 7])


def test_same_number_of_each_class_rising_without_repeats():
    ids = clean_ids(LABELS, 3, 3, seed=0)
    np.testing.assert_array_equal(np.bincount(LABELS[ids]), [3, 3, 3])
    assert (np.diff(ids) > 0).all()


def test_seeded_and_nested():
    few, more, other = clean_ids(LABELS, 2, 3, 0), clean_ids(LABELS, 4, 3, 0), clean_ids(LABELS, 2, 3, 1)
    np.testing.assert_array_equal(few, clean_ids(LABELS, 2, 3, 0))
    assert set(few) < set(more)
    assert set(few) != set(other)


def test_every_example_can_be_drawn():
    drawn = {i for seed in range(60) for i in clean_ids(LABELS, 1, 3, seed)}
    assert drawn == set(range(len(LABELS)))


@pytest.mark.parametrize(
    ("per_class", "num_classes", "message"),
    [
        (5, 3, "at most 4, as class 2 has 5. Received: 5"),
        (8, 3, "at most 4, as class 2 has 5. Received: 8"),
        (1, 4, "at most 0, as class 3 has 0. Received: 1"),
    ],
)
def test_a_class_must_keep_an_example(per_class, num_classes, message):
    with pytest.raises(UserError, match=f"--clean_per_class must leave .*{message}"):
        clean_ids(LABELS, per_class, num_classes, 0)
