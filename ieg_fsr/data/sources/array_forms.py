"""From arrays as people have them to uint8 [N, H, W, channels] and class numbers, and what was done. NumPy only."""

from collections.abc import Mapping

import numpy as np

from ieg_fsr.data.sources.classes import class_names_of, numbers_of
from ieg_fsr.errors import refusal

_CHANNELS = (1, 2, 3, 4)  # grey or colours, with or without opacity
# The largest whole number of 8, 12 and 16 bits.
_LARGEST = (255, 4095, 65535)
_LARGEST_LABEL = 2**31
_TOGETHER = 256  # images converted at once: floats of all need not fit into memory


def sides_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Height and width of images [N, H, W], [N, H, W, channels] or [N, channels, H, W]; () for another shape."""
    if len(shape) not in (3, 4):
        return ()
    return shape[2:4] if _channels_come_first(shape) else shape[1:3]


def as_images(argument: str, parts: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Images as uint8, channels last, and what was done to them, a phrase each.

    Channels may come first where there are one to four. Floats are in [0, 1] or in [0, 255]; whole numbers of more
    than 8 bits are of 12 or 16.

    Args: argument: for messages. parts: arrays by name, all on one scale.

    Raises:
      UserError: many channels that seem to come first, negative, infinite or too large numbers, two scales.
    """
    done: list[str] = []
    images = {name: _channels_last(f"{argument}, {name}:", array, done) for name, array in parts.items()}
    numbers = {name: array for name, array in images.items() if array.dtype.kind in "fiub" and array.size}
    limits = {
        name: (float(np.min(array)), float(np.max(array))) for name, array in numbers.items() if array.dtype != np.uint8
    }
    largest = max((limit[1] for limit in limits.values()), default=0.0)
    for name, (low, high) in limits.items():
        scale = _scale(f"{argument}, {name}:", images[name].dtype, low, high, largest)
        done.append(f"{images[name].dtype} {low:g}..{high:g} " + _scaling(scale))
        images[name] = _converted(images[name], scale)
    return images, list(dict.fromkeys(done))


def _channels_come_first(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and shape[1] in _CHANNELS and shape[3] not in _CHANNELS


def _channels_last(argument: str, array: np.ndarray, done: list[str]) -> np.ndarray:
    shape = array.shape
    if _channels_come_first(shape):
        last = np.moveaxis(array, 1, -1)
        done.append(f"channels come first and are put last: {list(last.shape[1:])}")
        return last
    if len(shape) == 4 and shape[3] not in _CHANNELS and shape[1] < min(shape[2:]):
        rule = "have channels in the last place: np.moveaxis(x, 1, -1) puts them there"
        raise refusal(argument, rule, f"{list(shape)}")
    return array


def _scale(argument: str, dtype: np.dtype, low: float, high: float, largest: float) -> float:
    """The factor that brings pixels to 0..255. Args: largest: of all parts."""
    if not (low >= 0 and high < np.inf):
        raise refusal(argument, "have pixels in [0, 1] or [0, 255], or of 16 bits", f"{low:g}..{high:g}")
    if dtype.kind == "b":
        return 255.0
    if dtype.kind == "f" and largest <= 1:
        return 255.0
    limits = _LARGEST[:1] if dtype.kind == "f" else _LARGEST
    if (dtype.kind == "f" and high <= 1) or largest > limits[-1]:
        where = f"{low:g}..{high:g}, and up to {largest:g} in all"
        raise refusal(argument, "have pixels on one scale: in [0, 1] or [0, 255], or of 16 bits", where)
    return 255.0 / next(limit for limit in limits if largest <= limit)


def _scaling(scale: float) -> str:
    return "taken as they are, in whole numbers" if scale == 1 else f"times {scale:.4g}, in whole numbers"


def _converted(array: np.ndarray, scale: float) -> np.ndarray:
    converted: np.ndarray = np.empty(array.shape, np.uint8)
    for start in range(0, len(array), _TOGETHER):
        converted[start : start + _TOGETHER] = np.rint(array[start : start + _TOGETHER].astype(np.float64) * scale)
    return converted


def as_class_numbers(
    argument: str, parts: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], tuple[str, ...], list[str]]:
    """Labels as class numbers, the names of the classes, and what was done, a phrase each.

    Classes are what the first part has, whole numbers from 0 up in their order or texts in theirs; a class that has no
    example there is none. Floats without a fraction are whole numbers. What is negative, or no label at all, is left
    as it is.

    Args: argument: for messages. parts: labels [N] or [N, 1] by name, of training first.

    Raises:
      UserError: fewer than two classes, texts beside numbers, a label of another part that the first lacks.
    """
    done: list[str] = []
    labels = {name: _whole_numbers(array, name, done) for name, array in parts.items()}
    if any(array.dtype.kind in "US" for array in labels.values()):
        return _of_texts(argument, labels, done)
    first = next(iter(labels))
    if labels[first].dtype.kind not in "iu":
        return labels, (), done
    classes = np.unique(labels[first][labels[first] >= 0])
    if len(classes) < 2:
        raise refusal(argument, f"have two or more classes in {first}", len(classes))
    for name, array in labels.items():
        if (strange := np.setdiff1d(array[array >= 0], classes)).size:
            raise refusal(argument, f"have the classes of {name} in {first} too", strange[0])
    if classes[-1] >= len(classes):
        found = f"{first} has {len(classes)} of the class numbers 0..{classes[-1]}"
        done.append(f"{found}: those are the classes, in their order")
        labels = {name: np.where(array < 0, array, np.searchsorted(classes, array)) for name, array in labels.items()}
    return labels, tuple(map(str, classes)), done


def _of_texts(
    argument: str, labels: Mapping[str, np.ndarray], done: list[str]
) -> tuple[dict[str, np.ndarray], tuple[str, ...], list[str]]:
    first, *_ = texts = [name for name, array in labels.items() if array.dtype.kind in "US"]
    if len(texts) < len(labels):
        raise refusal(argument, f"have numbers or texts throughout {' and '.join(labels)}", f"texts in {first} alone")
    read = {name: list(map(str.strip, labels[name].astype(str).ravel().tolist())) for name in texts}
    class_names = class_names_of(f"{argument}, {first}:", read[first])
    done.append(f"the texts of {first} are the names of {len(class_names)} classes, in their order")
    numbers = {name: numbers_of(argument, words, class_names) for name, words in read.items()}
    return numbers, tuple(class_names), done


def _whole_numbers(array: np.ndarray, name: str, done: list[str]) -> np.ndarray:
    """Labels [N] as whole numbers, if they are some; else as they are."""
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind == "b":
        return array.astype(np.int64)
    if array.dtype.kind == "f" and np.all(array == np.rint(array)) and np.all(np.abs(array) < _LARGEST_LABEL):
        done.append(f"{name} has whole numbers as {array.dtype}")
        return array.astype(np.int64)
    return array
