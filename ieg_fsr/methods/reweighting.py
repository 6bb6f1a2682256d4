"""What FSR, L2R and Meta-Weight-Net share: reward source, depth of the meta part and weight rule are settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ieg_fsr.data.labels.truth import truth_of
from ieg_fsr.data.sources.datasets import spec_of
from ieg_fsr.errors import UserError
from ieg_fsr.methods.logit_adjustment import adjusted_by
from ieg_fsr.methods.reweighting_figures import REWEIGHTING_FIGURES, strength_in_words
from ieg_fsr.methods.spec import BASELINE, BuildContext, MethodSpec, of_batch
from ieg_fsr.reweighting.settings import (
    DEFAULT_REWARD_INTERVAL,
    FEWEST_EXAMPLES,
    LARGEST_DEFAULT_DICTIONARY,
    REWEIGHTING_SETTINGS,
    check_pseudo_label_table,
    kept_logits,
)
from ieg_fsr.setting import Config

if TYPE_CHECKING:
    from ieg_fsr.data.sources.image_source import DataSet
    from ieg_fsr.methods.models.supervised import Supervised
    from ieg_fsr.reweighting.weight_rules import WeightRule

API = ("ieg_fsr.methods.models.fsr:FSR", "ieg_fsr.reweighting.weight_net:WeightNet")
# What a hold-out does not look at.
_OF_A_DICTIONARY = frozenset({"dictionary_size", "reward_features", "pusher", "score_momentum"})
# Settings that `FSR` takes under the same names.
_SAME_NAMES = (
    *("meta_layers", "reward_batch_size", "reward_features", "reward_interval", "pusher", "score_momentum"),
    *("lookahead_learning_rate", "reweight_warmup_epochs", "label_momentum", "pseudo_label_loss_weight"),
    *("pseudo_label_dtype", "pseudo_label_top", "lookahead_losses"),
)
FROM_HISTORY: Mapping[str, Any] = {"reward_features": "history", "reward_interval": DEFAULT_REWARD_INTERVAL}
# Methods with a clean hold-out. L2R (Ren et al. 2018, Algorithm 1, and the re-implementation of FSR's authors) looks
# ahead by plain SGD from weights of zero; MWN (Shu et al. 2019, and its authors' code) by plain SGD with its own
# weights. Both re-weight from the first step, with a fresh batch of clean images of the size of the training batch.
HOLD_OUT: Mapping[str, Any] = {
    **BASELINE,
    "reward_source": "holdout",
    "meta_layers": "all",
    "reward_batch_size": 100,
    "reward_features": "forward",
    "reward_interval": 1,
    "lookahead_momentum": 0.0,
    "weight_constraint": "clip",
    "reweight_warmup_epochs": 0,
    "pseudo_label_loss_weight": 0.0,
}


def _imply(given: Mapping[str, Any]) -> dict[str, Any]:
    """An interval is one of forwards, a hold-out has no history, and one remedy for rare classes is enough."""
    forwards = "reward_interval" in given or given.get("reward_source") == "holdout"
    others = {"deferred_reweighting", "logit_adjustment_after"} & given.keys()
    return ({"reward_features": "forward"} if forwards else {}) | ({"logit_adjustment_tau": 0.0} if others else {})


def _dictionary_size(config: Config, num_examples: int) -> int:
    """A recipe is for the whole data set: a smaller one, such as its long tail, has at most N places to fill."""
    return min(config.dictionary_size or LARGEST_DEFAULT_DICTIONARY, num_examples)


def _check(config: Config, data: DataSet | None) -> None:
    holds_out = config.reward_source == "holdout"
    if config.precision == "mixed_float16" and config.meta_layers != "dense":
        raise UserError(
            "--precision must be float32 or mixed_bfloat16 with --meta_layers other than dense: the lookahead's own "
            "gradients would be too small for float16. Received: mixed_float16"
        )
    if holds_out and config.reward_features != "forward":
        raise UserError(
            "--reward_features must be forward with --reward_source=holdout: clean images are not trained on. "
            f"Received: {config.reward_features}"
        )
    # The labels of these are what is in question, unless other labels stand in for them.
    if holds_out and (truth_of(config) is None or not spec_of(config.dataset).has_true_labels):
        raise UserError(
            f"--reward_source must be dictionary with --dataset={config.dataset}, whose true labels are not known "
            "(those of own data count as true where --labels_file or --noise stands in for them). Received: holdout"
        )
    if config.skip == "weights" and (holds_out or config.strength == "0"):
        received = "--reward_source=holdout" if holds_out else "--strength=0"
        raise UserError(f"--skip=weights must go with a dictionary and a strength above 0. Received: {received}")
    if data is not None and config.pseudo_label_loss_weight:
        name, classes = "--pseudo_label_top", data.num_classes
        kept = kept_logits(name, config.pseudo_label_top, classes)
        check_pseudo_label_table(name, len(data.train), classes, kept, config.pseudo_label_dtype)
    given = data is not None and not holds_out and "dictionary_size" in config.given
    if given and config.dictionary_size > len(data.train):  # type: ignore[union-attr]
        raise UserError(
            f"--dictionary_size must be at most {len(data.train)}, the number of training examples. "  # type: ignore[union-attr]
            f"Received: {config.dictionary_size}"
        )


def _resolved(config: Config, data: DataSet) -> dict[str, Any]:
    return {
        "lookahead_momentum_resolved": _lookahead_momentum(config),
        "dictionary_size_resolved": _dictionary_size(config, len(data.train)),
    }


def _notes(config: Config, data: DataSet) -> list[str]:
    lines, places = [], _dictionary_size(config, len(data.train))
    if config.reward_source == "dictionary" and config.dictionary_size and places < config.dictionary_size:
        lines.append(f"a dictionary of {places} places, as many as training examples: the recipe's is for more")
    if config.get("strength") == "auto" and config.reward_source == "dictionary" and len(data.train) < FEWEST_EXAMPLES:
        lines.append(f"strength 1: {len(data.train)} examples are too few to tune it by, it takes {FEWEST_EXAMPLES}")
    if config.epochs <= config.reweight_warmup_epochs:
        lines.append(f"weights stay uniform: warm-up takes all {config.epochs} epochs")
    return lines


def _build(context: BuildContext) -> Supervised:
    from ieg_fsr.methods.models.fsr import FSR

    config, examples = context.config, len(context.data.train)
    tau = config.get("logit_adjustment_tau", 0.0)
    adjusted = of_batch(adjusted_by(context, tau)) if tau else None
    return FSR(
        context.network(config.seed),
        examples,
        _dictionary_size(config, examples),
        clean_examples=context.clean_examples,
        trusted_ids=None if context.clean_examples else context.trusted_ids,
        weight_rule=_weight_rule(config),
        lookahead_momentum=_lookahead_momentum(config),
        strength=config.get("strength", "1"),
        **{name: config[name] for name in _SAME_NAMES},
        sample_loss=adjusted,
        **context.shared,
    )


def _lookahead_momentum(config: Config) -> float:
    """That of SGD, if nothing else is said."""
    return config.momentum if config.lookahead_momentum is None else config.lookahead_momentum


def _weight_rule(config: Config) -> WeightRule:
    from ieg_fsr.reweighting.weight_net import WeightNet
    from ieg_fsr.reweighting.weight_rules import DirectWeights, UniformWeights

    if config.weight_rule == "weight_net":
        return WeightNet(
            config.weight_net_learning_rate, config.weight_net_weight_decay, config.weight_net_units, config.seed
        )
    if config.weight_rule == "uniform":
        return UniformWeights()
    return DirectWeights(config.weight_constraint, config.initial_sample_weights)


def idle_settings(values: Mapping[str, Any]) -> frozenset[str]:
    """Those without effect: what a hold-out does not look at."""
    return _OF_A_DICTIONARY if values["reward_source"] == "holdout" else frozenset()


def family_spec(**own: Any) -> MethodSpec:
    """The spec of one of the three. Args: own: what it says for itself, with its settings where it has others."""
    shared: dict[str, Any] = {
        "settings": REWEIGHTING_SETTINGS,
        "check": _check,
        "imply": _imply,
        "resolved": _resolved,
        "notes": _notes,
        "conclusion": strength_in_words,
        "clean_per_class": lambda values: values["clean_per_class"] if values["reward_source"] == "holdout" else 0,
        "idle": idle_settings,
        # Steps from one forward of a reward batch to the next.
        "period": lambda config: config.reward_interval if config.reward_features == "forward" else 1,
        "build": _build,
        "figures": REWEIGHTING_FIGURES,
        "api": API,
    }
    return MethodSpec(**(shared | own))
