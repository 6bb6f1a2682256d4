"""Names for the parts of a training step: its operations carry them, and profiles are summed up by them."""

import functools
import re
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import tensorflow as tf

# In the order of a step. "reward" and "unmixed_forward" are forwards beside the training batch's.
SCOPES = (
    "augmentation",
    "reward",
    "forward",
    "lookahead",
    "unmixed_forward",
    "loss",
    "backward",
    "update",
    "tables",
    "metrics",
)

_NUMBER = re.compile(r"_\d+$")
_P = ParamSpec("_P")
_R = TypeVar("_R")


def in_scope(name: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Puts the operations that a function makes under a name scope, one of `SCOPES`."""
    assert name in SCOPES, name

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        @functools.wraps(function)
        def scoped(*args: Any, **kwargs: Any) -> Any:
            with tf.name_scope(name):
                return function(*args, **kwargs)

        return scoped

    return decorate


def scope_of(operation: str) -> str | None:
    """The innermost scope of an operation by its full name; None for one outside of all scopes.

    TensorFlow numbers a scope that is entered again, and names what a tape makes gradient_tape/SCOPE/...: that of the
    forward and of the loss is the backward pass.
    """
    parts = operation.split("/")
    scope = next((name for part in reversed(parts) if (name := _NUMBER.sub("", part)) in SCOPES), None)
    return "backward" if scope in ("forward", "loss") and "gradient_tape" in parts else scope
