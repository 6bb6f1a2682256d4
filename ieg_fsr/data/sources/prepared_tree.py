"""What a tree of tensorflow_datasets that somebody else prepared may name.

A tree describes its features by Python classes, and tensorflow_datasets imports the modules that are named there.
"""

import os
import pathlib
from typing import Any

from ieg_fsr.errors import UserError
from ieg_fsr.files import parse_json

_KEYS = ("pythonClassName", "python_class_name", "type")
_KNOWN = "tensorflow_datasets."


def check_prepared_tree(name: str, data_dir: str | None) -> None:
    """Checks that only classes of tensorflow_datasets are named.

    Args:
        name: of the data set, NAME, NAME/CONFIG or NAME:VERSION.
        data_dir: root of the prepared trees; None: the default of tensorflow_datasets.

    Raises:
        UserError: another class is named.
    """
    root = data_dir or os.environ.get("TFDS_DATA_DIR") or os.path.expanduser("~/tensorflow_datasets")
    for file in sorted(pathlib.Path(root, name.partition(":")[0]).glob("**/features.json")):
        try:
            strange = _strange_class(parse_json(file.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            continue  # tensorflow_datasets cannot read it either, and says so.
        if strange is not None:
            raise UserError(
                f"--dataset={name} must have features of tensorflow_datasets' own classes: others could run any code. "
                f"Received: {strange[:200]} in {file}"
            )


def _strange_class(value: Any) -> str | None:
    """The first class from elsewhere in a description of features."""
    inner = value if isinstance(value, list) else []
    if isinstance(value, dict):
        for key, text in value.items():
            if key in _KEYS and isinstance(text, str) and not text.startswith(_KNOWN):
                return text
        inner = list(value.values())
    return next(filter(None, map(_strange_class, inner)), None)
