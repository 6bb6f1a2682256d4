"""Figures over epochs: accuracy of methods and the weights they give; losses before and after the lookahead."""

from collections.abc import Sequence
from functools import partial

import matplotlib.axes
import matplotlib.figure

from ieg_fsr.results.groups import Group
from ieg_fsr.results.identity import Identity
from ieg_fsr.results.method_tables import Setting, detail_table, is_ablation, notes_of
from ieg_fsr.results.pictures import (
    BLUE,
    COLOURS,
    RIGHT,
    WRONG,
    Picture,
    axis_title,
    factor_of,
    legend_below,
    mean_curve,
    panels,
    plot_curve,
    seeds_text,
    spread,
    tidy,
)
from ieg_fsr.results.table import Column, Row, Table, measured

_LOSSES = {
    "loss_before_clean": "right, before",
    "loss_after_clean": "right, after",
    "loss_before_noisy": "wrong, before",
    "loss_after_noisy": "wrong, after",
}


def comparisons(groups: Sequence[Group], metric: str) -> list[Table | Picture]:
    """Everything that was run on one data set and condition: a detailed table, and curves where runs have them."""
    by_condition: dict[tuple, list[Group]] = {}
    for one in groups:
        identity = one.identity
        by_condition.setdefault((identity.dataset, identity.protocol, identity.condition), []).append(one)
    reports: list[Table | Picture] = []
    for _, members in sorted(by_condition.items()):
        table = detail_table(members)
        reports.append(table)
        drawn = [one for one in members if len(mean_curve(one, metric)[0])]
        if drawn:
            reports.append(Picture(table.name, partial(_curves, drawn, metric, table.title)))
    return reports


def losses(groups: Sequence[Group], metric: str) -> list[Table | Picture]:
    """Own-label losses around the lookahead (Figure 5), of runs with --lookahead_losses."""
    measured_ = [one for one in groups if any(one.figures(name) for name in _LOSSES)]
    reports: list[Table | Picture] = []
    by_condition: dict[tuple, list[Group]] = {}
    for one in measured_:
        identity = one.identity
        by_condition.setdefault((identity.dataset, identity.protocol, identity.condition), []).append(one)
    for _, members in sorted(by_condition.items()):
        columns = tuple(Column(title, 1.0, 3, best="") for title in _LOSSES.values())
        rows = tuple(Row(one.identity.label, tuple(measured(one, name) for name in _LOSSES)) for one in members)
        title = f"{_title(members[0].identity)}: mean own-label loss around the lookahead, last epoch"
        reports.append(Table(_name(members[0].identity, "losses"), title, "method", columns, rows, notes_of(members)))
        for one in members:
            if len(mean_curve(one, "loss_before_clean")[0]):
                name = _name(one.identity, "losses", *one.identity.variant.split(", "))
                reports.append(Picture(name, partial(_loss_curves, one)))
    return reports


def _curves(groups: Sequence[Group], metric: str, title: str) -> matplotlib.figure.Figure:
    shown = _shown(groups, metric)
    if len(shown) < len(groups):
        title += f"\n{len(shown)} of {len(groups)} shown: methods, then the best of the ablations"
    re_weighting = [one for one in shown if one.figures("zero_weight_ratio")]
    figure, axes = panels(2 if re_weighting else 1, title, height=4.2 + 0.23 * len(shown))
    others = iter(COLOURS[1:])
    for one in shown:
        colour = BLUE if one is shown[-1] else next(others)
        mean, _ = spread(one, metric, factor_of(metric))
        plot_curve(axes[0], one, metric, colour, f"{one.identity.label}: {mean:.1f}", factor=factor_of(metric))
    axes[0].set(title=axis_title(metric), xlabel="epoch (legend: after the last)")
    legend_below(axes[0], 1)
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
    values = one.runs[0].values
    _mark_start(axes, values["reweight_warmup_epochs"], values["epochs"])
    axes.set(
        title=f"{one.identity.label}:\nmean weight of a sample (1 = uniform)",
        xlabel="epoch (legend: after the last)",
    )
    axes.set_ylim(bottom=-0.05)
    legend_below(axes)
    tidy(axes)


def _mark_start(axes: matplotlib.axes.Axes, warmup: int, epochs: int) -> None:
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
    title = f"{_title(one.identity)}: {one.identity.variant}, {seeds_text([one])}"
    figure, (around, gap) = panels(2, title, height=4.6)
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
        legend_below(axes)
        tidy(axes)
        _mark_start(axes, one.runs[0].values["reweight_warmup_epochs"], one.runs[0].values["epochs"])
    return figure


def _title(identity: Identity) -> str:
    return f"{Setting(identity.dataset, identity.protocol).title}, {identity.condition.title}"


def _name(identity: Identity, *words: str) -> str:
    return Setting(identity.dataset, identity.protocol).name(
        words[0], *identity.condition.title.split(", "), *words[1:]
    )
