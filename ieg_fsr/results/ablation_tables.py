"""What carries FSR: one setting or two of it changed, all else as in the recipe. A table a data set and condition."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ieg_fsr.configuration.settings import SETTINGS
from ieg_fsr.methods.registry import METHODS, owners
from ieg_fsr.results.groups import Group, gathered, notes_of
from ieg_fsr.results.identity import Condition, Experiment, Identity
from ieg_fsr.results.paper_numbers import MIXUP_RELABELLING, MIXUP_RELABELLING_DATA
from ieg_fsr.results.table import Cell, Column, Row, Table, column_of, measured

_PUSHER = {"pusher", "reward_features", "reward_interval", "mixup"}
_MIXUP = {"mixup", "pseudo_label_loss_weight"}
# Paper, Table 4, and what else can be turned.
_HYPER_PARAMETERS = (
    *("dictionary_size", "reward_batch_size", "reweight_warmup_epochs", "label_momentum", "pseudo_label_loss_weight"),
    *("score_momentum", "lookahead_learning_rate", "mixup_alpha"),
)
_FIGURES = ("dictionary_purity", "zero_weight_ratio")


class Frame(NamedTuple):
    """What the runs of an ablation share."""

    experiment: Experiment
    condition: Condition
    network: str
    faithful: bool

    def name(self, kind: str) -> str:
        """Of the files of a report of this kind."""
        return self.experiment.name(kind, *self._words())

    def title(self, text: str) -> str:
        """digits, noise 0.4: text."""
        return f"{self.experiment.title}, {', '.join(self._words())}: {text}"

    def table(
        self, kind: str, text: str, first: str, columns: Iterable[Column], rows: Iterable[Row], groups: Iterable[Group]
    ) -> Table:
        """A table of these runs. Args: kind: for its name. text: what it is about. groups: those in it."""
        return Table(self.name(kind), self.title(text), first, tuple(columns), tuple(rows), notes_of(groups))

    def _words(self) -> list[str]:
        words = self.condition.title.split(", ")
        return words + ([self.network] if self.network else []) + (["faithful"] if self.faithful else [])


Frames = dict[Frame, list[Group]]


def frames(
    groups: Iterable[Group], changes: Callable[[Group], bool], varied: Callable[[Group], Any] = lambda one: one.identity
) -> Frames:
    """Groups for which `changes` holds, by what else they share; only where `varied` has two values or more."""

    def frame(identity: Identity) -> Frame:
        return Frame(identity.experiment, identity.condition, identity.network, identity.faithful)

    found = gathered(filter(changes, groups), frame)
    return {frame: members for frame, members in found.items() if len({varied(one) for one in members}) > 1}


def is_fsr_with(one: Group, changed: Iterable[str]) -> bool:
    """Whether a group is FSR with no other settings changed than these."""
    return one.identity.method == "fsr" and _changes_only(one, changed)


def _changes_only(one: Group, names: Iterable[str]) -> bool:
    return {name for name, _ in one.identity.differences} <= set(names)


def value_of(one: Group, name: str) -> Any:
    """A setting of the runs of a group."""
    return (*one.runs, *one.failed)[0].values.get(name, SETTINGS[name].default if name in SETTINGS else None)


def pushers(groups: Sequence[Group]) -> Frames:
    """FSR by pusher (Figure 5), with what else may be turned about the scores."""
    return frames(groups, lambda one: is_fsr_with(one, _PUSHER), lambda one: value_of(one, "pusher"))


def pusher_label(one: Group) -> str:
    """lookahead; lookahead, no MixUp."""
    left_out = (one.identity.network, "faithful")
    words = [word for word in one.identity.variant.split(", ")[1:] if word not in left_out]
    return ", ".join([value_of(one, "pusher"), *(word for word in words if not word.startswith("pusher "))])


def pusher_table(frame: Frame, members: Sequence[Group], metric: str) -> Table:
    """Accuracy, purity and weights by pusher."""
    figures = _columns(metric, *_FIGURES, "weight_clean", "weight_noisy")
    rows = [_row(pusher_label(one), one, figures) for one in members]
    return frame.table("pushers", "pushers", "pusher", figures.values(), rows, members)


def mixup_relabelling(groups: Sequence[Group]) -> Frames:
    """FSR with re-labelling and MixUp on and off (Figure 6)."""
    return frames(groups, lambda one: is_fsr_with(one, _MIXUP), _switches)


def grid_of(members: Sequence[Group]) -> dict[tuple[bool, bool], Group]:
    """Those groups by (re-labelling, MixUp)."""
    grid: dict[tuple[bool, bool], Group] = {}
    # Where several weights of the loss were tried, "on" is the recipe's, which has fewer differences.
    for one in sorted(members, key=lambda one: len(one.identity.differences)):
        grid.setdefault(_switches(one), one)
    return grid


def _switches(one: Group) -> tuple[bool, bool]:
    return value_of(one, "pseudo_label_loss_weight") > 0, value_of(one, "mixup")


def mixup_relabelling_table(frame: Frame, members: Sequence[Group], metric: str) -> Table:
    """Accuracy, purity and zero weights of the four, with the paper's figures where they are for this condition."""
    figures = _columns(metric, *_FIGURES)
    with_paper = (frame.experiment.dataset, frame.condition) == MIXUP_RELABELLING_DATA
    columns: list[Column] = []
    for here in figures.values():
        columns += [Column(f"{here.title}: paper", 1.0, best=here.best)] if with_paper else []
        columns.append(here)
    rows, grid = [], grid_of(members)
    for switches, numbers in MIXUP_RELABELLING.items():
        cells: list[Cell] = []
        for figure, number in zip(figures, numbers, strict=True):
            cells += [Cell(number)] if with_paper else []
            cells.append(measured(grid.get(switches), figure))
        relabelling, mixup = ("on" if switch else "off" for switch in switches)
        rows.append(Row(f"re-labelling {relabelling}, MixUp {mixup}", tuple(cells)))
    return frame.table("mixup_relabelling", "MixUp and re-labelling", "setting", columns, rows, grid.values())


def reward_sets(groups: Sequence[Group]) -> Frames:
    """Methods by the size of their reward set (Figure 7): FSR's dictionary, the clean images of the others."""

    def changes(one: Group) -> bool:
        with_clean = one.identity.clean_per_class > 0 and _changes_only(one, ["clean_per_class"])
        return with_clean or is_fsr_with(one, ["dictionary_size"])

    found = frames(groups, changes, reward_set_size)
    return {frame: sorted(members, key=reward_set_size) for frame, members in found.items()}


def reward_set_size(one: Group) -> int:
    """Examples in the reward set of a group."""
    if one.identity.clean_per_class:
        return one.identity.clean_per_class * int(value_of(one, "num_classes") or 0)
    return int(value_of(one, "dictionary_size_resolved") or value_of(one, "dictionary_size"))


def reward_set_table(frame: Frame, members: Sequence[Group], metric: str) -> Table:
    """Accuracy and purity by method and size."""
    figures = _columns(metric, "dictionary_purity")
    rows = []
    for one in sorted(members, key=lambda one: list(METHODS).index(one.identity.method)):
        size, clean = reward_set_size(one), one.identity.clean_per_class
        text = f"{size} clean images ({clean} a class)" if clean else f"dictionary of {size}"
        rows.append(_row(f"{METHODS[one.identity.method].label}, {text}", one, figures))
    words = ("dictionary_size", "size of the reward set", "method, reward set")
    return frame.table(*words, figures.values(), rows, members)


def meta_layers(groups: Sequence[Group]) -> Frames:
    """Methods by the layers of the meta part (Figure 4), from the final Dense layer to all."""

    def changes(one: Group) -> bool:
        return one.identity.method in owners("meta_layers") and _changes_only(one, ["meta_layers"])

    def order(one: Group) -> tuple:
        return one.identity.method, layer_rank(value_of(one, "meta_layers"))

    found = frames(groups, changes, lambda one: value_of(one, "meta_layers"))
    return {frame: sorted(members, key=order) for frame, members in found.items()}


def layer_rank(layers: str | None) -> tuple[int, list[Any]]:
    """Sorts the values of --meta_layers: the final Dense layer, layers from the top down as their numbers go, all."""
    text = str(layers)
    if text in ("dense", "all"):
        return (0 if text == "dense" else 2), []
    return 1, [-int(number) for number in re.findall(r"\d+", text)] + [text]


def meta_layer_table(frame: Frame, members: Sequence[Group], metric: str) -> Table:
    """Accuracy, purity and time by the layers of the meta part."""
    figures = _columns(metric, "dictionary_purity", "seconds_per_step")
    rows = [
        _row(f"{METHODS[one.identity.method].label}, {value_of(one, 'meta_layers')}", one, figures) for one in members
    ]
    return frame.table("meta_layers", "layers of the meta part", "method, from", figures.values(), rows, members)


def hyper_parameters(groups: Sequence[Group]) -> Frames:
    """FSR with one hyper-parameter changed at a time (sensitivity to Table 4)."""
    return frames(groups, lambda one: is_fsr_with(one, _HYPER_PARAMETERS) and len(one.identity.differences) <= 1)


def hyper_parameter_table(frame: Frame, members: Sequence[Group], metric: str) -> Table:
    """Accuracy, purity and zero weights by what was changed."""
    figures = _columns(metric, *_FIGURES)
    rows, base = [], ""
    for one in sorted(members, key=lambda one: [(_HYPER_PARAMETERS.index(n), v) for n, v in one.identity.differences]):
        changed = [f"{name} {value:g}" for name, value in one.identity.differences]
        rows.append(_row(changed[0] if changed else "nothing", one, figures))
        if not changed:
            base = f" ({', '.join(f'{name} {value_of(one, name):g}' for name in _HYPER_PARAMETERS[:5])})"
    text = f"hyper-parameters, one changed at a time{base}"
    return frame.table("hyper_parameters", text, "changed", figures.values(), rows, members)


def _columns(metric: str, *others: str) -> dict[str, Column]:
    """By figure; the metric by its name, as whoever chose it wrote it."""
    return {metric: column_of(metric, metric.replace("_", " "))} | {figure: column_of(figure) for figure in others}


def _row(label: str, one: Group, figures: Iterable[str]) -> Row:
    clean = one.identity.clean_per_class > 0
    cells = [Cell() if clean and figure in _FIGURES else measured(one, figure) for figure in figures]
    return Row(label, tuple(cells), clean)
