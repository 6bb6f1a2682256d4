"""Figures of the ablations: pushers, MixUp and re-labelling, size of the reward set, layers of the meta part."""

from collections.abc import Sequence

import matplotlib.axes
import matplotlib.figure
import matplotlib.patches
import numpy as np

from ieg_fsr.methods.registry import METHODS
from ieg_fsr.results import ablation_tables as tables
from ieg_fsr.results import pictures
from ieg_fsr.results.ablation_tables import Frame
from ieg_fsr.results.groups import Group
from ieg_fsr.results.pictures import BLUE, COLOURS, MARKERS, ORANGE, axis_title, factor_of, spread, tidy

_PURITY = "dictionary right, %"
_METHOD_STYLES = {"fsr": (COLOURS[0], "o"), "l2r": (COLOURS[1], "s"), "mwn": (COLOURS[2], "D")}
_REWARD_SETS = {"fsr": "dictionary, no clean image", "l2r": "clean images", "mwn": "clean images"}


def draw_pushers(frame: Frame, members: Sequence[Group], metric: str) -> matplotlib.figure.Figure:
    """Figure 5: purity of the dictionary against accuracy, and both by pusher."""
    ordered = sorted((one for one in members if one.runs), key=lambda one: spread(one, metric)[0])
    title = f"{frame.title('pushers')}; {pictures.seeds_text(ordered)}"
    figure, (scatter, accuracy, purity) = pictures.panels(
        3, title, width=4.6, height=max(4.2, 0.32 * len(ordered) + 1.6)
    )
    for place, one in enumerate(ordered):
        # Hollow, each with a shape of its own: points often lie on each other.
        shape = (place + place // len(COLOURS)) % len(MARKERS)
        style = {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[shape], "mfc": "none"}
        x, x_error = spread(one, "dictionary_purity", 100.0)
        y, y_error = spread(one, metric, factor_of(metric))
        common = style | {"ls": "", "ms": 8, "mew": 1.8, "capsize": 3}
        scatter.errorbar([x], [y], xerr=x_error or None, yerr=y_error or None, **common)
        accuracy.errorbar([y], [place], xerr=y_error or None, **common)
        purity.errorbar([x], [place], xerr=x_error or None, **common)
    scatter.set(xlabel=_PURITY, ylabel=axis_title(metric), title="purity against accuracy")
    accuracy.set(xlabel=axis_title(metric), title="accuracy")
    accuracy.set_yticks(range(len(ordered)), [tables.pusher_label(one) for one in ordered])
    purity.set(xlabel=_PURITY, title="purity")
    purity.set_yticks(range(len(ordered)), [])
    for axes in (scatter, accuracy, purity):
        tidy(axes, "both")
    return figure


def draw_mixup_relabelling(frame: Frame, members: Sequence[Group], metric: str) -> matplotlib.figure.Figure:
    """Figure 6: accuracy, purity and zero weights with MixUp and re-labelling on and off."""
    grid = tables.grid_of(members)
    title = f"{frame.title('MixUp and re-labelling')}; {pictures.seeds_text(list(grid.values()))}"
    figure, axes = pictures.panels(3, title, width=3.8)
    figures = {
        metric: axis_title(metric),
        "dictionary_purity": _PURITY,
        "zero_weight_ratio": "weights that are zero, %",
    }
    for axis, (name, text) in zip(axes, figures.items(), strict=True):
        for mixup, offset, colour, hatch in ((True, -0.2, BLUE, ""), (False, 0.2, ORANGE, "//")):
            for place, relabelling in enumerate((True, False)):
                _bar(axis, place + offset, grid.get((relabelling, mixup)), name, colour, hatch)
        axis.set_xticks([0, 1], ["re-labelling on", "re-labelling off"])
        axis.set(title=text, xlim=(-0.55, 1.55))
        axis.margins(y=0.15)
        tidy(axis)
    handles = [matplotlib.patches.Patch(facecolor=BLUE), matplotlib.patches.Patch(facecolor=ORANGE, hatch="//")]
    figure.legend(handles, ["with MixUp", "without MixUp"], loc="outside lower center", ncols=2, frameon=False)
    return figure


def _bar(axes: matplotlib.axes.Axes, place: float, one: Group | None, name: str, colour: str, hatch: str) -> None:
    value, error = spread(one, name, 100.0) if one else (float("nan"), 0.0)
    if np.isnan(value):
        axes.text(place, 0, " not run", rotation=90, ha="center", va="bottom", color="#555555")
        return
    axes.bar(place, value, 0.36, yerr=error or None, color=colour, hatch=hatch, edgecolor="white", capsize=3)
    axes.annotate(
        f"{value:.1f}", (place, value + error), (0, 3), textcoords="offset points", ha="center", fontsize="small"
    )


def draw_reward_sets(frame: Frame, members: Sequence[Group], metric: str) -> matplotlib.figure.Figure:
    """Figure 7: accuracy against the size of FSR's dictionary and of the hold-out sets of methods that need one."""
    title = f"{frame.title('size of the reward set')}; {pictures.seeds_text(members)}"
    figure, [axes] = pictures.panels(1, title, 6.4)
    for method in dict.fromkeys(one.identity.method for one in members):
        own = [one for one in members if one.identity.method == method]
        _line(axes, method, [tables.reward_set_size(one) for one in own], own, metric, f": {_REWARD_SETS[method]}")
    axes.set(xscale="log", xlabel="examples in the reward set", ylabel=axis_title(metric))
    ticks = sorted({tables.reward_set_size(one) for one in members})
    axes.set_xticks(ticks, [str(size) for size in ticks])
    axes.minorticks_off()
    axes.legend(frameon=False)
    tidy(axes)
    return figure


def draw_meta_layers(frame: Frame, members: Sequence[Group], metric: str) -> matplotlib.figure.Figure:
    """Figure 4, right: accuracy against the layers of the meta part."""
    choices = sorted({tables.value_of(one, "meta_layers") for one in members}, key=tables.layer_rank)
    title = f"{frame.title('layers of the meta part')}; {pictures.seeds_text(members)}"
    figure, [axes] = pictures.panels(1, title, max(6.4, 0.5 * len(choices) + 2))
    for method in dict.fromkeys(one.identity.method for one in members):
        own = [one for one in members if one.identity.method == method and one.runs]
        _line(axes, method, [choices.index(tables.value_of(one, "meta_layers")) for one in own], own, metric)
    axes.set_xticks(range(len(choices)), choices, rotation=30 if len(choices) > 5 else 0)
    axes.set(xlabel="the meta part begins at", ylabel=axis_title(metric))
    axes.legend(frameon=False)
    tidy(axes)
    return figure


def _line(
    axes: matplotlib.axes.Axes, method: str, places: list[int], own: Sequence[Group], metric: str, words: str = ""
) -> None:
    spreads: np.ndarray = np.reshape([spread(one, metric, factor_of(metric)) for one in own], (-1, 2))
    means, errors = spreads[:, 0], spreads[:, 1]
    colour, marker = _METHOD_STYLES[method]
    label = METHODS[method].label + words
    axes.errorbar(places, means, yerr=errors, color=colour, marker=marker, capsize=3, lw=1.5, label=label)
