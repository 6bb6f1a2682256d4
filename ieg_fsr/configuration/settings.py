"""All settings: those that every run has, and those of the methods. No TensorFlow.

Each is declared once, as a `Setting`: here, or beside what it belongs to. It becomes a flag of the same name.
"""

from collections.abc import Mapping
from typing import Any

from ieg_fsr.data.labels.corruption import NOISE_TYPES
from ieg_fsr.data.sources.datasets import CHOICES, is_dataset
from ieg_fsr.errors import UserError
from ieg_fsr.methods.common_settings import (
    DEFERRED_REWEIGHTING,
    DEFERRED_REWEIGHTING_BETA,
    HEAD,
    LABEL_SMOOTHING,
    LOGIT_ADJUSTMENT_AFTER,
    MIXUP,
    MIXUP_ALPHA,
    PARAMETER_AVERAGE_DECAY,
    SKIP,
    WEIGHT_DECAY,
)
from ieg_fsr.methods.registry import METHODS, leave_out_methods_with, settings_of
from ieg_fsr.networks import CHOICES as NETWORK_CHOICES
from ieg_fsr.networks import PRECISIONS, is_network
from ieg_fsr.rules import (
    ANY,
    Rule,
    above,
    at_least,
    below_one,
    between,
    one_of,
    path,
    rising_epochs,
    some_of,
    step_range,
    whole_seed,
)
from ieg_fsr.setting import PLACES, RUNS, Config, Setting, text_of

__all__ = [
    "GENERAL",
    "SETTINGS",
    "Config",
    "before",
    "canonical",
    "check_setting",
    "defaults_for",
    "refuse_others",
    "settings_for",
    "text_of",
]

_DATA: dict[str, Any] = {"group": "Data"}
_CORRUPTION: dict[str, Any] = {"group": "Corruption"}
_METHOD: dict[str, Any] = {"group": "Method"}
_TRAINING: dict[str, Any] = {"group": "Training"}
_RUN: dict[str, Any] = {"group": "Run"}
# What does not change what a run computes, but changes what it writes down of it.
_WATCHING: dict[str, Any] = {"group": "Run", "role": RUNS, "kept": True}

_BEFORE_METHODS = (
    Setting("dataset", "digits", Rule(is_dataset, f"one of {CHOICES}"), "data set; digits needs no download",
            short=True, **_DATA),
    Setting("data_dir", None, ANY, "where the data set's files are, or are to be put", kind=str, role=PLACES,
            short=True, **_DATA),
    Setting("image_size", None, at_least(8), "side to which images in files are cropped and resized", kind=int,
            protocol=True, short=True, **_DATA),
    Setting("strict_data", False, ANY, "refuse data with an image that cannot be decoded; else it is left out",
            role=RUNS, **_DATA),
    Setting("train_examples", None, at_least(1), "size of a seeded random subset of the training set", kind=int,
            protocol=True, short=True, **_DATA),

    Setting("noise", 0.0, between(0, 1), "share of the labels drawn anew", short=True, **_CORRUPTION),
    Setting("noise_type", "uniform", one_of(*NOISE_TYPES),
            "uniform: from all classes, the true one too; uniform_other: from the others; asymmetric: to the class it "
            "is mistaken for; pairflip: to the next class; instance: to a class and at a rate that the image decides",
            short=True, **_CORRUPTION),
    Setting("noise_matrix", None, ANY, "file of P(given | true), [C, C], .npy or CSV, instead of --noise", kind=str,
            **_CORRUPTION),
    Setting("labels_file", None, ANY, "file of given labels by example_id or path, CSV or .npy; no --noise", kind=str,
            short=True, **_CORRUPTION),
    Setting("labels_key", None, ANY, "which labels of a labels_file that has several, as CIFAR-N's worse_label",
            kind=str, **_CORRUPTION),
    Setting("decisions", None, ANY, "decisions.csv of an audit: labels that a person decided, examples to remove",
            kind=str, short=True, **_CORRUPTION),
    Setting("imbalance", 1.0, at_least(1), "largest over smallest class of a long tail; noise comes after it",
            short=True, **_CORRUPTION),

    Setting("method", "fsr", one_of(*METHODS), "training method", short=True, **_METHOD),
    Setting("network", "small_cnn", Rule(is_network, f"one of {NETWORK_CHOICES}"), "architecture", short=True,
            **_METHOD),
    Setting("input_size", None, at_least(8), "side to which the network itself resizes its images first", kind=int,
            **_METHOD),
    Setting("init", None, Rule(bool, "imagenet, none or a .keras, .h5 or .weights.h5 file"),
            "parameters to begin with; none: drawn by the seed. If not given imagenet for keras:NAME, the file's own "
            "for file:MODEL.keras, else none", kind=str, **_METHOD),
    Setting("freeze", "none", Rule(bool, "none, backbone or the name of a layer"),
            "what keeps them: backbone, all layers but the final one; or a layer and all that lead to it", **_METHOD),
    Setting("features", "trained", one_of("trained", "frozen"),
            "frozen: the backbone is run once over all images, and a head trained on its features", **_METHOD),
    Setting("head_units", 0, at_least(0), "of frozen features: units of a hidden layer before the logits; 0: none",
            **_METHOD),
    Setting("precision", "float32", one_of(*PRECISIONS), "of the network; parameters and losses stay float32",
            short=True, **_METHOD),
    HEAD, LOGIT_ADJUSTMENT_AFTER,

    Setting("epochs", 100, at_least(1), "passes over the data", protocol=True, short=True, **_TRAINING),
    Setting("batch_size", 100, at_least(1), "samples in a step", protocol=True, short=True, **_TRAINING),
    Setting("learning_rate", 0.1, above(0), "(first) peak of the schedule", protocol=True, short=True, **_TRAINING),
    Setting("schedule", "cosine", one_of("cosine", "cosine_restarts", "steps"), "learning rate over epochs",
            protocol=True, short=True, **_TRAINING),
    Setting("drop_epochs", (), rising_epochs(), "steps: epochs that begin at a hundredth of the rate", protocol=True,
            **_TRAINING),
    Setting("learning_rate_warmup_epochs", 0, at_least(0), "epochs of linear rise before the schedule", protocol=True,
            **_TRAINING),
    Setting("momentum", 0.9, below_one(), "of SGD", protocol=True, **_TRAINING),
    WEIGHT_DECAY, LABEL_SMOOTHING, MIXUP, MIXUP_ALPHA,
    Setting("padding", 0, at_least(0), "pixels padded on each side before a random crop", protocol=True, short=True,
            **_TRAINING),
    Setting("flip", False, ANY, "mirror half of the images left to right", protocol=True, short=True, **_TRAINING),
    PARAMETER_AVERAGE_DECAY, DEFERRED_REWEIGHTING, DEFERRED_REWEIGHTING_BETA, SKIP,
)  # fmt: skip
_AFTER_METHODS = (
    Setting("mode", "train", one_of("train", "evaluate", "audit"), "what to do", role=RUNS, short=True, **_RUN),
    Setting("model_dir", None, path(), "directory of the run; if not given runs/DATASET/ and what the run is",
            kind=str, role=PLACES, short=True, **_RUN),
    Setting("features_dir", "runs/features", path(), "where frozen features are kept, a file for each backbone",
            role=PLACES, **_RUN),
    Setting("model", None, ANY, "saved classifier to evaluate or audit by: .keras, .h5, SavedModel", kind=str,
            role=PLACES, short=True, **_RUN),
    Setting("export", None, some_of("label_studio", "fiftyone", "csv", "folder"),
            "of an audit: suspects and labels, --decisions applied, for other programs", kind=str, role=RUNS, **_RUN),
    Setting("resume", True, ANY, "continue the run in model_dir if there is one; --noresume replaces it", role=RUNS,
            short=True, **_RUN),
    Setting("seed", 0, whole_seed(), "of label noise, initial parameters, shuffles and draws", short=True, **_RUN),
    Setting("keep_checkpoints", 2, at_least(1), "checkpoints kept, the newest; a damaged one is passed over",
            role=RUNS, **_RUN),
    Setting("checkpoint_seconds", 30.0, at_least(0),
            "training time between two checkpoints, of which they take 2 % at most; 0: after every step", role=RUNS,
            **_RUN),
    Setting("eval_interval", 1, at_least(1), "epochs between two evaluations", **_WATCHING),
    Setting("parameter_average_eval_interval", 1, at_least(1),
            "epochs between two evaluations of the parameter average", aliases=("ema_eval_interval",), **_WATCHING),
    Setting("lookahead_losses", False, ANY,
            "methods that look ahead: log own-label losses before and after it, 8 bytes an example", **_WATCHING),
    Setting("layer_gradients_interval", 0, at_least(0),
            "methods that look ahead: epochs between two rows of layer_gradients.jsonl; 0: none", **_WATCHING),
    Setting("strategy", "none", one_of("none", "mirrored", "multi_worker"),
            "replicas that share each batch; multi_worker: by TF_CONFIG", protocol=True, **_RUN),
    Setting("num_replicas", None, at_least(1), "of mirrored: GPUs (all if not given) or logical CPU devices", kind=int,
            protocol=True, **_RUN),
    Setting("jit_compile", "auto", one_of("auto", "true", "false"), "XLA; auto: on accelerators only", **_WATCHING),
    Setting("profile_steps", (), step_range(), "first and last step to trace; a summary is printed", role=RUNS, **_RUN),
)  # fmt: skip
GENERAL = (*_BEFORE_METHODS, *_AFTER_METHODS)
leave_out_methods_with({name for one in GENERAL for name in (one.name, *one.aliases)})
SETTINGS: dict[str, Setting] = {
    one.name: one for one in (*_BEFORE_METHODS, *settings_of(METHODS.values()), *_AFTER_METHODS)
}
_ALIASES = {alias: one.name for one in SETTINGS.values() for alias in one.aliases}


def settings_for(method: str) -> dict[str, Setting]:
    """The settings of a run with a method, by name: those of every run and its own. Args: method: one of `METHODS`."""
    own = {one.name for one in METHODS[method].settings} | {one.name for one in GENERAL}
    return {name: one for name, one in SETTINGS.items() if name in own}


def defaults_for(method: str) -> dict[str, Any]:
    """Defaults of the same, by name."""
    return {name: one.default for name, one in settings_for(method).items()}


def before(method: str) -> dict[str, Any]:
    """What the settings that came later were in runs that do not say them, by name, where that is not the default."""
    return {name: one.before for name, one in settings_for(method).items() if one.before is not None}


def canonical(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same values, former spellings of settings replaced by those of today."""
    return {_ALIASES.get(name, name): value for name, value in values.items()}


def check_setting(name: str, value: Any) -> None:
    """Raises UserError for a name that is no setting, and for a value that its rule does not allow."""
    if name not in SETTINGS:
        raise UserError(f"settings must be known by name. Received: {name}")
    SETTINGS[name].check(value)


def refuse_others(method: str, given: Mapping[str, Any]) -> None:
    """Raises UserError for a given setting that belongs to other methods."""
    own = settings_for(method)
    for name in given:
        if name not in own:
            names = ", ".join(f"--{one.name}" for one in METHODS[method].settings)
            raise UserError(
                f"--{name} must not be given with --method={method}, whose own settings are: {names or 'none'}. "
                f"Received: {text_of(given[name])}"
            )
