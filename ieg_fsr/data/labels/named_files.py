"""From the names or paths of image files, as people write them, to example ids. NumPy only."""

import os
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from ieg_fsr.data.sources.image_source import DataSet
from ieg_fsr.errors import refusal

_ELSEWHERE = -1  # a file of the data set that is no training example


def ids_of_files(files: Sequence[str], data: DataSet, path: str) -> tuple[np.ndarray, list[str]]:
    """Example ids [n] of the training images that are meant, -1 for one that is elsewhere, and a line about those.

    A file is meant by its path, or by any end of it from a folder on, as far as that is the end of one file only:
    photos/train/cat/7.png by cat/7.png, or 7.png; training images come first. Elsewhere are images of test parts, and
    damaged ones.

    Args: files: [n], names or paths. data: the data set. path: of the file that they come from, for messages.

    Raises:
        UserError: the data are not in files; a name that no file has, or several; a training image that is named
            twice, or not at all.
    """
    if not getattr(data.train, "in_files", False):
        raise refusal("--labels_file", f"name examples by example_id: --dataset={data.name} has no files", path)
    train = _names(data.train)
    others = [*data.damaged_files, *(name for part in (data.test, *data.extra_tests.values()) for name in _names(part))]
    ids = [*range(len(train)), *[_ELSEWHERE] * len(others)]
    parts = [_parts(os.path.abspath(name)) for name in (*train, *others)]
    wanted = [_parts(name) for name in files]
    meant: dict[int, dict[tuple[str, ...], list[int]]] = {}
    for depth in {len(one) for one in wanted}:
        meant[depth] = defaultdict(list)
        for number, one in enumerate(parts):
            meant[depth][one[-depth:]].append(number)
    found: np.ndarray = np.empty(len(files), np.int64)
    for row, (name, one) in enumerate(zip(files, wanted, strict=True)):
        candidates = meant[len(one)].get(one, [])
        candidates = [number for number in candidates if number < len(train)] or candidates
        if len(candidates) != 1:
            many = f"{len(candidates)} files, such as {'/'.join(parts[candidates[0]])}" if candidates else "no file"
            raise refusal("--labels_file", f"name files of --dataset={data.name}", f"{name} in {path}, which is {many}")
        found[row] = ids[candidates[0]]
    counts = np.bincount(found[found >= 0], minlength=len(train))
    if (repeated := np.flatnonzero(counts > 1)).size:
        raise refusal("--labels_file", "name a training image once", f"{train[int(repeated[0])]} twice in {path}")
    if (missing := np.flatnonzero(counts == 0)).size:
        rule = f"name each of the {len(train)} training images, one without a label with an empty one"
        raise refusal("--labels_file", rule, f"{len(missing)} missing, first {train[int(missing[0])]}, in {path}")
    passed_over = int(np.sum(found == _ELSEWHERE))
    if not passed_over:
        return found, []
    return found, [f"--labels_file: {passed_over} of its files are no training images, and are passed over"]


def _names(source: Any) -> Sequence[str]:
    return source.names if getattr(source, "in_files", False) else []


def _parts(name: str) -> tuple[str, ...]:
    """The folders of a path and the file, without . and .. where they can be done without."""
    return tuple(part for part in os.path.normpath(name).split(os.sep) if part not in ("", "."))
