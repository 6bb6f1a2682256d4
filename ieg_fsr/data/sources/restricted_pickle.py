"""Pickles of dicts, lists, numbers, strings and arrays of numbers, read without a chance to run code."""

import functools
import io
import pickle
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

OBJECTS = "O8"  # the type of NumPy's arrays of Python objects


class PickledArray:
    """Stands in for numpy.ndarray in a pickle: takes bytes and a shape, and nothing else of NumPy's machinery."""

    def __init__(self, *_: Any) -> None:
        self.values: np.ndarray = np.empty(0, np.uint8)
        self.objects: list[Any] = []  # those of an array of Python objects, which has no values

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, column_major, content = state
        if not isinstance(dtype, _PickledDtype):
            raise pickle.UnpicklingError("an array without a type")
        if dtype.code == OBJECTS:
            self.objects = list(content)
        else:
            numbers = np.frombuffer(content, dtype.numbers)
            self.values = numbers.reshape(shape, order="F" if column_major else "C")


class _PickledDtype:
    """Stands in for numpy.dtype in a pickle."""

    def __init__(self, types: Collection[str], code: Any, *_: Any) -> None:
        self.code = as_text(code)
        if self.code not in types:
            raise pickle.UnpicklingError(f"an array of type {self.code}")
        self.numbers = np.dtype("u1" if self.code == OBJECTS else self.code)

    def __setstate__(self, state: tuple) -> None:
        """Byte order and alignment, of which single bytes have none."""
        if as_text(state[1]) == ">":
            self.numbers = self.numbers.newbyteorder(">")


def _encode(text: str, encoding: str) -> bytes:
    """Stands in for _codecs.encode: how Python 3 writes bytes into a pickle of protocol 2."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"bytes encoded as {encoding}")
    return text.encode("latin-1")


class _ArrayUnpickler(pickle.Unpickler):
    """Every other class or function is refused."""

    def __init__(self, content: bytes, types: Collection[str]) -> None:
        super().__init__(io.BytesIO(content), encoding="bytes")
        # NumPy 2 renamed numpy.core to numpy._core: files have the one or the other.
        self._allowed: dict[tuple[str, str], Callable] = {
            ("numpy.core.multiarray", "_reconstruct"): PickledArray,
            ("numpy._core.multiarray", "_reconstruct"): PickledArray,
            ("numpy", "ndarray"): PickledArray,
            ("numpy", "dtype"): functools.partial(_PickledDtype, types),
            ("_codecs", "encode"): _encode,
        }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._allowed[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"a call of {module}.{name}, which is not allowed") from None


def unpickle(content: bytes, types: Collection[str] = ("u1",)) -> dict[str, Any]:
    """The dict in a pickle, with its keys as text and its arrays as `PickledArray`. Damaged ones raise anything.

    Args:
        content: of a dict, or of NumPy's array of objects around one, which `numpy.save` makes of it.
        types: NumPy's codes of the arrays that are allowed, such as "u1" and "i8"; `OBJECTS` for such a one.
    """
    found = _ArrayUnpickler(content, types).load()
    if isinstance(found, PickledArray) and len(found.objects) == 1:
        [found] = found.objects
    return {as_text(key): value for key, value in found.items()}


def as_text(name: str | bytes) -> str:
    """A string of a pickle, which Python 2 wrote as bytes."""
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)
