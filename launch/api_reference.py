"""Writes docs/API.md, the reference of the public names, from their signatures and docstrings.

    python launch/api_reference.py

Needs nothing but the installed package; `tests/launch/api_reference_test.py` tells when the file is out of date.
"""

import dataclasses
import inspect
import pathlib
from typing import Any

import ieg_fsr
from ieg_fsr import reweighting
from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.methods.models.label_report import LabelReport

PLACE = pathlib.Path(__file__).resolve().parents[1] / "docs" / "API.md"
# What public functions return, beside the names of `ieg_fsr` and `ieg_fsr.reweighting`.
RETURNED = (LabelReport, Examples)
# Of Keras: named here where a class of ours takes something else than Keras' own.
_MEANT_FOR_USERS = ("compile", "fit")
_ON_A_LINE = 4  # arguments
_HEAD = """\
# API

Made from the code by `python launch/api_reference.py`; README.md has an example. A name that is not here may change.
"""


def reference() -> str:
    """The whole file."""
    names = {f"ieg_fsr.{name}": getattr(ieg_fsr, name) for name in ieg_fsr.__all__}
    names |= {f"ieg_fsr.reweighting.{name}": getattr(reweighting, name) for name in reweighting.__all__}
    names |= {one.__name__: one for one in RETURNED if one not in names.values()}
    return "\n".join([_HEAD, *(_entry(name, value) for name, value in names.items())])


def _entry(name: str, value: Any) -> str:
    if not inspect.isclass(value):
        return _section(2, name, value)
    if value in RETURNED or issubclass(value, tuple | Exception) or dataclasses.is_dataclass(value):
        return f"## {name}\n\n{_text(value)}\n"
    parts = [_section(2, name, value.__init__, _text(value))]
    for method in _MEANT_FOR_USERS:
        if method in vars(value):
            parts.append(_section(3, f"{name}.{method}", vars(value)[method]))
    if hasattr(value, "label_report"):
        parts.append(_section(3, f"{name}.label_report", value.label_report))
    return "\n".join(parts)


def _section(level: int, name: str, function: Any, before: str = "") -> str:
    """A heading, what stands before the signature, the signature and the docstring."""
    parts = [f"{'#' * level} {name}", before, f"```\n{signature(name, function)}\n```", _text(function)]
    return "\n\n".join(part for part in parts if part) + "\n"


def signature(name: str, function: Any) -> str:
    """How to call it, with defaults; an argument a line where they are many."""
    parameters = [one for one in inspect.signature(function).parameters.values() if one.name != "self"]
    words = str(inspect.Signature([one.replace(annotation=one.empty) for one in parameters]))[1:-1].split(", ")
    name = name.rpartition(".")[2]
    if len(words) <= _ON_A_LINE:
        return f"{name}({', '.join(words)})"
    return "\n".join([f"{name}(", *(f"    {word}," for word in words), ")"])


def _text(documented: Any) -> str:
    """A docstring as Markdown: what is indented below Args and its like becomes a list."""
    lines = []
    for line in (inspect.getdoc(documented) or "").splitlines():
        words = line.strip()
        if words in ("Args:", "Returns:", "Raises:", "Attributes:"):
            line = f"**{words.rstrip(':')}**\n"
        elif line.startswith("    ") and not line.startswith("     "):
            name, colon, rest = words.partition(": ")
            line = f"- `{name}`: {rest}" if colon and " " not in name else f"- {words}"
        elif line.startswith("     "):
            line = f"  {words}"
        lines.append(line)
    return "\n".join(lines).strip()


if __name__ == "__main__":
    PLACE.write_text(reference(), encoding="utf-8")
