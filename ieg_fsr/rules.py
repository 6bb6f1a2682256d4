"""What a value may be, and how to say so: the rules of settings and of arguments."""

import itertools
import numbers
from collections.abc import Callable
from typing import Any, NamedTuple

from ieg_fsr.errors import UserError, one_line

# Beyond these a tensor cannot hold a number: int32, float32.
LARGEST = {int: 2**31 - 1, float: 3e38}
NOUNS = {int: "a whole number", float: "a number", bool: "true or false"}


class Rule(NamedTuple):
    """What a value must satisfy, and how to say so after "must be"."""

    allows: Callable[[Any], bool]
    text: str


def one_of(*names: str) -> Rule:
    """One of the given names."""
    return Rule(lambda value: value in names, f"one of {', '.join(names)}")


def some_of(*names: str) -> Rule:
    """One or more of the given names, each once, with commas between."""

    def allows(value: Any) -> bool:
        words = value.split(",")
        return set(words) <= set(names) and len(set(words)) == len(words)

    return Rule(allows, f"some of {', '.join(names)}, with commas between")


def at_least(bound: float) -> Rule:
    """A number that is not below `bound`."""
    return Rule(lambda value: bound <= value < float("inf"), f"at least {bound:g}")


def above(bound: float) -> Rule:
    """A number greater than `bound`."""
    return Rule(lambda value: bound < value < float("inf"), f"greater than {bound:g}")


def between(low: float, high: float) -> Rule:
    """A number in [low, high]."""
    return Rule(lambda value: low <= value <= high, f"in [{low:g}, {high:g}]")


def number_or(word: str, low: float, high: float) -> Rule:
    """A word, or a number in [low, high], as a text as well."""

    def allows(value: Any) -> bool:
        try:
            return value == word or low <= float(value) <= high
        except ValueError:
            return False

    return Rule(allows, f"{word} or a number in [{low:g}, {high:g}]")


def whole_or(word: str, low: int) -> Rule:
    """A word, or a whole number from `low`, as a text as well."""

    def allows(value: Any) -> bool:
        if isinstance(value, numbers.Integral):
            return low <= int(value) <= LARGEST[int] and not isinstance(value, bool)
        if not isinstance(value, str):
            return False
        digits = value.isascii() and value.isdigit() and len(value) <= len(str(LARGEST[int]))
        return value == word or (digits and low <= int(value) <= LARGEST[int])

    return Rule(allows, f"{word} or a whole number at least {low}")


def above_zero_to_one() -> Rule:
    """A number in (0, 1]."""
    return Rule(lambda value: 0 < value <= 1, "in (0, 1]")


def below_one() -> Rule:
    """A number in [0, 1)."""
    return Rule(lambda value: 0 <= value < 1, "in [0, 1)")


def whole_seed() -> Rule:
    """A seed: TensorFlow's stateless draws take 31 bits."""
    return Rule(lambda value: 0 <= value < 2**31, "in 0..2147483647")


def rising_epochs() -> Rule:
    """Epochs after the first, each later than the one before."""
    return Rule(
        lambda value: all(a < b for a, b in itertools.pairwise((0, *value))),
        "whole numbers from 1 up, rising, with commas between",
    )


def step_range() -> Rule:
    """Nothing, or a first and a last step, counted from 1."""
    return Rule(lambda value: not value or (len(value) == 2 and 1 <= value[0] <= value[1]), "FIRST,LAST from 1 up")


def path() -> Rule:
    """A path that TensorFlow can write to: it takes UTF-8 only."""
    return Rule(lambda value: bool(value) and value.isprintable(), "a path of printable letters")


ANY = Rule(lambda value: True, "a text")


def check_number(name: str, value: Any, rule: Rule, kind: type = float) -> None:
    """Raises `UserError` for an argument that is no number, a whole one for int, or none that the rule allows."""
    is_number = isinstance(value, numbers.Integral if kind is int else numbers.Real)
    if not is_number or not rule.allows(value):
        raise UserError(f"{name} must be {NOUNS[kind]} {rule.text}. Received: {one_line(value)}")
    check_size(name, value, kind)


def check_size(name: str, value: Any, kind: type) -> None:
    """Raises `UserError` where no tensor can hold a number of a kind, int or float."""
    if value > LARGEST[kind]:
        raise UserError(f"{name} must be at most {LARGEST[kind]}. Received: {value}")
