"""Writes the table of methods in docs/METHOD.md from the registry.

    python launch/methods_table.py

Needs nothing but the installed package; `tests/launch/methods_table_test.py` tells when the table is out of date.
"""

import pathlib
import re
from collections.abc import Iterable

from ieg_fsr.methods.registry import METHODS
from ieg_fsr.methods.spec import MethodSpec

PLACE = pathlib.Path(__file__).resolve().parents[1] / "docs" / "METHOD.md"
BEGIN, END = "<!-- methods: begin -->\n", "<!-- methods: end -->"
_SHARED = 3  # settings that two methods have in common are written once


def table(methods: Iterable[MethodSpec] = METHODS.values()) -> str:
    """A line a method: its name, where it was described, what it needs, its own settings."""
    specs = list(methods)
    rows = [["`--method`", "name in tables", "paper", "needs", "its own settings"], ["---"] * 5]
    for spec in specs:
        paper = spec.paper
        described = f"{paper.authors} {paper.year}, [{paper.title}]({paper.link})" if paper else ""
        needs = ", ".join(need.replace("_", " ") for need in sorted(spec.needs))
        rows.append([f"`{spec.name}`", spec.label, described, needs, _settings(spec, specs)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def updated(text: str) -> str:
    """A document with the table of today between its marks."""
    return re.sub(f"{BEGIN}.*?{END}", lambda found: BEGIN + table() + END, text, flags=re.DOTALL)


def _settings(spec: MethodSpec, specs: Iterable[MethodSpec]) -> str:
    names = [setting.name for setting in spec.settings]
    for other in specs:
        more = [setting.name for setting in other.settings]
        if len(names) >= _SHARED and set(names) < set(more):
            without = ", ".join(f"`--{name}`" for name in more if name not in names)
            return f"as `{other.name}`, without {without}"
    return ", ".join(f"`--{name}`" for name in names)


if __name__ == "__main__":
    PLACE.write_text(updated(PLACE.read_text(encoding="utf-8")), encoding="utf-8")
