"""Figures over epochs: accuracy of methods and the weights they give; losses before and after the lookahead."""

from collections.abc import Sequence
from functools import partial

import matplotlib.axes
import matplotlib.figure

from ieg_fsr.results import pictures
from ieg_fsr.results.groups import Group, gathered, notes_of
from ieg_fsr.results.identity import Identity
from ieg_fsr.results.method_tables import detail_table, is_ablation
from ieg_fsr.results.pictures import BLUE, COLOURS, RIGHT, WRONG, Picture, mean_curve, plot_curve, spread, tidy
from ieg_fsr.results.table import Column, Row, Table, measured

_LOSSES = {
    "loss_before_clean": "right, before",
    "loss_after_clean": "right, after",
    "loss_before_noisy": "wrong, before",
    "loss_after_noisy": "wrong, after",
}


def comparisons(groups: Sequence[Group], metric: str) -> list[Table | Picture]:
    """Everything that was run on one data set and condition: a detailed table, and curves where runs have them."""
    reports: list[Table | Picture] = []
    for members in gathered(groups, _place).values():
        table = detail_table(members)
        reports.append(table)
        drawn = [one for one in members if len(mean_curve(one, metric)[0])]
        if drawn:
            reports.append(Picture(table.name, partial(_curves, drawn, metric, table.title)))
    return reports


def losses(groups: Sequence[Group], metric: str) -> list[Table | Picture]:
    """Own-label losses around the lookahead (Figure 5), of runs with --lookahead_losses."""
    reports: list[Table | Picture] = []
    columns = tuple(Column(title, 1.0, 3, best="") for title in _LOSSES.values())
    with_losses = [one for one in groups if any(one.figures(name) for name in _LOSSES)]
    for members in gathered(with_losses, _place).values():
        identity = members[0].identity
        rows = tuple(Row(one.identity.label, tuple(measured(one, name) for name in _LOSSES)) for one in members)
        title = f"{identity.title}: mean own-label loss around the lookahead, last epoch"
        reports.append(Table(identity.name("losses"), title, "method", columns, rows, notes_of(members)))
        for one in members:
            if len(mean_curve(one, "loss_before_clean")[0]):
                name = one.identity.name("losses", *one.identity.variant.split(", "))
                reports.append(Picture(name, partial(_loss_curves, one)))
    return reports


def _place(identity: Identity) -> tuple:
    return identity.dataset, identity.protocol, identity.condition


def _curves(groups: Sequence[Group], metric: str, title: str) -> matplotlib.figure.Figure:
    shown = _shown(groups, metric)
    if len(shown) < len(groups):
        title += f"\n{len(shown)} of {len(groups)} shown: methods, then the best of the ablations"
    re_weighting = [one for one in shown if one.figures("zero_weight_ratio")]
    figure, axes = pictures.panels(2 if re_weighting else 1, title, height=4.2 + 0.23 * len(shown))
    others = iter(COLOURS[1:])
    for one in shown:
        colour = BLUE if one is shown[-1] else next(others)
        mean, _ = spread(one, metric, pictures.factor_of(metric))
        plot_curve(axes[0], one, metric, colour, f"{one.identity.label}: {mean:.1f}", factor=pictures.factor_of(metric))
    axes[0].set(title=pictures.axis_title(metric), xlabel="epoch (legend: after the last)")
    pictures.legend_below(axes[0], 1)
    tidy(axes[0])
    if re_weighting:
        _weights(axes[1], re_weighting[-1])
    return figure


def _shown(groups: Sequence[Group], metric: str) -> list[Group]:
    """At most one group a colour: methods before ablations, better ones before others. Plain FSR is the last."""
    ranked = sorted(groups, key=lambda one: (one.identity.variant != "FSR", is_ablation(one), -spread(one, metric)[0]))
    kept = [one for one in groups if one in ranked[: len(COLOURS)]]
    return sorted(kept, key=lambda one: one.identity.variant == "FSR")


def _weights(axes: matplotlib.axes.Axes, one: Group) -> None:
    for column, text, colour in (("weight_clean", "right labels", RIGHT), ("weight_noisy", "wrong labels", WRONG)):
        if one.figures(column):
            plot_curve(axes, one, column, colour, f"{text}: {spread(one, column)[0]:.2f}")
    _mark_start(axes, one)
    axes.set(
        title=f"{one.identity.label}:\nmean weight of a sample (1 = uniform)", xlabel="epoch (legend: after the last)"
    )
    axes.set_ylim(bottom=-0.05)
    pictures.legend_below(axes)
    tidy(axes)


def _mark_start(axes: matplotlib.axes.Axes, one: Group) -> None:
    warmup, epochs = (one.runs[0].values[name] for name in ("reweight_warmup_epochs", "epochs"))
    if 0 < warmup < epochs:
        axes.axvline(warmup + 0.5, color="#999999", lw=1, ls=":")
        axes.annotate(
            " re-weighting starts",
            (warmup + 0.5, 0.98),
            color="#555555",
            va="top",
            fontsize="small",
            xycoords=("data", "axes fraction"),
        )


def _loss_curves(one: Group) -> matplotlib.figure.Figure:
    title = f"{one.identity.title}: {one.identity.variant}, {pictures.seeds_text([one])}"
    figure, (around, gap) = pictures.panels(2, title, height=4.6)
    for kind, text, colour in (("clean", "right labels", RIGHT), ("noisy", "wrong labels", WRONG)):
        plot_curve(around, one, f"loss_before_{kind}", colour, f"{text}, before")
        plot_curve(around, one, f"loss_after_{kind}", colour, f"{text}, after", "--")
        epochs, before = mean_curve(one, f"loss_before_{kind}")
        _, after = mean_curve(one, f"loss_after_{kind}")
        if len(epochs):
            gap.plot(epochs, (before - after).mean(axis=0), color=colour, lw=1.8, label=text)
    around.set(title="mean own-label loss around the lookahead", xlabel="epoch", ylabel="cross-entropy")
    gap.set(title="how far the lookahead lowers it", xlabel="epoch", ylabel="before - after")
    for axes in (around, gap):
        pictures.legend_below(axes)
        tidy(axes)
        _mark_start(axes, one)
    return figure
