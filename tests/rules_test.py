"""Tests of the rules of settings: their edges, and that nothing slips through as not-a-number."""

import math

import numpy as np
import pytest

from ieg_fsr import rules
from ieg_fsr.errors import UserError


@pytest.mark.parametrize(
    ("rule", "allowed", "refused"),
    [
        (rules.one_of("a", "b"), ["a", "b"], ["c", "", None]),
        (rules.at_least(1), [1, 1.5, 10**9], [0.999, -1, math.inf, math.nan]),
        (rules.above(0), [1e-9, 5], [0, -1, math.inf, math.nan]),
        (rules.between(0, 1), [0, 0.5, 1], [-1e-9, 1.1, math.nan]),
        (rules.above_zero_to_one(), [1e-9, 1], [0, 1.1, -1, math.nan]),
        (rules.below_one(), [0, 0.999], [1, -0.1, math.nan]),
        (rules.rising_epochs(), [(), (1,), (160, 180)], [(0,), (-3, 4), (5, 5), (6, 5)]),
        (rules.step_range(), [(), (1, 1), (10, 20)], [(1,), (0, 5), (6, 5), (1, 2, 3)]),
        (rules.path(), ["a/b", "läuft hier"], ["", "a\nb", "\udcff", "\x1b[31m"]),
        (rules.ANY, [None, "x", 0], []),
    ],
)
def test_edges(rule, allowed, refused):
    assert all(rule.allows(value) for value in allowed)
    assert not any(rule.allows(value) for value in refused)


def test_texts_continue_must_be():
    assert rules.one_of("a", "b").text == "one of a, b"
    assert rules.at_least(1).text == "at least 1"
    assert rules.between(0, 1).text == "in [0, 1]"


def test_arguments_of_python_are_numbers_of_the_kind_and_in_the_range():
    for value in (0, 0.5, np.float32(0.5), np.int64(0), False):
        rules.check_argument("label_smoothing", value)
    for value in (1, np.int64(7)):
        rules.check_argument("units", value, "weight_net_units")
    for name, value, message in [
        ("label_smoothing", 1.0, r"label_smoothing must be a number in \[0, 1\)\. Received: 1\.0"),
        ("label_smoothing", "0.5", r"label_smoothing must be a number in \[0, 1\)\. Received: 0\.5"),
        ("label_smoothing", None, r"label_smoothing must be a number in \[0, 1\)\. Received: None"),
        ("seed", 2**31, r"seed must be a whole number in 0\.\.2147483647\. Received: 2147483648"),
        ("seed", 1.0, r"seed must be a whole number in 0\.\.2147483647\. Received: 1\.0"),
    ]:
        with pytest.raises(UserError, match=f"^{message}$"):
            rules.check_argument(name, value)
    with pytest.raises(UserError, match=r"^units must be a whole number at least 1\. Received: 2\.5$"):
        rules.check_argument("units", 2.5, "weight_net_units")


@pytest.mark.parametrize(
    ("name", "value", "limit"), [("focal_gamma", 1e300, "3e+38"), ("reweight_warmup_epochs", 2**31, "2147483647")]
)
def test_a_number_that_no_tensor_holds_is_refused(name, value, limit):
    with pytest.raises(UserError) as caught:
        rules.check_argument(name, value)
    assert str(caught.value) == f"{name} must be at most {limit}. Received: {value}"
    rules.check_argument(name, type(value)(1e30) if isinstance(value, float) else value - 1)
