"""All tables and figures by the name that --table takes, and the files that they are written to."""

import pathlib
from collections.abc import Callable, Sequence
from functools import partial

import matplotlib.figure

from ieg_fsr.files import write_text
from ieg_fsr.results import ablation_pictures as drawn
from ieg_fsr.results import ablation_tables as ablations
from ieg_fsr.results.ablation_tables import Frame, Frames
from ieg_fsr.results.curve_pictures import comparisons, losses
from ieg_fsr.results.gradients import gradients
from ieg_fsr.results.groups import Group
from ieg_fsr.results.method_tables import FAMILIES, condition_tables
from ieg_fsr.results.paper_numbers import PAPER_TABLES
from ieg_fsr.results.paper_tables import paper_table
from ieg_fsr.results.pictures import Picture, write_png
from ieg_fsr.results.step_tables import step_tables
from ieg_fsr.results.table import LEGEND, Table, markdown, write_csv

# Groups and metric -> tables and pictures.
Report = Callable[[Sequence[Group], str], Sequence[Table | Picture]]


def _ablation(
    find: Callable[[Sequence[Group]], Frames],
    table: Callable[[Frame, list[Group], str], Table],
    draw: Callable[[Frame, list[Group], str], matplotlib.figure.Figure] | None = None,
) -> Report:
    """All tables of an ablation, then all of its figures, which have the names of the tables."""

    def report(groups: Sequence[Group], metric: str) -> list[Table | Picture]:
        found = find(groups)
        tables = [table(frame, members, metric) for frame, members in found.items()]
        if draw is None:
            return [*tables]
        parts = zip(tables, found.items(), strict=True)
        return [*tables, *(Picture(made.name, partial(draw, *framed, metric)) for made, framed in parts)]

    return report


REPORTS: dict[str, Report] = {
    **{paper.name: partial(paper_table, paper) for paper in PAPER_TABLES},
    **{family: partial(condition_tables, family=family) for family in FAMILIES},
    "comparison": comparisons,
    "pushers": _ablation(ablations.pushers, ablations.pusher_table, drawn.draw_pushers),
    "steps": step_tables,
    "losses": losses,
    "mixup_relabelling": _ablation(
        ablations.mixup_relabelling, ablations.mixup_relabelling_table, drawn.draw_mixup_relabelling
    ),
    "dictionary_size": _ablation(ablations.reward_sets, ablations.reward_set_table, drawn.draw_reward_sets),
    "meta_layers": _ablation(ablations.meta_layers, ablations.meta_layer_table, drawn.draw_meta_layers),
    "hyper_parameters": _ablation(ablations.hyper_parameters, ablations.hyper_parameter_table),
    "gradients": gradients,
}


def write_reports(directory: pathlib.Path, names: Sequence[str], groups: Sequence[Group], metric: str) -> str:
    """Writes NAME.csv of every table, NAME.png of every figure, and tables.md with all of it into a directory.

    Args: names: keys of `REPORTS`. metric: figure that is compared.

    Returns: The tables as Markdown, without the figures.
    """
    parts, shown = [], []
    for name in names:
        for report in REPORTS[name](groups, metric):
            if isinstance(report, Table):
                write_csv(directory / f"{report.name}.csv", report)
                shown.append(markdown(report))
                parts.append(shown[-1])
            else:
                write_png(directory / f"{report.name}.png", report)
                parts.append(f"![{report.name}]({report.name}.png)")
    write_text(directory / "tables.md", "\n\n".join(["# Results", LEGEND, *parts]) + "\n")
    return "\n\n".join([*shown, LEGEND])
