"""docs/API.md is what launch/api_reference.py makes of the code, and its signatures are those of `inspect`."""

import inspect
import pathlib
import re

import ieg_fsr
from ieg_fsr import reweighting

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_the_file_is_up_to_date(script):
    api_reference = script("api_reference")
    assert api_reference.PLACE == ROOT / "docs" / "API.md"
    text = (ROOT / "docs" / "API.md").read_text(encoding="utf-8")
    assert text == api_reference.reference(), "run `python launch/api_reference.py`"


def test_every_public_name_has_an_entry():
    text = (ROOT / "docs" / "API.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (\S+)$", text, flags=re.MULTILINE)
    names = [f"ieg_fsr.{name}" for name in ieg_fsr.__all__]
    names += [f"ieg_fsr.reweighting.{name}" for name in reweighting.__all__]
    assert headings[: len(names)] == names
    assert len(headings) == len(set(headings))


def test_signatures_are_complete():
    text = (ROOT / "docs" / "API.md").read_text(encoding="utf-8")
    for function in (ieg_fsr.FSR.__init__, reweighting.lookahead_weights, ieg_fsr.examples):
        for one in inspect.signature(function).parameters.values():
            if one.name != "self" and one.kind is not one.VAR_KEYWORD:
                default = "" if one.default is one.empty else f"={one.default!r}"
                assert re.search(rf"\b{one.name}{re.escape(default)}[,)]", text), one


def test_a_signature_by_hand(script):
    def short(self, a, *, b=1):
        """One line."""

    def long(a, b, c, d, *rest, e="x", **others):
        """One line."""

    api_reference = script("api_reference")
    assert api_reference.signature("place.short", short) == "short(a, *, b=1)"
    words = ["a", "b", "c", "d", "*rest", "e='x'", "**others"]
    assert api_reference.signature("long", long) == "\n".join(["long(", *(f"    {word}," for word in words), ")"])
