"""What README.md and docs/ say of figures, symbols, methods and columns is whole, and is what the code makes."""

import pathlib
import re
import shlex

import pytest

from ieg_fsr import tables

ROOT = pathlib.Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
TABLES_COMMAND = re.compile(r"^python -m ieg_fsr\.tables (--runs=docs/.*)$", re.M)


def document(name):
    return (ROOT / name).read_text(encoding="utf-8")


def rows_of(text):
    """The cells of the lines of a Markdown table, without the line below its heading."""
    lines = [line.strip().strip("|") for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)] for line in lines]
    return [row for row in cells if not re.fullmatch(r"[-: ]+", "".join(row))]


def test_the_story_of_the_results_is_short():
    assert len(document("docs/RESULTS.md").split()) <= 3000


def test_each_file_of_results_is_linked_with_what_it_holds():
    linked = set(re.findall(r"\]\(results/([^)]+)\)", document("docs/RESULTS.md")))
    assert linked == {str(path.relative_to(RESULTS)) for path in RESULTS.rglob("*.csv")}


@pytest.mark.slow
def test_the_long_tables_are_what_their_commands_make(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    compared = set()
    for arguments in TABLES_COMMAND.findall(document("docs/RESULTS.md").replace("\\\n", " ")):
        assert (tables.main(shlex.split(arguments)), capsys.readouterr().err) == (0, "")
        for made in (tmp_path / "results").rglob("*.csv"):
            kept = RESULTS / made.relative_to(tmp_path / "results")
            if made.name != "runs.csv" and kept.exists():
                assert made.read_text() == kept.read_text(), made.name
                compared.add(kept)
    by_cell = {path for path in RESULTS.rglob("*.csv") if path.read_text().startswith("row,column,mean")}
    assert compared == by_cell


def test_each_symbol_of_the_method_is_in_its_table_once():
    table = document("docs/METHOD.md").split("| symbol |")[1].split("\n\n")[0]
    symbols = [symbol for row in rows_of(table) for symbol in row[0].split(", ")]
    assert len(symbols) > 30
    assert len(set(symbols)) == len(symbols)


def test_the_readme_defines_each_column_before_its_first_table():
    before, after = document("README.md").split("\n| method ", 1)
    assert "\n|" not in before
    for column in rows_of("| method " + after.partition("\n")[0])[0][1:]:
        assert f"*{column.strip('()')}*" in before, column
