"""XLA under a strategy: it takes no exchange between replicas, and so compiles what lies between them."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import tensorflow as tf

_P = ParamSpec("_P")
_R = TypeVar("_R")


def compiled_part(method: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compiles a method of tensors, with its gradient, where its object has a dictionary `compiled_parts`.

    The dictionary receives what was compiled, by the method's name. With None in its place the method is as it was.
    """

    @functools.wraps(method)
    def maybe_compiled(*arguments: _P.args, **no_keywords: _P.kwargs) -> _R:
        owner: Any = arguments[0]
        if owner.compiled_parts is None:
            return method(*arguments, **no_keywords)
        if method.__name__ not in owner.compiled_parts:
            part = tf.function(functools.partial(method, owner), jit_compile=True)  # type: ignore[call-arg]
            owner.compiled_parts[method.__name__] = part
        return owner.compiled_parts[method.__name__](*arguments[1:])

    return maybe_compiled
