"""Methods side by side on any data set: against what is wrong with the labels, and in detail for one condition."""

from collections.abc import Sequence

from ieg_fsr.data.labels.truth import truth_of
from ieg_fsr.methods.registry import method_figures
from ieg_fsr.methods.reweighting_figures import REWEIGHTING_FIGURES
from ieg_fsr.results.groups import Group, gathered, notes_of
from ieg_fsr.results.runs import BEST
from ieg_fsr.results.table import Cell, Column, Row, Table, column_of, measured

FAMILIES = {
    "noise": "uniform label noise",
    "asymmetric": "label noise that depends on the class",
    "imbalance": "long tail",
    "long_tail_noise": "long tail and label noise",
    "given_labels": "given labels",
}
# Settings whose change makes an ablation, not another method: the tables of `ablation_tables` have them.
_ABLATED = {
    *("pusher", "reward_features", "reward_interval", "score_momentum", "lookahead_learning_rate"),
    *("dictionary_size", "reward_batch_size", "label_momentum", "mixup_alpha", "clean_per_class"),
    *("lookahead_momentum", "weight_net_learning_rate", "weight_net_weight_decay", "weight_net_units"),
}

# Figures of a long tail, and their headings.
_BY_CLASS = {
    "test_mean_class_accuracy": "balanced accuracy",
    "test_accuracy_many": "many",
    "test_accuracy_medium": "medium",
    "test_accuracy_few": "few",
}


def condition_tables(groups: Sequence[Group], metric: str, family: str) -> list[Table]:
    """Methods x conditions of one family, a table for each data set and protocol that has any."""
    tables = []
    of_family = [one for one in groups if one.identity.condition.family == family]
    for experiment, members in gathered(of_family, lambda identity: identity.experiment).items():
        # Where a method was run in one form only, as with a warm-up to fit fewer epochs, that is the method.
        plain = {one.identity.method for one in members if not is_ablation(one)}
        members = [one for one in members if not is_ablation(one) or one.identity.method not in plain]
        conditions = sorted({one.identity.condition for one in members})
        found = {(one.identity.label, one.identity.condition): one for one in reversed(members)}
        rows = []
        for label, clean in dict.fromkeys((one.identity.label, one.identity.clean_per_class > 0) for one in members):
            cells = [measured(found.get((label, condition)), metric) for condition in conditions]
            rows.append(Row(label, tuple(cells), clean))
        columns = tuple(column_of(metric, condition.title) for condition in conditions)
        title = f"{experiment.title}: methods, {FAMILIES[family]}, {metric.replace('_', ' ')}"
        tables.append(Table(experiment.name(family), title, "method", columns, tuple(rows), notes_of(members)))
    return tables


def detail_table(members: Sequence[Group]) -> Table:
    """All variants of one condition, everything that was measured. Args: members: of one data set and condition."""
    identity = members[0].identity
    own = [
        figure.name
        for figure in method_figures().values()
        if figure.heading and (figure.promised or any(one.figures(figure.name) for one in members))
    ]
    details = {"test_accuracy": column_of("test_accuracy")}
    details |= {"test_accuracy_ema": column_of("test_accuracy_ema", "parameter average")}
    if identity.condition.imbalance > 1:
        measured_ones = [name for name in _BY_CLASS if any(one.figures(name) for one in members)]
        details |= {name: column_of(name, _BY_CLASS[name]) for name in measured_ones}
    details |= {BEST: Column("(best epoch)", best="")}
    details |= {name: column_of(name) for name in (*own, "seconds_total")}
    rows = []
    for one in members:
        cells = [Cell() if name in own and _does_not_apply(name, one) else measured(one, name) for name in details]
        rows.append(Row(one.identity.label, tuple(cells), one.identity.clean_per_class > 0))
    wrong = [value for one in members for value in one.figures("measured_noise_rate")]
    truths = [truth_of(run.values) for one in members for run in one.runs]
    share = f", {sum(wrong) / len(wrong):.1%} of the labels {truths[0].wrong}" if wrong and truths[0] else ""
    title = f"{identity.experiment.title}: comparison, {identity.condition.title}{share}"
    return Table(identity.name("comparison"), title, "method", tuple(details.values()), tuple(rows), notes_of(members))


def is_ablation(one: Group) -> bool:
    """Whether a group changes a setting of the re-weighting rather than the method."""
    changed = dict(one.identity.differences)
    words = one.identity.variant.split(", ")
    single = {"reweight_warmup_epochs": "deferred", "pseudo_label_loss_weight": "raw"}
    if any(name in changed and word not in words for name, word in single.items()):
        return True
    return bool(_ABLATED & set(changed)) or changed.get("meta_layers", "all") not in ("all", "dense")


def _does_not_apply(figure: str, one: Group) -> bool:
    """Whether finished runs have no such figure of a method: it is another's, or of wrong labels where none is."""
    of_dictionary = any(figure == known.name for known in REWEIGHTING_FIGURES)
    return bool(one.runs) and not (one.figures(figure) and (not of_dictionary or one.figures("dictionary_purity")))
