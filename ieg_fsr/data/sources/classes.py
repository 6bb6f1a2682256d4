"""From labels as people write them to class numbers 0..C-1 without gaps. NumPy only."""

import copy
import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ieg_fsr.data.sources.image_source import DataSet
from ieg_fsr.errors import refusal

_SHOWN = 5


def check_distinct(argument: str, names: Iterable[str]) -> None:
    """Raises UserError for two names of classes that a reader takes for one. Args: argument: for the message."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(" ".join(name.split()).casefold(), name)
        if other != name:
            rule = "have class names that differ in more than case and blanks"
            raise refusal(argument, rule, f"{other!r} and {name!r}")


def class_names_of(argument: str, labels: Sequence[str]) -> list[str]:
    """The classes that labels name, in order: by number where all are whole numbers, else as texts.

    Args: argument: name and value of what gave the labels, for the message.

    Raises:
      UserError: fewer than two, or names that differ in case and blanks only.
    """
    found = sorted(set(labels))
    if len(found) < 2:
        raise refusal(argument, "have two or more classes", f"{found[0]!r} only" if found else "none")
    if all(name.removeprefix("-").isdecimal() and str(int(name)) == name for name in found):
        return sorted(found, key=int)
    check_distinct(argument, found)
    return found


def numbers_of(argument: str, labels: Sequence[str], class_names: Sequence[str]) -> np.ndarray:
    """Class numbers [n] of the labels of a test part.

    Raises:
      UserError: a label that is none of the classes.
    """
    number_of = {name: number for number, name in enumerate(class_names)}
    if unknown := [label for label in labels if label not in number_of]:
        raise refusal(argument, "have the labels of the test part in the training part too", unknown[0])
    return np.array([number_of[label] for label in labels], np.int64)


def without_empty_classes(data: DataSet) -> DataSet:
    """The same data, of whose classes those without a training example are left out and the others numbered anew.

    Raises:
      UserError: one class is left, or a test part has a class that the training part lacks.
    """
    number_of = numbers_of_present(data.train.labels, data.num_classes)
    gone = [name for name, number in zip(data.class_names, number_of, strict=True) if number < 0]
    if not gone:
        return data
    argument = f"--dataset={data.name}"
    left = tuple(name for name, number in zip(data.class_names, number_of, strict=True) if number >= 0)
    if len(left) < 2:
        raise refusal(argument, "have training images of two or more classes", ", ".join(left) or "none")
    tests = {"": data.test, **data.extra_tests}
    for part in tests.values():
        if (strange := part.labels[number_of[part.labels] < 0]).size:
            rule = "have the classes of the test part in the training part too"
            raise refusal(argument, rule, data.class_names[strange[0]])
    tests = {name: relabelled(part, number_of) for name, part in tests.items()}
    more = f" and {len(gone) - _SHOWN} more" if len(gone) > _SHOWN else ""
    note = f"no training example of class {', '.join(gone[:_SHOWN])}{more}, which is left out; {len(left)} classes"
    return dataclasses.replace(
        data,
        train=relabelled(data.train, number_of),
        test=tests.pop(""),
        extra_tests=tests,
        class_names=left,
        notes=(*data.notes, f"{argument}: {note}"),
    )


def numbers_of_present(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """New numbers [C], without gaps, of the classes that labels have; -1 of the others."""
    present = np.unique(labels[labels >= 0])
    number_of: np.ndarray = np.full(num_classes, -1, np.int32)
    number_of[present] = np.arange(len(present))
    return number_of


def relabelled(source: Any, number_of: np.ndarray) -> Any:
    """A source of the same images, their classes numbered anew. Args: number_of: [C], as `numbers_of_present`."""
    other = copy.copy(source)
    other.labels = np.where(source.labels < 0, source.labels, number_of[source.labels])
    other.labels.setflags(write=False)
    return other
