"""Tests of the layout: BUILD declares the arrows that the imports make; files are short and have an idea."""

import ast
import collections
import pathlib

import grimp
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = (ROOT / "BUILD").read_text(encoding="utf-8")
# Tables of BUILD by name. Its language is a part of Python.
TABLES = {
    statement.targets[0].id: ast.literal_eval(statement.value)
    for statement in ast.parse(BUILD).body
    if isinstance(statement, ast.Assign)
}
ARROWS = TABLES["ARROWS"] | TABLES["COMMAND_LINES"]
FILES = [path for folder in ("ieg_fsr", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]


def test_build_is_short():
    assert len(BUILD.splitlines()) <= 400


def test_every_package_has_its_arrows():
    packages = {path.parent.name for path in ROOT.glob("ieg_fsr/*/__init__.py")}
    assert packages == set(TABLES["ARROWS"])


@pytest.fixture(scope="module")
def imports():
    """What each of ARROWS, and the ground, imports of the others, at its top or inside a function."""
    graph = grimp.build_graph("ieg_fsr", cache_dir=None)
    found = collections.defaultdict(set)
    for module in graph.modules - {"ieg_fsr"}:
        lower = {_part(imported) for imported in graph.find_modules_directly_imported_by(module)}
        found[_part(module)] |= lower - {_part(module), "ground"}
    return found


def _part(module):
    """ieg_fsr.data.sources.cifar -> data; ieg_fsr.errors -> ground."""
    part = module.split(".")[1]
    return part if part in ARROWS else "ground"


@pytest.mark.parametrize("package", ARROWS)
def test_arrows_are_the_imports(package, imports):
    assert set(ARROWS[package]) == imports[package], f"BUILD: the line of {package} is not what its files import"


def test_the_ground_knows_no_package(imports):
    assert imports["ground"] == set()


def test_files_are_short_and_have_an_idea():
    assert not [path for path in FILES if len(path.read_text(encoding="utf-8").splitlines()) > 300]
    without_an_idea = {"utils", "util", "helpers", "misc", "common"}
    assert not [path for path in FILES if without_an_idea & set(path.relative_to(ROOT).with_suffix("").parts)]
