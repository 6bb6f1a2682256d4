"""Tests of what users' arrays must be."""

import numpy as np
import pytest

from ieg_fsr.data.pipeline.array_checks import checked_class_numbers, checked_inputs
from ieg_fsr.errors import UserError


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.float32, bool])
def test_numbers_stay_as_they_are(dtype):
    x = np.ones([4, 2], dtype)
    assert checked_inputs(x) is x


def test_float64_becomes_float32():
    received = checked_inputs([[0.1, 2.0], [3.0, 4.0]])
    assert received.dtype == np.float32
    np.testing.assert_array_equal(received, np.float32([[0.1, 2.0], [3.0, 4.0]]))


def test_texts_of_any_kind_become_one_kind():
    for x in (["a b", "c"], np.array(["a b", "c"]), np.array(["a b", "c"], object)):
        received = checked_inputs(x)
        assert received.dtype.kind == "U"
        assert received.tolist() == ["a b", "c"]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ({"a": np.zeros(3)}, r"x must be one array .*Received: a dict of 1"),
        ((np.zeros([3, 1]), np.zeros([3, 2])), r"x must be one array .*Received: a tuple of 2"),
        ([np.zeros([3, 1]), np.zeros([3, 2])], r"all examples of one shape. Received: a list of 2"),
        (np.array([None, "a"]), r"numbers or texts. Received: object \[2\]"),
        (3.0, r"numbers or texts. Received: float64 \[\]"),
        (np.zeros([0, 3]), r"at least one example. Received: float64 \[0, 3\]"),
        (np.where(np.arange(3000).reshape(1500, 2) == 2400, np.nan, 1), "NaN or infinity in example 1200"),
        (np.array([1, 2, np.inf], np.float16), "NaN or infinity in example 2"),
    ],
)
def test_bad_inputs_are_one_line(x, message):
    with pytest.raises(UserError, match=message) as caught:
        checked_inputs(x)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("y", [[2, 0, 1], np.array([[2], [0], [1]], np.uint8), np.array([2.0, 0.0, 1.0])])
def test_whole_numbers_of_any_kind(y):
    received = checked_class_numbers(y, num_classes=3)
    assert received.dtype == np.int32
    assert received.tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.eye(3), r"take y.argmax\(axis=1\) of one-hot labels. Received: float64 \[3, 3\]"),
        (np.zeros([2, 2, 2]), r"class numbers \[N\]. Received: float64 \[2, 2, 2\]"),
        (["cat", "dog"], r"np.unique\(y, return_inverse=True\)\[1\] of names. Received: <U3 \[2\]"),
        ([0.5, 1.0], r"whole numbers, one for each class. Received: float64 \[2\]"),
        ([np.nan, 1.0], "whole numbers"),
        ([np.inf, 1.0], "whole numbers"),
        ([2.0**40, 1.0], "whole numbers"),
        ([0, 3, 4], "from 0..2, the classifier's 3 logits. Received: 3"),
        ([0, -1], "from 0..2, the classifier's 3 logits. Received: -1"),
    ],
)
def test_bad_labels_are_one_line(y, message):
    with pytest.raises(UserError, match=message) as caught:
        checked_class_numbers(y, num_classes=3)
    assert "\n" not in str(caught.value)


def test_without_a_class_count_only_negative_numbers_are_out_of_range():
    assert checked_class_numbers([7]).tolist() == [7]
    with pytest.raises(UserError, match=r"labels must be class numbers from 0\. Received: -2"):
        checked_class_numbers([-2], "labels")
    with pytest.raises(UserError, match=r"class numbers from 0\. Received: 4294967296"):
        checked_class_numbers([0, 2**32])
