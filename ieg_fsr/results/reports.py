"""All tables and figures by the name that --table takes, and the files that they are written to."""

import pathlib
from collections.abc import Callable, Sequence
from functools import partial

from ieg_fsr.files import write_text
from ieg_fsr.results import ablation_pictures, ablation_tables
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


def _both(tables: Report, pictures: Report) -> Report:
    return lambda groups, metric: [*tables(groups, metric), *pictures(groups, metric)]


REPORTS: dict[str, Report] = {
    **{paper.name: partial(paper_table, paper) for paper in PAPER_TABLES},
    **{family: partial(condition_tables, family=family) for family in FAMILIES},
    "comparison": comparisons,
    "pushers": _both(ablation_tables.pusher_tables, ablation_pictures.pusher_pictures),
    "steps": step_tables,
    "losses": losses,
    "mixup_relabelling": _both(ablation_tables.mixup_relabelling_tables, ablation_pictures.mixup_relabelling_pictures),
    "dictionary_size": _both(ablation_tables.reward_set_tables, ablation_pictures.reward_set_pictures),
    "meta_layers": _both(ablation_tables.meta_layer_tables, ablation_pictures.meta_layer_pictures),
    "hyper_parameters": ablation_tables.hyper_parameter_tables,
    "gradients": gradients,
}


def write_reports(directory: pathlib.Path, names: Sequence[str], groups: Sequence[Group], metric: str) -> str:
    """Writes NAME.csv of every table, NAME.png of every figure, and tables.md with all of it.

    Args:
        directory: there already.
        names: keys of `REPORTS`.
        groups: all groups of runs.
        metric: figure that is compared.

    Returns:
        The tables as Markdown, without the figures.
    """
    parts: list[str] = []
    shown: list[str] = []
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
