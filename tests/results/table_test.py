"""Cells, marks, Markdown and CSV of a table, by hand."""

import csv

import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.results.groups import group
from ieg_fsr.results.runs import Run
from ieg_fsr.results.table import Cell, Column, Row, Table, cell_text, column_of, markdown, marks, measured, write_csv


def groups_of(*accuracies):
    settings = dict(resolve({}))
    return group([Run(f"r{s}", settings | {"seed": s, "test_accuracy": a}) for s, a in enumerate(accuracies)])[0]


def test_cell_of_a_group_by_hand():
    cell = measured(groups_of(0.5, 0.75, 1.0), "test_accuracy")
    assert (cell.mean, cell.deviation, cell.seeds) == (0.75, pytest.approx(0.25), 3)
    assert cell_text(cell, Column("")) == "75.0 ± 25.0 (3)"
    assert cell_text(measured(groups_of(0.5), "test_accuracy"), Column("", 1.0, 3)) == "0.500 (1)"


def test_a_cell_without_a_figure_says_why():
    settings = dict(resolve({}))
    [failed] = group([Run("x", settings, "no summary.json")])
    texts = [measured(one, "test_top5").text for one in (None, failed, groups_of(0.5))]
    assert texts == ["not run", "not finished", "not measured"]
    assert measured(None, "test_accuracy").mean is None


def table(*rows, columns):
    return Table("name", "A title", "method", columns, rows, ("a note", "another"))


def column_marks(rows, best="high"):
    return [line[0] for line in marks(table(*rows, columns=(Column("a", best=best),)))]


def row(mean, deviation=None, clean=False):
    return Row("x", (Cell(mean, deviation, 2),), clean)


def test_the_best_and_what_is_within_a_deviation_of_it():
    # Behind by 1/4 with 1/8, by 1/8 with 1/8, by 1/8 with 1/16; the best has none to speak of.
    rows = [row(0.75, 0.125), row(1.0, 0.01), row(0.875, 0.125), row(0.875, 0.0625)]
    assert column_marks(rows) == ["", "**", "*", ""]
    # Now the best's own deviation counts.
    assert column_marks([row(0.9, 0.01), row(1.0, 0.1)]) == ["*", "**"]


def test_low_may_be_best_and_a_column_may_have_none():
    assert column_marks([row(0.9), row(0.5)], "low") == ["", "**"]
    assert column_marks([row(0.9), row(0.5)], "") == ["", ""]


def test_cells_that_read_alike_are_best_together():
    assert column_marks([row(0.99004), row(0.99001), row(0.98)]) == ["**", "**", ""]


def test_the_best_without_clean_images_is_marked_too():
    assert column_marks([row(0.9, clean=True), row(0.8), row(0.7)]) == ["**", "**", ""]
    assert column_marks([row(0.8, clean=True), row(0.9), row(0.7)]) == ["", "**", ""]


def test_cells_without_a_figure_are_never_marked():
    assert column_marks([Row("x", (Cell(text="not run"),)), row(0.7)]) == ["", "**"]
    assert column_marks([Row("x", (Cell(text="not run"),))]) == [""]


def test_markdown():
    columns = (Column("noise 0.4"), Column("seconds", 1.0, 0, best=""))
    fsr, gce = (Cell(0.9, 0.01, 3), Cell(12.4, None, 1)), (Cell(0.8, 0.2, 2), Cell(text="not run"))
    expected = """\
## A title

| method | noise 0.4          | seconds |
| ---    | ---                | ---     |
| FSR    | **90.0 ± 1.0 (3)** | 12 (1)  |
| GCE    | *80.0 ± 20.0 (2)*  | not run |

- a note
- another"""
    assert markdown(table(Row("FSR", fsr), Row("GCE", gce), columns=columns)) == expected


def test_csv_has_a_line_a_cell(tmp_path):
    columns = (Column("noise 0.4"), Column("noise 0.8"))
    write_csv(tmp_path / "t.csv", table(Row("FSR", (Cell(0.9, 0.125, 3), Cell(text="not run"))), columns=columns))
    with open(tmp_path / "t.csv", newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    assert lines == [
        ["row", "column", "mean", "standard_deviation", "seeds", "text", "mark"],
        ["FSR", "noise 0.4", "0.9", "0.125", "3", "90.0 ± 12.5 (3)", "best"],
        ["FSR", "noise 0.8", "", "", "", "not run", ""],
    ]


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        ("test_accuracy_ema", "12.5 (1)"),
        ("dictionary_purity", "12.5 (1)"),
        ("zero_weight_ratio", "12.5 (1)"),
        ("seconds_per_step", "0.1250 (1)"),
        ("weight_clean", "0.12 (1)"),
    ],
)
def test_how_figures_are_shown(figure, text):
    assert cell_text(Cell(0.125, None, 1), column_of(figure)) == text
