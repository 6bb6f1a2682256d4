"""Size of gradient and meta gradient by layer (Figure 3), from `layer_gradients.jsonl` of runs that have it."""

from collections.abc import Sequence
from functools import partial

import matplotlib.figure
import numpy as np

from ieg_fsr.results.groups import Group, notes_of
from ieg_fsr.results.pictures import BLUE, VERMILION, Picture, panels, seeds_text, tidy
from ieg_fsr.results.table import Cell, Column, Row, Table

FILE = "layer_gradients.jsonl"
_SERIES = {"gradient": ("gradient of the training loss", BLUE, "o"), "meta_gradient": ("meta gradient", VERMILION, "s")}


def gradients(groups: Sequence[Group], metric: str) -> list[Table | Picture]:
    """A table and a figure for every group with such a file. Args: metric: unused."""
    reports: list[Table | Picture] = []
    for one in groups:
        sizes = layer_sizes(one)
        if sizes:
            name = one.identity.name("gradients", *one.identity.variant.split(", "))
            title = f"{one.identity.title}: size of the gradients by layer, {one.identity.variant}"
            reports += [_table(name, title, one, sizes), Picture(name, partial(_draw, one, title, sizes))]
    return reports


def layer_sizes(one: Group) -> dict[str, dict[str, np.ndarray]]:
    """Layer -> "gradient", "meta_gradient" -> [E], mean over the seeds of each epoch; layers as in the file.

    A line holds an epoch's layers, {epoch, layers: [{layer, training_gradient, meta_gradient}]}, or one of them,
    {epoch, layer, gradient, meta_gradient}.
    """
    found: dict[str, dict[str, dict[int, list[float]]]] = {}
    for run in one.runs:
        for row in run.rows(FILE):
            for layer in row.get("layers", [row]):
                for name in _SERIES:
                    size = layer.get(name, layer.get(f"training_{name}"))
                    if size is not None:
                        by_epoch = found.setdefault(str(layer["layer"]), {key: {} for key in _SERIES})[name]
                        by_epoch.setdefault(row["epoch"], []).append(size)
    return {
        layer: {name: np.array([np.mean(values) for values in by_epoch.values()]) for name, by_epoch in sizes.items()}
        for layer, sizes in found.items()
    }


def _table(name: str, title: str, one: Group, sizes: dict[str, dict[str, np.ndarray]]) -> Table:
    columns = tuple(Column(text, 1.0, 5, best="") for text, _, _ in _SERIES.values())
    rows = []
    for layer, series in sizes.items():
        means = [series[key] for key in _SERIES]
        rows.append(Row(layer, tuple(Cell(float(values.mean())) if len(values) else Cell() for values in means)))
    return Table(name, f"{title}, mean over epochs", "layer", columns, tuple(rows), notes_of([one]))


def _draw(one: Group, title: str, sizes: dict[str, dict[str, np.ndarray]]) -> matplotlib.figure.Figure:
    layers = list(sizes)
    figure, [axes] = panels(1, title, width=max(6.4, 0.32 * len(layers) + 2.5), height=4.6)
    for key, (text, colour, marker) in _SERIES.items():
        places = [place for place, layer in enumerate(layers) if len(sizes[layer][key])]
        values = [np.where(sizes[layers[place]][key] > 0, sizes[layers[place]][key], np.nan) for place in places]
        axes.plot(places, [np.nanmean(v) for v in values], color=colour, marker=marker, lw=1.2, label=text)
        if values:
            lowest: list[float] = [np.nanmin(v) for v in values]
            highest: list[float] = [np.nanmax(v) for v in values]
            axes.fill_between(places, lowest, highest, color=colour, alpha=0.15, lw=0)
    axes.set_xticks(range(len(layers)), layers, rotation=90 if len(layers) > 6 else 0)
    axes.set(yscale="log", xlabel="layer, from the input to the logits", ylabel="size of the gradient")
    axes.set_title(f"mean over epochs, band: lowest and highest epoch; {seeds_text([one])}", fontsize="medium")
    axes.legend(frameon=False)
    tidy(axes)
    return figure
