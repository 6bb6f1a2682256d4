"""The table of methods in docs/METHOD.md is what launch/methods_table.py makes of the registry."""

import pathlib

from ieg_fsr.methods.spec import MethodSpec, Paper
from ieg_fsr.rules import ANY
from ieg_fsr.setting import Setting

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_the_document_is_up_to_date(script):
    methods_table = script("methods_table")
    text = methods_table.PLACE.read_text(encoding="utf-8")
    assert text.count(methods_table.BEGIN) == text.count(methods_table.END) == 1
    assert text == methods_table.updated(text), "run `python launch/methods_table.py`"


def test_lines_by_hand(script):
    settings = [Setting(name, 1, ANY, "x") for name in "abcd"]
    paper = Paper("On Labels", "Doe", 1999, "https://labels.org")
    methods = [
        MethodSpec(name="one", label="One", summary="x", build=print, settings=settings[:3], paper=paper),
        MethodSpec(name="two", label="Two", summary="x", build=print, settings=settings,
                   needs=frozenset({"second_network", "clean_images"})),
    ]  # fmt: skip
    assert script("methods_table").table(methods).splitlines()[2:] == [
        "| `one` | One | Doe 1999, [On Labels](https://labels.org) |  | as `two`, without `--d` |",
        "| `two` | Two |  | clean images, second network | `--a`, `--b`, `--c`, `--d` |",
    ]
