"""What a run is a run of: data and protocol, what is wrong with the labels, method, and what sets it apart."""

import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from ieg_fsr.configuration.resolve import RECIPE_CHOICES, recipe_of
from ieg_fsr.configuration.settings import FIELDS, PLACES, text_of
from ieg_fsr.data.sources.datasets import DATASETS
from ieg_fsr.methods import REWEIGHTING

# Names of methods as tables have them, in the order of the rows.
METHOD_NAMES = {
    "supervised": "supervised",
    "focal": "focal loss",
    "cb_softmax": "class-balanced softmax",
    "cb_sigmoid": "class-balanced sigmoid",
    "cb_focal": "class-balanced focal",
    "forward_correction": "forward correction",
    "gce": "GCE",
    "coteaching": "Co-teaching",
    "elr": "ELR",
    "l2r": "L2R",
    "mwn": "MWN",
    "fsr": "FSR",
}
_CONDITION = ("noise", "noise_type", "noise_matrix", "labels_file", "imbalance")
# Settings of training as such: methods are side by side only where these agree. Others belong to the method's name.
_PROTOCOL = (
    *("image_size", "train_examples", "epochs", "batch_size", "learning_rate", "schedule", "drop_epochs"),
    *("learning_rate_warmup_epochs", "momentum", "weight_decay", "padding", "flip", "ema_decay"),
    *("strategy", "num_replicas"),
)
# Settings that do not change what a run computes, beside those of `PLACES`.
_WATCHING = (
    *("seed", "eval_interval", "ema_eval_interval", "jit_compile", "lookahead_losses", "layer_gradients_interval"),
)
_APART = {*_CONDITION, *_PROTOCOL, *_WATCHING, *PLACES, "dataset", "method", "faithful", "network"}
# Settings of re-weighting, which methods without it do not look at.
_OF_REWEIGHTING = (
    *("reward_source", "meta_layers", "weight_rule", "clean_per_class", "dictionary_size", "reward_batch_size"),
    *("reward_features", "reward_interval", "pusher", "score_momentum", "lookahead_learning_rate"),
    *("lookahead_momentum", "initial_sample_weights", "weight_net_learning_rate", "weight_net_weight_decay"),
    *("weight_net_units", "weight_constraint", "reweight_warmup_epochs", "label_momentum", "pseudo_label_loss_weight"),
    "pseudo_label_dtype",
)
# Those that a hold-out does not look at.
_OF_A_DICTIONARY = ("dictionary_size", "reward_features", "pusher", "score_momentum")
# Sides of images at which recipes for own data change.
_SIDES = (16, 64, 224)


class Condition(NamedTuple):
    """What is wrong with labels and classes.

    Attributes:
        labels: name of the file of labels or of the noise matrix; empty if there is none.
        imbalance: largest over smallest class.
        noise_type: "uniform" where there is no noise.
        noise: share of the labels drawn anew.
    """

    labels: str = ""
    imbalance: float = 1.0
    noise_type: str = "uniform"
    noise: float = 0.0

    @property
    def family(self) -> str:
        """Name of the table that it is a column of."""
        if self.labels:
            return "given_labels"
        if self.imbalance > 1:
            return "long_tail_noise" if self.noise else "imbalance"
        return "noise" if self.noise_type == "uniform" else "asymmetric"

    @property
    def title(self) -> str:
        """noise 0.4; imbalance 50, pairflip 0.2."""
        kind = "noise" if self.noise_type == "uniform" else self.noise_type
        words = [f"imbalance {self.imbalance:g}"] if self.imbalance > 1 else []
        words += [f"labels {self.labels}"] if self.labels else []
        words += [f"{kind} {self.noise:g}"] if self.noise or not words else []
        return ", ".join(words)


class Identity(NamedTuple):
    """What runs that differ in their seed only have in common.

    Attributes:
        dataset: name on the command line.
        protocol: settings of training that are not the recipe's; empty if all are.
        condition: of labels and classes.
        method: name on the command line.
        variant: name in a table: the method, and whatever is not as in its recipe but the number of clean images.
        network: architecture if it is not the recipe's, else empty.
        faithful: as the authors' released code.
        differences: settings of the method that are not the recipe's, and their values.
        clean_per_class: clean images that the method was given, of each class; 0 for none.
    """

    dataset: str
    protocol: str
    condition: Condition
    method: str
    variant: str
    network: str = ""
    faithful: bool = False
    differences: tuple[tuple[str, Any], ...] = ()
    clean_per_class: int = 0

    @property
    def label(self) -> str:
        """The variant, and how many clean images it uses."""
        if not self.clean_per_class:
            return self.variant
        return f"{self.variant} ({self.clean_per_class} clean images a class)"


def identify(values: Mapping[str, Any]) -> Identity:
    """The identity of a run. Args: values: at least all fields of `Config`."""
    base = _base(values)
    differing = {name: values[name] for name in FIELDS if values[name] != base[name]}
    network = differing.get("network", "")
    idle: tuple[str, ...] = () if values["method"] in REWEIGHTING else _OF_REWEIGHTING
    if _clean_per_class(values):
        idle = _OF_A_DICTIONARY
    own = {name: value for name, value in differing.items() if name not in _APART and name not in idle}
    return Identity(
        dataset=values["dataset"],
        protocol=", ".join(_phrase(name, differing[name]) for name in _PROTOCOL if name in differing),
        condition=_condition(values),
        method=values["method"],
        variant=_variant(values, own, network),
        network=network,
        faithful=values["faithful"],
        differences=tuple(own.items()),
        clean_per_class=_clean_per_class(values),
    )


def _base(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the recipe gives. Own data are not looked at for their size: the recipe that fits best is theirs."""
    chosen = {name: values[name] for name in RECIPE_CHOICES}
    sides = (values["image_size"],) if values["dataset"] in DATASETS else (values["image_size"], *_SIDES)
    defaults = {name: field.default for name, field in FIELDS.items()}
    bases = [defaults | recipe_of(chosen | {"image_size": side}) for side in sides if side or len(sides) == 1]
    return min(bases, key=lambda base: sum(values[name] != base[name] for name in FIELDS))


def _clean_per_class(values: Mapping[str, Any]) -> int:
    holds_out = values["method"] in REWEIGHTING and values["reward_source"] == "holdout"
    return values["clean_per_class"] if holds_out else 0


def _condition(values: Mapping[str, Any]) -> Condition:
    labels = values["labels_file"] or values["noise_matrix"]
    noise = values["noise"]
    return Condition(
        pathlib.Path(labels).stem if labels else "",
        float(values["imbalance"]),
        values["noise_type"] if noise else "uniform",
        float(noise),
    )


def _variant(values: Mapping[str, Any], differences: Mapping[str, Any], network: str) -> str:
    left = dict(differences)
    name = METHOD_NAMES.get(values["method"], values["method"])
    words = [network] if network else []
    words += ["faithful"] if values["faithful"] else []
    if values["method"] == "fsr" and left.get("mixup") is False and left.get("pseudo_label_loss_weight") == 0:
        del left["mixup"], left["pseudo_label_loss_weight"]
        words.append("raw")
    if left.get("mixup"):
        del left["mixup"]
        name += " + MixUp"
    first_drop = values["drop_epochs"][:1]
    if first_drop and left.get("reweight_warmup_epochs") == first_drop[0]:
        del left["reweight_warmup_epochs"]
        words.append("deferred")
    words += [_phrase(key, value) for key, value in left.items() if key != "clean_per_class"]
    return ", ".join([name, *words])


_PHRASES = {
    ("mixup", False): "no MixUp",
    ("meta_layers", "dense"): "final Dense",
    ("meta_layers", "all"): "all layers",
}


def _phrase(name: str, value: Any) -> str:
    if (name, value) in _PHRASES:
        return _PHRASES[name, value]
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return f"{name} {text_of(value)}"
