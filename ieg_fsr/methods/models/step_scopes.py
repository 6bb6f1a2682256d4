"""Names for the parts of a training step: its operations carry them, and profiles are summed up by them."""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import TypeVar

import tensorflow as tf

# In the order of a step. "reward" and "unmixed_forward" are forwards beside the training batch's.
SCOPES = (
    *("augmentation", "reward", "forward", "lookahead", "unmixed_forward"),
    *("strength", "loss", "backward", "update", "tables", "metrics"),
)

_NUMBER = re.compile(r"_\d+$")
_F = TypeVar("_F", bound=Callable)


def in_scope(name: str) -> Callable[[_F], _F]:
    """Puts the operations that a function makes under a name scope, one of `SCOPES`."""
    assert name in SCOPES, name

    @contextlib.contextmanager
    def scope() -> Iterator[None]:
        with tf.name_scope(name):
            yield

    return scope()


def scope_of(operation: str) -> str | None:
    """The innermost scope of an operation by its full name; None for one outside of all scopes.

    TensorFlow numbers a scope that is entered again, and names what a tape makes gradient_tape/SCOPE/...: that of the
    forward and of the loss is the backward pass.
    """
    parts = operation.split("/")
    scope = next((name for part in reversed(parts) if (name := _NUMBER.sub("", part)) in SCOPES), None)
    return "backward" if scope in ("forward", "loss") and "gradient_tape" in parts else scope
