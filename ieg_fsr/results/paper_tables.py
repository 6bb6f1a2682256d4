"""The paper's tables with our runs beside its figures; and what was run under its conditions beyond its rows."""

from collections.abc import Sequence

from ieg_fsr.results.groups import Group, notes_of
from ieg_fsr.results.identity import identify
from ieg_fsr.results.paper_numbers import OURS, Numbers, PaperColumn, PaperTable
from ieg_fsr.results.table import Cell, Column, Row, Table, measured

# Methods of the paper's tables that were given clean images.
_WITH_CLEAN_IMAGES = ("L2R", "L2R-R32", "MWN", "MentorNet")


def paper_table(paper: PaperTable, groups: Sequence[Group], metric: str) -> list[Table]:
    """One table of the paper, whether or not there are runs of ours; those count whose protocol is the recipe's."""
    usable = [one for one in groups if one.identity.dataset == paper.dataset]
    lines = [(name, OURS.get(name), numbers) for name, numbers in paper.rows.items()]
    digits = max(_digits(number) for *_, numbers in lines for number in numbers if number is not None)
    known = {None, *(variant for _, variant, _ in lines)}
    ours = dict.fromkeys(_variant(one, column) for one in usable for column in paper.columns)
    lines += [("", variant, (None,) * len(paper.columns)) for variant in ours if variant not in known]
    rows, seen = [], []
    for line in lines:
        row, found = _row(*line, paper.columns, usable, metric)
        rows.append(row)
        seen += found
    columns = []
    for column in paper.columns:
        columns += [Column(f"{column.title}: paper", 1.0, digits), Column(f"{column.title}: here", 100.0, digits)]
    title = f"{paper.title}: the paper's figures, and ours ({metric.replace('_', ' ')})"
    return [Table(paper.name, title, "paper / here", tuple(columns), tuple(rows), notes_of(seen))]


def _row(
    name: str,
    variant: str | None,
    numbers: Numbers,
    columns: Sequence[PaperColumn],
    groups: Sequence[Group],
    metric: str,
) -> tuple[Row, list[Group]]:
    """A line, and the groups in it. Args: variant: of ours; None where there is no such method here."""
    cells, seen = [], []
    for column, number in zip(columns, numbers, strict=True):
        found = next((one for one in groups if variant is not None and _variant(one, column) == variant), None)
        seen += [found] if found else []
        here = Cell(text="-") if variant is None else measured(found, column.figure or metric)
        cells += [Cell(number), here]
    ours = seen[0].identity._replace(variant=variant).label if seen and variant else variant
    label = " / ".join(text for text in (name, ours) if text) if name != ours else name
    clean = name in _WITH_CLEAN_IMAGES or any(one.identity.clean_per_class for one in seen)
    return Row(label, tuple(cells), clean), seen


def _variant(one: Group, column: PaperColumn) -> str | None:
    """What the group is called in a column; None where it does not belong there."""
    identity = one.identity
    if identity.condition != column.condition:
        return None
    if column.recipe_imbalance is not None:
        run = (*one.runs, *one.failed)[0]
        identity = identify(run.values | {"imbalance": column.recipe_imbalance})
    return None if identity.protocol else identity.variant


def _digits(number: float) -> int:
    return len(str(number).partition(".")[2])
