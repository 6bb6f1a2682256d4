"""What users' own arrays must be, and how to say so: inputs and class numbers, before any training. NumPy only."""

from typing import Any

import numpy as np

from ieg_fsr.errors import UserError, refusal
from ieg_fsr.unlabelled import UNLABELLED

_LARGEST_CLASS = np.iinfo(np.int32).max


def checked_inputs(x: Any) -> np.ndarray:
    """Inputs [N, ...], numbers or texts, as an array for TensorFlow: float64 becomes float32, the rest is not copied.

    Raises:
        UserError: several inputs, something else than numbers or texts, no example, or NaN or infinity among them.
    """
    if isinstance(x, dict | tuple):
        raise UserError(f"x must be one array [N, ...]: put several inputs together into one. Received: {_kind(x)}")
    try:
        array = np.asarray(x)
    except ValueError:
        raise UserError(f"x must be one array [N, ...]: all examples of one shape. Received: {_kind(x)}") from None
    for kind in (str, bytes):
        if array.dtype == object and all(isinstance(text, kind) for text in array.ravel()):
            array = array.astype(kind)
    if array.dtype.kind not in "fiubUS" or array.ndim < 1:
        raise UserError(f"x must be an array [N, ...] of numbers or texts. Received: {_kind(array)}")
    if not len(array):
        raise UserError(f"x must hold at least one example. Received: {_kind(array)}")
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    if array.dtype.kind == "f":
        finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
        if not finite.all():
            place = f"NaN or infinity in example {int(np.argmin(finite))}"
            raise refusal("x", "be finite: fill in or leave out what is missing", place)
    return array


def checked_class_numbers(
    y: Any, name: str = "y", num_classes: int | None = None, *, unlabelled: bool = False
) -> np.ndarray:
    """Labels as int32 [N] from [N] or [N, 1], integers, or floats without a fraction.

    Args: name: of the argument, for the message. num_classes: C, if it is known. unlabelled: whether -1 is allowed.

    Raises:
        UserError: one-hot labels, texts, fractions, or a number outside 0..C-1.
    """
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        raise refusal(name, f"be class numbers [N]: take {name}.argmax(axis=1) of one-hot labels", _kind(array))
    if array.ndim != 1:
        raise UserError(f"{name} must be class numbers [N]. Received: {_kind(array)}")
    if array.dtype.kind in "OUS":
        raise refusal(name, f"be class numbers: take np.unique({name}, return_inverse=True)[1] of names", _kind(array))
    if array.dtype.kind == "f" and (array == np.round(array)).all() and (np.abs(array) <= _LARGEST_CLASS).all():
        array = array.astype(np.int64)
    if array.dtype.kind not in "iub":
        raise UserError(f"{name} must be whole numbers, one for each class. Received: {_kind(array)}")
    limit = "" if num_classes is None else f"..{num_classes - 1}, the classifier's {num_classes} logits"
    smallest = UNLABELLED if unlabelled else 0
    outside = (array < smallest) | (array > (_LARGEST_CLASS if num_classes is None else num_classes - 1))
    if outside.any():
        none = f", or {UNLABELLED} for an unlabelled example" if unlabelled and array[outside][0] < 0 else ""
        raise UserError(f"{name} must be class numbers from 0{limit}{none}. Received: {array[outside][0]}")
    return array.astype(np.int32)


def _kind(value: Any) -> str:
    """Type and shape, for a message."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {list(value.shape)}"
    return f"a {type(value).__name__} of {len(value)}"
