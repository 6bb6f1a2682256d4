"""Pickles of dicts, lists, numbers, strings and arrays of bytes, read without a chance to run code."""

import io
import pickle
from typing import Any

import numpy as np


class PickledArray:
    """Stands in for numpy.ndarray in a pickle: takes bytes and a shape, and nothing else of NumPy's machinery."""

    def __init__(self, *_: Any) -> None:
        self.values: np.ndarray = np.empty(0, np.uint8)

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, column_major, content = state
        if not isinstance(dtype, _PickledDtype):
            raise pickle.UnpicklingError("an array without a type")
        self.values = np.frombuffer(content, np.uint8).reshape(shape, order="F" if column_major else "C")


class _PickledDtype:
    """Stands in for numpy.dtype in a pickle: bytes only."""

    def __init__(self, code: Any, *_: Any) -> None:
        if as_text(code) != "u1":
            raise pickle.UnpicklingError(f"an array of type {as_text(code)}")

    def __setstate__(self, state: tuple) -> None:
        """Byte order and alignment, which single bytes do not have."""


def _encode(text: str, encoding: str) -> bytes:
    """Stands in for _codecs.encode: how Python 3 writes bytes into a pickle of protocol 2."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"bytes encoded as {encoding}")
    return text.encode("latin-1")


class _ArrayUnpickler(pickle.Unpickler):
    """Every other class or function is refused."""

    # NumPy 2 renamed numpy.core to numpy._core: files have the one or the other.
    _ALLOWED = {  # noqa: RUF012
        ("numpy.core.multiarray", "_reconstruct"): PickledArray,
        ("numpy._core.multiarray", "_reconstruct"): PickledArray,
        ("numpy", "ndarray"): PickledArray,
        ("numpy", "dtype"): _PickledDtype,
        ("_codecs", "encode"): _encode,
    }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"a call of {module}.{name}, which is not allowed") from None


def unpickle(content: bytes) -> dict[str, Any]:
    """The dict in a pickle, with its keys as text and its arrays as `PickledArray`. Damaged ones raise anything."""
    batch = _ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()
    return {as_text(key): value for key, value in batch.items()}


def as_text(name: str | bytes) -> str:
    """A string of a pickle, which Python 2 wrote as bytes."""
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)
