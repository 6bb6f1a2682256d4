"""What a run is a run of: data and protocol, what is wrong with the labels, method, and what sets it apart."""

import pathlib
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from ieg_fsr.configuration.resolve import base_of
from ieg_fsr.configuration.settings import before, settings_for
from ieg_fsr.data.labels.truth import truth_of
from ieg_fsr.data.sources.datasets import DATASETS
from ieg_fsr.methods.registry import METHODS
from ieg_fsr.setting import COMPUTED, name_of

# Settings that an identity has a place of its own for.
_APART = frozenset({"dataset", "method", "network", "seed"})
# Sides of images at which recipes for own data change.
_SIDES = (16, 64, 224)
_LONGEST_NAME = 150  # letters, of a file


class Experiment(NamedTuple):
    """Data set and protocol, which all of a table's runs share."""

    dataset: str
    protocol: str

    @property
    def title(self) -> str:
        """digits; digits (epochs 20)."""
        return f"{self.dataset} ({self.protocol})" if self.protocol else self.dataset

    def name(self, *words: str) -> str:
        """Name of a table's files: digits-epochs20-noise."""
        parts = [self.dataset, *self.protocol.split(", "), *words]
        kept = ["".join(c if c.isalnum() or c in "_." else "" for c in part) for part in parts]
        name = "-".join(part for part in kept if part)
        return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}-{zlib.crc32(name.encode()):08x}"


class Condition(NamedTuple):
    """What is wrong with labels and classes."""

    labels: str = ""  # name of the file of labels, with the key, or of the noise matrix; empty if there is none
    imbalance: float = 1.0  # largest over smallest class
    noise_type: str = "uniform"  # "uniform" where there is no noise
    noise: float = 0.0  # share of the labels drawn anew
    doubtful: bool = False  # whether the labels are a user's own, as they are

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
        """noise 0.4; imbalance 50, pairflip 0.2; labels as they are."""
        if self.doubtful and self.imbalance <= 1:
            return "labels as they are"
        kind = "noise" if self.noise_type == "uniform" else self.noise_type
        words = [f"imbalance {self.imbalance:g}"] if self.imbalance > 1 else []
        words += [f"labels {self.labels}"] if self.labels else []
        words += [f"{kind} {self.noise:g}"] if self.noise or not words else []
        return ", ".join(words)


class Identity(NamedTuple):
    """What runs that differ in their seed only have in common."""

    dataset: str  # name on the command line
    protocol: str  # settings of training that are not the recipe's; empty if all are
    condition: Condition  # of labels and classes
    method: str  # name on the command line
    variant: str  # name in a table: the method, and whatever is not as in its recipe but the number of clean images
    network: str = ""  # architecture if it is not the recipe's, else empty
    faithful: bool = False  # as the authors' released code
    differences: tuple[tuple[str, Any], ...] = ()  # settings of the method that are not the recipe's, and their values
    clean_per_class: int = 0  # clean images that the method was given, of each class; 0 for none

    @property
    def label(self) -> str:
        """The variant, and how many clean images it uses."""
        if not self.clean_per_class:
            return self.variant
        return f"{self.variant} ({self.clean_per_class} clean images a class)"

    @property
    def experiment(self) -> Experiment:
        """Data set and protocol."""
        return Experiment(self.dataset, self.protocol)

    @property
    def title(self) -> str:
        """digits, noise 0.4."""
        return f"{self.experiment.title}, {self.condition.title}"

    def name(self, kind: str, *words: str) -> str:
        """Name of the files of a report of this kind on the condition."""
        return self.experiment.name(kind, *self.condition.title.split(", "), *words)


def identify(values: Mapping[str, Any]) -> Identity:
    """The identity of a run. Args: values: at least the settings of its method and those of every run."""
    base, spec = _base(values), METHODS[values["method"]]
    computed = [one for one in settings_for(spec.name).values() if one.role == COMPUTED and one.group != "Corruption"]
    differing = [one for one in computed if values[one.name] != base[one.name]]
    apart = _APART | set(spec.presets) | spec.idle(values)
    own = {one.name: values[one.name] for one in differing if not one.protocol and one.name not in apart}
    network = name_of("network", values["network"]) if values["network"] != base["network"] else ""
    labels = pathlib.Path(values["labels_file"] or values["noise_matrix"] or "").stem
    labels += f" {values['labels_key']}" if values["labels_key"] else ""
    labels += " with decisions" if values["decisions"] else ""
    noise_type = values["noise_type"] if values["noise"] else "uniform"
    return Identity(
        dataset=values["dataset"],
        protocol=", ".join(_phrase(one.name, values[one.name]) for one in differing if one.protocol),
        condition=Condition(
            labels,
            float(values["imbalance"]),
            noise_type,
            float(values["noise"]),
            truth_of(values) is None,
        ),
        method=spec.name,
        variant=_variant(values, own, network),
        network=network,
        faithful=values.get("faithful", False),
        differences=tuple(own.items()),
        clean_per_class=spec.clean_per_class(values),
    )


def _base(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the recipe gives. Own data are not looked at for their size: the recipe that fits best is theirs."""
    sides = (values["image_size"],) if values["dataset"] in DATASETS else (values["image_size"], *_SIDES)
    bases = [base_of(values, side) for side in sides if side or len(sides) == 1]
    nearest = min(bases, key=lambda base: sum(values[name] != base[name] for name in base))
    return nearest | before(values["method"])


def _variant(values: Mapping[str, Any], differences: Mapping[str, Any], network: str) -> str:
    left, spec = dict(differences), METHODS[values["method"]]
    name, words = spec.label, [network] if network else []
    words += [preset for preset in spec.presets if values[preset]]
    if spec.name == "fsr" and left.get("mixup") is False and left.get("pseudo_label_loss_weight") == 0:
        del left["mixup"], left["pseudo_label_loss_weight"]
        words.append("raw")
    if left.get("mixup"):
        del left["mixup"]
        name += " + MixUp"
    first_drop = values["drop_epochs"][:1]
    if first_drop and left.get("reweight_warmup_epochs") == first_drop[0]:
        del left["reweight_warmup_epochs"]
        words.append("deferred")
    if first_drop and left.get("deferred_reweighting") == first_drop[0]:
        del left["deferred_reweighting"]
        name += " + deferred re-weighting"
    if left.get("head", "dense") != "dense":
        name += f" + {METHODS[left.pop('head')].label}"
    words += [_phrase(key, value) for key, value in left.items() if key != "clean_per_class"]
    return ", ".join([name, *words])


_PHRASES = {("mixup", False): "no MixUp", ("meta_layers", "dense"): "final Dense", ("meta_layers", "all"): "all layers"}


def _phrase(name: str, value: Any) -> str:
    if (name, value) in _PHRASES:
        return _PHRASES[name, value]
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return f"{name} {name_of(name, value)}"
