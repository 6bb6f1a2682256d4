"""What a tree of tensorflow_datasets that somebody else prepared may name.

A tree describes its features by Python classes, and tensorflow_datasets imports the modules that are named there.
"""

import contextlib
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from ieg_fsr.errors import UserError
from ieg_fsr.files import parse_json

_KEYS = ("pythonClassName", "python_class_name", "type")
_KNOWN = "tensorflow_datasets."


def check_prepared_tree(name: str, data_dir: str | None) -> None:
    """Checks that only classes of tensorflow_datasets are named.

    Args: name: NAME, NAME/CONFIG or NAME:VERSION. data_dir: root of the prepared trees; None: the default one.

    Raises:
        UserError: another class is named.
    """
    for file, features in descriptions(name.partition(":")[0], data_dir):
        strange = _strange_class(features)
        if strange is not None:
            rule = "have features of tensorflow_datasets' own classes: others could run any code"
            raise UserError(f"--dataset={name} must {rule}. Received: {strange[:200]} in {file}")


def descriptions(place: str, data_dir: str | None) -> Iterator[tuple[pathlib.Path, Any]]:
    """Files and contents of the descriptions of features below a place in the root of the prepared trees.

    What is no JSON is passed over: tensorflow_datasets cannot read it either, and says so.
    """
    for file in sorted(prepared_root(data_dir).joinpath(place).glob("**/features.json")):
        with contextlib.suppress(OSError, ValueError):
            yield file, parse_json(file.read_text(encoding="utf-8"))


def prepared_root(data_dir: str | None) -> pathlib.Path:
    """Where tensorflow_datasets looks for prepared trees; without `data_dir` in its default directory."""
    return pathlib.Path(data_dir or os.environ.get("TFDS_DATA_DIR") or os.path.expanduser("~/tensorflow_datasets"))


def _strange_class(value: Any) -> str | None:
    """The first class from elsewhere in a description of features."""
    inner = value if isinstance(value, list) else []
    if isinstance(value, dict):
        for key, text in value.items():
            if key in _KEYS and isinstance(text, str) and not text.startswith(_KNOWN):
                return text
        inner = list(value.values())
    return next(filter(None, map(_strange_class, inner)), None)
