"""What all figures share: colours that the colour-blind tell apart, axes, means with their spread, PNG files."""

import os
import textwrap
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import matplotlib.axes
import matplotlib.figure
import numpy as np

from ieg_fsr.files import write_whole
from ieg_fsr.results.groups import Group, mean_and_deviation

# Okabe and Ito.
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, GREY = COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#777777"),
)
MARKERS = "osD^vPX"
RIGHT, WRONG = BLUE, VERMILION


class Picture(NamedTuple):
    """A figure to be drawn. Attributes: name: of its file. draw: makes it."""

    name: str
    draw: Callable[[], matplotlib.figure.Figure]


def write_png(path: str | os.PathLike, picture: Picture) -> None:
    """Draws and writes a picture."""
    figure = picture.draw()
    write_whole(path, lambda place: figure.savefig(place, dpi=150))


def panels(count: int, title: str, width: float = 5.2, height: float = 4.2) -> tuple[matplotlib.figure.Figure, list]:
    """A figure with panels side by side. Args: title: above all of them. width, height: of each, in inches."""
    figure = matplotlib.figure.Figure(figsize=(width * count, height), layout="constrained")
    figure.suptitle(
        "\n".join(line for part in title.split("\n") for line in textwrap.wrap(part, int(17 * width * count)))
    )
    return figure, list(np.atleast_1d(figure.subplots(1, count)))


def tidy(axes: matplotlib.axes.Axes, grid: Literal["x", "y", "both"] = "y") -> None:
    """Leaves of the frame what is needed, and faint lines to read values off. Args: grid: "x", "y" or "both"."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=grid, color="#E5E5E5")
    axes.set_axisbelow(True)


def legend_below(axes: matplotlib.axes.Axes, columns: int = 2) -> None:
    """A legend under the axis' label, where it hides nothing."""
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=columns, frameon=False)


def mean_curve(one: Group, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Epochs [E] that every run with that column measured it after, and its values [S, E]."""
    curves = []
    for run in one.runs:
        values = {row["epoch"]: row[column] for row in run.rows() if row.get(column) is not None}
        if values:
            curves.append(values)
    if not curves:
        return np.zeros([0]), np.zeros([0, 0])
    epochs = sorted(set.intersection(*map(set, curves)))
    return np.array(epochs), np.array([[curve[epoch] for epoch in epochs] for curve in curves])


def plot_curve(
    axes: matplotlib.axes.Axes, one: Group, column: str, colour: str, label: str, style: str = "-", factor: float = 1.0
) -> None:
    """The mean over the seeds, and the band between the lowest and the highest; values are drawn times `factor`."""
    epochs, values = mean_curve(one, column)
    values = values * factor
    if not len(epochs):
        return
    axes.plot(epochs, values.mean(axis=0), style, color=colour, lw=1.8, label=label)
    if len(values) > 1:
        axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.15, lw=0)


def spread(one: Group, figure: str, factor: float = 1.0) -> tuple[float, float]:
    """Mean and standard deviation (0 for one seed) of a figure; NaN where it was not measured."""
    values = one.figures(figure)
    if not values:
        return float("nan"), 0.0
    mean, deviation = mean_and_deviation(values)
    return factor * mean, factor * (deviation or 0.0)


def axis_title(metric: str) -> str:
    """test accuracy, %."""
    return f"{metric.replace('_', ' ')}{', %' if metric.startswith('test_') else ''}"


def factor_of(metric: str) -> float:
    """Shares are drawn in percent."""
    return 100.0 if metric.startswith("test_") else 1.0


def seeds_text(groups: Sequence[Group]) -> str:
    """one seed; 3 seeds; 1 to 3 seeds."""
    counts = sorted({len(one.runs) for one in groups if one.runs})
    if counts == [1] or not counts:
        return "one seed"
    return f"{counts[0]} to {counts[-1]} seeds" if len(counts) > 1 else f"{counts[0]} seeds"
