"""What carries FSR: one setting or two of it changed, all else as in the recipe. A table a data set and condition."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ieg_fsr.configuration.settings import SETTINGS
from ieg_fsr.methods.registry import METHODS, owners
from ieg_fsr.results.groups import Group
from ieg_fsr.results.identity import Condition
from ieg_fsr.results.method_tables import Setting, notes_of
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

    setting: Setting
    condition: Condition
    network: str
    faithful: bool

    def name(self, kind: str) -> str:
        """Of the files of a report of this kind."""
        return self.setting.name(kind, *self._words())

    def title(self, text: str) -> str:
        """digits, noise 0.4: text."""
        return f"{self.setting.title}, {', '.join(self._words())}: {text}"

    def table(
        self,
        kind: str,
        text: str,
        first: str,
        columns: Iterable[Column],
        rows: Iterable[Row],
        groups: Iterable[Group],
    ) -> Table:
        """A table of these runs. Args: kind: for its name. text: what it is about. groups: those in it."""
        return Table(self.name(kind), self.title(text), first, tuple(columns), tuple(rows), notes_of(groups))

    def _words(self) -> list[str]:
        words = self.condition.title.split(", ")
        return words + ([self.network] if self.network else []) + (["faithful"] if self.faithful else [])


def frames(groups: Iterable[Group], changes: Callable[[Group], bool]) -> dict[Frame, list[Group]]:
    """Groups for which `changes` holds, by what else they share; only where there are two or more to compare."""
    found: dict[Frame, list[Group]] = {}
    for one in groups:
        identity = one.identity
        if changes(one):
            setting = Setting(identity.dataset, identity.protocol)
            found.setdefault(Frame(setting, identity.condition, identity.network, identity.faithful), []).append(one)
    return {frame: members for frame, members in sorted(found.items()) if len(members) > 1}


def is_fsr_with(one: Group, changed: Iterable[str]) -> bool:
    """Whether a group is FSR with no other settings changed than these."""
    return one.identity.method == "fsr" and {name for name, _ in one.identity.differences} <= set(changed)


def value_of(one: Group, name: str) -> Any:
    """A setting of the runs of a group."""
    return (*one.runs, *one.failed)[0].values.get(name, SETTINGS[name].default if name in SETTINGS else None)


def pushers(groups: Sequence[Group]) -> dict[Frame, list[Group]]:
    """FSR by pusher (Figure 5), with what else may be turned about the scores."""
    found = frames(groups, lambda one: is_fsr_with(one, _PUSHER))
    return {frame: list_ for frame, list_ in found.items() if len({value_of(one, "pusher") for one in list_}) > 1}


def pusher_label(one: Group) -> str:
    """lookahead; lookahead, no MixUp."""
    words = one.identity.variant.split(", ")
    kept = [
        word for word in words[1:] if not word.startswith("pusher ") and word not in (one.identity.network, "faithful")
    ]
    return ", ".join([value_of(one, "pusher"), *kept])


def pusher_tables(groups: Sequence[Group], metric: str) -> list[Table]:
    """Accuracy, purity and weights by pusher."""
    figures = _columns(metric, *_FIGURES, "weight_clean", "weight_noisy")
    tables = []
    for frame, members in pushers(groups).items():
        rows = [_row(pusher_label(one), one, figures) for one in members]
        tables.append(frame.table("pushers", "pushers", "pusher", figures.values(), rows, members))
    return tables


def mixup_relabelling(groups: Sequence[Group]) -> dict[Frame, dict[tuple[bool, bool], Group]]:
    """FSR with (re-labelling, MixUp) on and off (Figure 6)."""
    grids = {}
    for frame, members in frames(groups, lambda one: is_fsr_with(one, _MIXUP)).items():
        grid: dict[tuple[bool, bool], Group] = {}
        # Where several weights of the loss were tried, "on" is the recipe's, which has fewer differences.
        for one in sorted(members, key=lambda one: len(one.identity.differences)):
            grid.setdefault((value_of(one, "pseudo_label_loss_weight") > 0, value_of(one, "mixup")), one)
        if len(grid) > 1:
            grids[frame] = grid
    return grids


def mixup_relabelling_tables(groups: Sequence[Group], metric: str) -> list[Table]:
    """Accuracy, purity and zero weights of the four, with the paper's figures where they are for this condition."""
    figures = _columns(metric, *_FIGURES)
    tables = []
    for frame, grid in mixup_relabelling(groups).items():
        with_paper = (frame.setting.dataset, frame.condition) == MIXUP_RELABELLING_DATA
        columns: list[Column] = []
        for here in figures.values():
            columns += [Column(f"{here.title}: paper", 1.0, best=here.best)] if with_paper else []
            columns.append(here)
        rows = []
        for (relabelling, mixup), numbers in MIXUP_RELABELLING.items():
            cells: list[Cell] = []
            for figure, number in zip(figures, numbers, strict=True):
                cells += [Cell(number)] if with_paper else []
                cells.append(measured(grid.get((relabelling, mixup)), figure))
            rows.append(Row(f"re-labelling {_switch(relabelling)}, MixUp {_switch(mixup)}", tuple(cells)))
        tables.append(
            frame.table("mixup_relabelling", "MixUp and re-labelling", "setting", columns, rows, grid.values())
        )
    return tables


def reward_sets(groups: Sequence[Group]) -> dict[Frame, list[tuple[int, Group]]]:
    """Methods by the size of their reward set (Figure 7): FSR's dictionary, the clean images of the others."""

    def changes(one: Group) -> bool:
        clean = {name for name, _ in one.identity.differences} <= {"clean_per_class"}
        return is_fsr_with(one, ["dictionary_size"]) or (one.identity.clean_per_class > 0 and clean)

    sized = {
        frame: sorted(((_reward_set_size(one), one) for one in members), key=lambda item: item[0])
        for frame, members in frames(groups, changes).items()
    }
    return {frame: items for frame, items in sized.items() if len({size for size, _ in items}) > 1}


def reward_set_tables(groups: Sequence[Group], metric: str) -> list[Table]:
    """Accuracy and purity by method and size."""
    figures = _columns(metric, "dictionary_purity")
    tables = []
    for frame, items in reward_sets(groups).items():
        ordered = sorted(items, key=lambda item: (list(METHODS).index(item[1].identity.method), item[0]))
        rows = [
            _row(f"{METHODS[one.identity.method].label}, {_set_text(one, size)}", one, figures) for size, one in ordered
        ]
        words = ("dictionary_size", "size of the reward set", "method, reward set")
        tables.append(frame.table(*words, figures.values(), rows, [one for _, one in items]))
    return tables


def meta_layers(groups: Sequence[Group]) -> dict[Frame, list[Group]]:
    """Methods by the layers of the meta part (Figure 4), from the final Dense layer to all."""

    def changes(one: Group) -> bool:
        known = one.identity.method in owners("meta_layers")
        return known and {name for name, _ in one.identity.differences} <= {"meta_layers"}

    found = {}
    for frame, members in frames(groups, changes).items():
        if len({value_of(one, "meta_layers") for one in members}) > 1:
            found[frame] = sorted(
                members, key=lambda one: (one.identity.method, layer_rank(value_of(one, "meta_layers")))
            )
    return found


def layer_rank(layers: str | None) -> tuple[int, list[Any]]:
    """Sorts the values of --meta_layers: the final Dense layer, layers from the top down as their numbers go, all."""
    text = str(layers)
    if text in ("dense", "all"):
        return (0 if text == "dense" else 2), []
    digits = "".join(letter if letter.isdigit() else " " for letter in text).split()
    return 1, [-int(number) for number in digits] + [text]


def meta_layer_tables(groups: Sequence[Group], metric: str) -> list[Table]:
    """Accuracy, purity and time by the layers of the meta part."""
    figures = _columns(metric, "dictionary_purity", "seconds_per_step")
    tables = []
    for frame, members in meta_layers(groups).items():
        labels = [f"{METHODS[one.identity.method].label}, {value_of(one, 'meta_layers')}" for one in members]
        rows = [_row(label, one, figures) for label, one in zip(labels, members, strict=True)]
        words = ("meta_layers", "layers of the meta part", "method, from")
        tables.append(frame.table(*words, figures.values(), rows, members))
    return tables


def hyper_parameter_tables(groups: Sequence[Group], metric: str) -> list[Table]:
    """FSR with one hyper-parameter changed at a time (sensitivity to Table 4)."""
    figures = _columns(metric, *_FIGURES)

    def changes(one: Group) -> bool:
        return is_fsr_with(one, _HYPER_PARAMETERS) and len(one.identity.differences) <= 1

    tables = []
    for frame, members in frames(groups, changes).items():
        ordered = sorted(
            members, key=lambda one: [(_HYPER_PARAMETERS.index(n), v) for n, v in one.identity.differences]
        )
        rows = []
        for one in ordered:
            changed = [f"{name} {value:g}" for name, value in one.identity.differences]
            rows.append(_row(changed[0] if changed else "nothing", one, figures))
        base = next((f" ({_hyper_parameters(one)})" for one in members if not one.identity.differences), "")
        text = f"hyper-parameters, one changed at a time{base}"
        tables.append(frame.table("hyper_parameters", text, "changed", figures.values(), rows, members))
    return tables


def _columns(metric: str, *others: str) -> dict[str, Column]:
    """By figure; the metric by its name, as whoever chose it wrote it."""
    return {metric: column_of(metric, metric.replace("_", " "))} | {figure: column_of(figure) for figure in others}


def _row(label: str, one: Group, figures: Iterable[str]) -> Row:
    clean = one.identity.clean_per_class > 0
    cells = [Cell() if clean and figure in _FIGURES else measured(one, figure) for figure in figures]
    return Row(label, tuple(cells), clean)


def _hyper_parameters(one: Group) -> str:
    """Table 4's, of a group."""
    return ", ".join(f"{name} {value_of(one, name):g}" for name in _HYPER_PARAMETERS[:5])


def _reward_set_size(one: Group) -> int:
    if one.identity.clean_per_class:
        return one.identity.clean_per_class * int(value_of(one, "num_classes") or 0)
    return int(value_of(one, "dictionary_size_resolved") or value_of(one, "dictionary_size"))


def _set_text(one: Group, size: int) -> str:
    if one.identity.clean_per_class:
        return f"{size} clean images ({one.identity.clean_per_class} a class)"
    return f"dictionary of {size}"


def _switch(on: bool) -> str:
    return "on" if on else "off"
