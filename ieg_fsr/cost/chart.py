"""Bars of time and memory beside each other, as in the paper's Figure 4."""

import pathlib
from collections.abc import Sequence
from typing import Any

import matplotlib.axes
import matplotlib.figure
import numpy as np

from ieg_fsr.cost.rows import differing, reward_of
from ieg_fsr.files import write_whole

# Colours that the colour-blind tell apart (Okabe and Ito).
_COLOURS = ("#999999", "#000000", "#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#CC79A7", "#009E73", "#F0E442")


def chart(rows: Sequence[dict[str, Any]], path: str | pathlib.Path) -> None:
    """Writes a PNG: time and, where it was measured, memory of each row as a multiple of the reference's."""
    panels = [("time_ratio", "Time")]
    if any(row["memory_ratio"] is not None for row in rows):
        panels.append(("memory_ratio", "Peak memory"))
    figure = matplotlib.figure.Figure(figsize=(5.5 * len(panels), 4.2), layout="constrained")
    axes = list(np.atleast_1d(figure.subplots(1, len(panels))))
    for place, (column, title) in zip(axes, panels, strict=True):
        _bars(place, rows, column)
        place.set(title=title, ylabel=f"{rows[0]['relative_to']} = 1")
    units = {"seconds_per_run": "a training run", "seconds_per_epoch": "an epoch"}
    unit = next((unit for name, unit in units.items() if rows[0].get(name) is not None), "a training step")
    figure.suptitle(f"Cost of {unit}")
    handles, texts = axes[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=4, frameon=False)
    write_whole(path, lambda place: figure.savefig(place, dpi=150))


def labels(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What tells the bars of a network apart: the method, and what differs between its rows."""
    prefixes = {"num_examples": "N=", "dictionary_size": "|R|=", "reward_batch_size": "q=", "pusher": "", "reward": ""}
    rows = [row | {"reward": reward_of(row)} for row in rows]
    varied = [[f"{prefixes[name]}{row[name]}" for name in differing(rows, row, prefixes)] for row in rows]
    return [" ".join([row["method"], *words]) for row, words in zip(rows, varied, strict=True)]


def _bars(axes: matplotlib.axes.Axes, rows: Sequence[dict[str, Any]], column: str) -> None:
    networks, names = list(dict.fromkeys(row["network"] for row in rows)), labels(rows)
    kinds = list(dict.fromkeys(names))
    width = 0.8 / len(kinds)
    for index, kind in enumerate(kinds):
        own = [row for row, name in zip(rows, names, strict=True) if name == kind and row[column] is not None]
        places = [networks.index(row["network"]) + (index + 0.5) * width - 0.4 for row in own]
        heights = [row[column] for row in own]
        bars = axes.bar(places, heights, width, color=_COLOURS[index % len(_COLOURS)], label=kind)
        axes.bar_label(bars, fmt="%.2f", fontsize=7, padding=2)
        if column == "time_ratio":
            quartiles = [(row["time_ratio_q1"], row["time_ratio_q3"]) for row in own]
            axes.vlines(places, *np.array(quartiles).T, color="#555555", lw=1)
    axes.set_xticks(range(len(networks)), networks)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#EEEEEE")
    axes.set_axisbelow(True)
