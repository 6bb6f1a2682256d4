"""What a cheaper step loses: pusher x reward features x MixUp against every condition that was run."""

from collections import Counter
from collections.abc import Iterable, Sequence

from ieg_fsr.methods.registry import figure_of
from ieg_fsr.results.ablation_tables import is_fsr_with, value_of
from ieg_fsr.results.groups import Group, gathered, mean_and_deviation, notes_of
from ieg_fsr.results.identity import Condition, Experiment
from ieg_fsr.results.runs import WEIGHT_RATIO
from ieg_fsr.results.table import NOT_RUN, Cell, Column, Row, Table, column_of, measured

_TURNED = ("pusher", "reward_features", "reward_interval", "mixup")
_OTHER_FIGURES = {
    "dictionary_purity": figure_of("dictionary_purity").heading,
    WEIGHT_RATIO: "weight of wrong labels, right ones = 1",
}
# As in the paper: its own score with a forward of the reward batch in every step.
_REFERENCE = ("release", "forward", 1)

# Pusher, where reward features come from, steps between two forwards, MixUp.
Step = tuple[str, str, int, bool]


def step_tables(groups: Sequence[Group], metric: str) -> list[Table]:
    """The metric, purity and the ratio of weights, where several pushers and several reward features were run.

    The first table ends in how far a row is behind `--faithful` with the same MixUp in the worst of its conditions, in
    standard deviations (the larger of the two).
    """
    tables = []
    plain = [one for one in groups if is_fsr_with(one, _TURNED)]
    kept = [one for one in plain if not one.identity.faithful and not one.identity.network]
    for experiment, members in gathered(kept, lambda identity: identity.experiment).items():
        found = _crossed({(step_of(one), one.identity.condition): one for one in members})
        steps = sorted({step for step, _ in found}, key=lambda step: (not step[3], step[0], step[1] == "history", step))
        if len({step[0] for step in steps}) < 2 or len({step[1:3] for step in steps}) < 2:
            continue
        tables.append(_table(experiment, found, steps, metric, metric.replace("_", " "), with_loss=True))
        tables += [_table(experiment, found, steps, figure, title) for figure, title in _OTHER_FIGURES.items()]
    return tables


def step_of(one: Group) -> Step:
    """What of the step a group's runs turn; the interval is 0 where there is no forward."""
    pusher, features, interval, mixup = (value_of(one, name) for name in _TURNED)
    return pusher, features, 0 if features == "history" else interval, mixup


def _crossed(found: dict[tuple[Step, Condition], Group]) -> dict[tuple[Step, Condition], Group]:
    """Without conditions in which one step only was run, then without steps run in one of several conditions only."""
    runs = Counter(condition for _, condition in found)
    found = {key: one for key, one in found.items() if runs[key[1]] > 1}
    if len({condition for _, condition in found}) < 2:
        return found
    conditions = Counter(step for step, _ in found)
    return {key: one for key, one in found.items() if conditions[key[0]] > 1}


def _table(
    experiment: Experiment,
    found: dict[tuple[Step, Condition], Group],
    steps: Iterable[Step],
    figure: str,
    title: str,
    with_loss: bool = False,
) -> Table:
    conditions = sorted({condition for _, condition in found})
    columns = [column_of(figure, condition.title) for condition in conditions]
    columns += [Column("behind faithful at worst, in s.d.", 1.0, best="")] if with_loss else []
    rows = []
    for step in steps:
        cells = [measured(found.get((step, condition)), figure) for condition in conditions]
        if with_loss:
            reference = [found.get(((*_REFERENCE, step[3]), condition)) for condition in conditions]
            cells.append(_worst(zip((found.get((step, one)) for one in conditions), reference, strict=True), figure))
        rows.append(Row(_label(step), tuple(cells)))
    name = experiment.name("steps", *([] if with_loss else [figure]))
    heading = f"{experiment.title}: pusher, reward features and MixUp: {title}"
    return Table(name, heading, "pusher, reward features", tuple(columns), tuple(rows), notes_of(found.values()))


def _worst(pairs: Iterable[tuple[Group | None, Group | None]], figure: str) -> Cell:
    """The largest loss against the reference over the conditions that have two seeds or more of both."""
    losses = []
    for one, reference in pairs:
        values, expected = (group.figures(figure) if group else [] for group in (one, reference))
        if len(values) < 2 or len(expected) < 2:
            continue
        (mean, deviation), (goal, spread) = mean_and_deviation(values), mean_and_deviation(expected)
        larger = max(deviation or 0.0, spread or 0.0)
        losses.append((goal - mean) / larger if larger else 0.0 if goal == mean else (goal - mean) * float("inf"))
    return Cell(max(losses)) if losses else Cell(text=NOT_RUN)


def _label(step: Step) -> str:
    """lookahead, forward every 4 steps; release, history, no MixUp."""
    pusher, features, interval, mixup = step
    words = [pusher, "history" if features == "history" else "forward" + (f" / {interval}" if interval > 1 else "")]
    return ", ".join(words + ([] if mixup else ["no MixUp"]))
