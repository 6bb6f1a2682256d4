"""Class numbers without gaps, from labels as people write them."""

import numpy as np
import pytest

from ieg_fsr.data.sources.classes import class_names_of, without_empty_classes
from ieg_fsr.data.sources.image_source import ArraySource, DataSet
from ieg_fsr.errors import UserError


def source(labels):
    return ArraySource(np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1), np.array(labels, int))


def data_set(train, test=(), far=(), names="abcdefghi"):
    return DataSet("own", source(train), source(test), tuple(names), {"far": source(far)}, ("first",))


def test_classes_without_an_example_are_left_out():
    data = without_empty_classes(data_set([7, 1, 5, 1], [5, 7], [1]))
    assert data.class_names == ("b", "f", "h")
    assert data.train.labels.tolist() == [2, 0, 1, 0]
    assert data.train.labels.dtype == np.int32
    assert not data.train.labels.flags.writeable
    assert (data.test.labels.tolist(), data.extra_tests["far"].labels.tolist()) == ([1, 2], [0])
    assert data.train.images([2]).ravel().tolist() == [2]
    line = "--dataset=own: no training example of class a, c, d, e, g and 1 more, which is left out; 3 classes"
    assert data.notes == ("first", line)


def test_nothing_is_done_where_all_have_one():
    data = data_set([1, 0, 2], [2], names="abc")
    assert without_empty_classes(data) is data


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (([1, 1], [1]), "--dataset=own must have training images of two or more classes. Received: b"),
        (
            ([1, 2], [1, 0]),
            "--dataset=own must have the classes of the test part in the training part too. Received: a",
        ),
        (([1, 2], [1], [3]), "must have the classes of the test part in the training part too. Received: d"),
    ],
)
def test_too_few_classes(parts, message):
    with pytest.raises(UserError) as caught:
        without_empty_classes(data_set(*parts))
    assert str(caught.value).endswith(message)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["b", "a", "b"], ["a", "b"]),
        (["10", "-2", "9"], ["-2", "9", "10"]),
        (["10", "9", "x"], ["10", "9", "x"]),
        (["10", "09"], ["09", "10"]),
        (["²", "1"], ["1", "²"]),
    ],
)
def test_whole_numbers_are_ordered_as_such(labels, names):
    assert class_names_of("y", labels) == names
