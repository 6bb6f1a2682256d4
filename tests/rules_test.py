"""Tests of the rules of settings: their edges, and that nothing slips through as not-a-number."""

import math

import pytest

from ieg_fsr import rules


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
        (rules.whole_seed(), [0, 2**31 - 1], [-1, 2**31]),
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
