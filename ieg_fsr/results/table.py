"""A table of results: cells with mean and spread, marks of the best, Markdown and CSV."""

import dataclasses
import os
from collections.abc import Sequence

from ieg_fsr.files import write_columns
from ieg_fsr.methods.registry import figure_of
from ieg_fsr.results.groups import Group, mean_and_deviation

NOT_RUN = "not run"
UNFINISHED = "not finished"
NOT_MEASURED = "not measured"
_BEST = {"up": "high", "down": "low", None: ""}
LEGEND = """\
Cells: mean ± sample standard deviation over the seeds (number of seeds); accuracies, purities and shares in %.
**Bold**: the best of its column; where that method uses clean images, also the best of those that use none.
*Italic*: below a bold one by no more than the larger of the two standard deviations.
"not run": there is no such run. "-": the paper has no such figure, or the method none of this kind."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """Mean, deviation and number of seeds; or a text where there is no figure."""

    mean: float | None = None
    deviation: float | None = None
    seeds: int = 0
    text: str = "-"


@dataclasses.dataclass(frozen=True)
class Column:
    """A column."""

    title: str  # above it
    factor: float = 100.0  # figures are shown times this
    digits: int = 1  # behind the point
    best: str = "high"  # "high" or "low", which is marked; empty for no mark


@dataclasses.dataclass(frozen=True)
class Row:
    """A line. Attributes: label: its first cell. cells: one a column. clean: whether the method uses clean images."""

    label: str
    cells: tuple[Cell, ...]
    clean: bool = False


@dataclasses.dataclass(frozen=True)
class Table:
    """A table."""

    name: str  # of its files
    title: str  # heading
    first: str  # title of the first column
    columns: tuple[Column, ...]  # the others
    rows: tuple[Row, ...]  # its lines
    notes: tuple[str, ...] = ()  # what stands below it


def measured(found: Group | None, figure: str) -> Cell:
    """The cell of a group; says so where there is none, none that finished, or no such figure."""
    if found is None:
        return Cell(text=NOT_RUN)
    if not found.runs:
        return Cell(text=UNFINISHED)
    values = found.figures(figure)
    return Cell(*mean_and_deviation(values), len(values)) if values else Cell(text=NOT_MEASURED)


def column_of(figure: str, title: str | None = None) -> Column:
    """How a figure is shown, by its declaration: shares in percent, times and sizes as they are."""
    known = figure_of(figure)
    title = title or known.heading or figure.replace("_", " ")
    return Column(title, 100.0 if known.share else 1.0, known.digits, _BEST[known.best])


def marks(table: Table) -> list[list[str]]:
    """ "**", "*" or nothing for each cell: best of its column, nearly so, neither; as the legend says."""
    found = [["" for _ in table.columns] for _ in table.rows]
    for index, column in enumerate(table.columns):
        cells = {line: row.cells[index] for line, row in enumerate(table.rows) if row.cells[index].mean is not None}
        best = _best(cells, column) | _best({i: cell for i, cell in cells.items() if not table.rows[i].clean}, column)
        for line, cell in cells.items():
            if line in best:
                found[line][index] = "**"
            elif column.best and any(_near(cell, cells[other]) for other in best):
                found[line][index] = "*"
    return found


def markdown(table: Table) -> str:
    """Heading, table with aligned bars, notes."""
    lines = [[table.first, *(column.title for column in table.columns)]]
    lines.append(["---"] * len(lines[0]))
    for row, marked in zip(table.rows, marks(table), strict=True):
        cells = zip(row.cells, table.columns, marked, strict=True)
        lines.append([row.label, *(f"{mark}{cell_text(cell, column)}{mark}" for cell, column, mark in cells)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    padded = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
    notes = ["", *(f"- {note}" for note in table.notes)] if table.notes else []
    return "\n".join([f"## {table.title}", "", *padded, *notes])


def cell_text(cell: Cell, column: Column) -> str:
    """99.1 ± 0.7 (3)."""
    if cell.mean is None:
        return cell.text
    text = f"{cell.mean * column.factor:.{column.digits}f}"
    if cell.deviation is not None:
        text += f" ± {cell.deviation * column.factor:.{column.digits}f}"
    return f"{text} ({cell.seeds})" if cell.seeds else text


def write_csv(path: str | os.PathLike, table: Table) -> None:
    """Writes a line a cell; figures as shares, not in percent, empty where there is none, with the cell's text."""
    names = ("row", "column", "mean", "standard_deviation", "seeds", "text", "mark")
    marked = {"**": "best", "*": "near", "": ""}
    lines: list[Sequence[str]] = []
    for row, row_marks in zip(table.rows, marks(table), strict=True):
        for cell, column, mark in zip(row.cells, table.columns, row_marks, strict=True):
            figures = ["" if value is None else repr(value) for value in (cell.mean, cell.deviation)]
            seeds = str(cell.seeds) if cell.seeds else ""
            lines.append([row.label, column.title, *figures, seeds, cell_text(cell, column), marked[mark]])
    write_columns(path, names, list(zip(*lines, strict=True)))


def _best(cells: dict[int, Cell], column: Column) -> set[int]:
    """Lines whose cell is the best; all of those that are shown alike."""
    if not cells or not column.best:
        return set()
    sign = 1 if column.best == "high" else -1
    shown = {line: round(sign * (cell.mean or 0.0) * column.factor, column.digits) for line, cell in cells.items()}
    return {line for line, value in shown.items() if value == max(shown.values())}


def _near(cell: Cell, best: Cell) -> bool:
    assert cell.mean is not None
    assert best.mean is not None
    return abs(best.mean - cell.mean) <= max(cell.deviation or 0.0, best.deviation or 0.0)
