"""The settings of a run: names, defaults, rules, help.

`Config` is the one list of settings: each field carries its help and its rule, and becomes a flag of the same name.
Nothing here imports TensorFlow: a mistyped flag is answered at once.
"""

import dataclasses
import types
from typing import Any, ClassVar, get_args, get_type_hints

from ieg_fsr.data.labels.corruption import NOISE_TYPES
from ieg_fsr.data.sources.datasets import CHOICES, is_dataset
from ieg_fsr.errors import UserError
from ieg_fsr.methods import METHODS, REWEIGHTING
from ieg_fsr.networks import NETWORKS, PRECISIONS
from ieg_fsr.rules import (
    ANY,
    LARGEST,
    NOUNS,
    NUMBERS,
    WHOLE_NUMBERS,
    Rule,
    above,
    at_least,
    below_one,
    between,
    check_size,
    one_of,
    path,
    rising_epochs,
    step_range,
)

# Keys of `reweighting.pushers.PUSHERS`, which needs TensorFlow.
_PUSHERS = (
    *("lookahead", "shared", "release", "paper"),
    *("negative_loss", "max_margin", "forgetting", "forgetting_inverse", "area_under_margin"),
)

# The rule of the methods' argument that means the same, under this setting's name in `rules`.
ARGUMENT = Rule(lambda value: False, "as the argument")


def setting(default: Any, rule: Rule, text: str) -> Any:
    """A field of `Config`: default where neither flag nor recipe says otherwise, rule, help."""
    return dataclasses.field(default=default, metadata={"rule": rule, "help": text})


@dataclasses.dataclass(frozen=True)
class Config:
    """All settings of a run, resolved: flag if given, else recipe of data set and corruption, else the default here."""

    # Names of the settings that somebody chose for this run, for `resolve` to set; not a setting itself.
    given: ClassVar[frozenset[str]] = frozenset()

    mode: str = setting("train", one_of("train", "evaluate", "audit"), "what to do")
    dataset: str = setting("digits", Rule(is_dataset, f"one of {CHOICES}"), "data set; digits needs no download")
    data_dir: str | None = setting(None, ANY, "where the data set's files are, or are to be put")
    model_dir: str | None = setting(None, path(), "directory of the run; runs/DATASET/METHOD-noiseN-seedS if not given")
    model: str | None = setting(None, ANY, "saved classifier to evaluate or audit by: .keras, .h5, SavedModel")
    resume: bool = setting(True, ANY, "continue the run in model_dir if there is one; --noresume replaces it")

    keep_checkpoints: int = setting(2, at_least(1), "checkpoints kept, the newest; a damaged one is passed over")
    checkpoint_seconds: float = setting(
        30.0, at_least(0), "training time between two checkpoints, of which they take 2 % at most; 0: after every step"
    )

    noise: float = setting(0.0, between(0, 1), "share of the labels drawn anew")
    noise_type: str = setting(
        "uniform",
        one_of(*NOISE_TYPES),
        "uniform: from all classes, the true one too; uniform_other: from the others; asymmetric: to the class it is "
        "mistaken for; pairflip: to the next class",
    )
    noise_matrix: str | None = setting(None, ANY, "file of P(given | true), [C, C], .npy or CSV, instead of --noise")
    labels_file: str | None = setting(None, ANY, "file of given labels, CSV with example_id,label or .npy; no --noise")
    imbalance: float = setting(1.0, at_least(1), "largest over smallest class of a long tail; noise comes after it")
    image_size: int | None = setting(None, at_least(8), "side to which images in files are cropped and resized")
    strict_data: bool = setting(False, ANY, "refuse data with an image that cannot be decoded; else it is left out")
    train_examples: int | None = setting(None, at_least(1), "size of a seeded random subset of the training set")
    seed: int = setting(0, ARGUMENT, "of label noise, initial parameters, shuffles and draws")

    method: str = setting("fsr", one_of(*METHODS), "training method")
    network: str = setting("small_cnn", one_of(*NETWORKS), "architecture")
    epochs: int = setting(100, at_least(1), "passes over the data")
    batch_size: int = setting(100, at_least(1), "samples in a step")
    learning_rate: float = setting(0.1, above(0), "(first) peak of the schedule")
    schedule: str = setting("cosine", one_of("cosine", "cosine_restarts", "steps"), "learning rate over epochs")
    drop_epochs: tuple[int, ...] = setting((), rising_epochs(), "steps: epochs that begin at a hundredth of the rate")
    learning_rate_warmup_epochs: int = setting(0, at_least(0), "epochs of linear rise before the schedule")
    momentum: float = setting(0.9, below_one(), "of SGD")
    weight_decay: float = setting(5e-4, ARGUMENT, "factor of half the squared norm of all trainable variables")
    label_smoothing: float = setting(0.0, ARGUMENT, "share of a target spread over all classes")
    mixup: bool = setting(True, ANY, "mix pairs of samples")
    mixup_alpha: float = setting(1.0, above(0), "Beta parameter of MixUp")
    padding: int = setting(0, at_least(0), "pixels padded on each side before a random crop")
    flip: bool = setting(False, ANY, "mirror half of the images left to right")
    ema_decay: float = setting(0.999, ARGUMENT, "of the parameter average reported beside the raw parameters")

    reward_source: str = setting("dictionary", one_of("dictionary", "holdout"), "holdout: images with true labels")
    meta_layers: str = setting("dense", ANY, "what the lookahead moves: dense, all, or a layer: it and all above")
    weight_rule: str = setting("direct", one_of("direct", "weight_net", "uniform"), "what makes the sample weights")
    clean_per_class: int = setting(
        10, at_least(1), "images of each class in the hold-out, which leave the training set"
    )
    dictionary_size: int = setting(200, at_least(1), "|R|, examples in the reward dictionary")
    reward_batch_size: int = setting(100, ARGUMENT, "q, reward samples in a step, spread evenly over the classes")
    reward_features: str = setting(
        "history", one_of("forward", "history"), "history: kept from epoch to epoch; forward: of a reward batch"
    )
    reward_interval: int = setting(4, ARGUMENT, "steps between two forwards; given: reward_features=forward")
    pusher: str = setting("lookahead", one_of(*_PUSHERS), "what scores a sample")
    score_momentum: float = setting(0.9, ARGUMENT, "lambda, of the scores")
    lookahead_learning_rate: float = setting(0.1, ARGUMENT, "eta, rate of the virtual step")
    lookahead_momentum: float | None = setting(None, ARGUMENT, "mu; --momentum if not given, 0 leaves it out")
    initial_sample_weights: str = setting("uniform", one_of("uniform", "zero"), "weights of the lookahead, for direct")
    weight_net_learning_rate: float = setting(1e-3, ARGUMENT, "of the weight net's Adam")
    weight_net_weight_decay: float = setting(1e-4, ARGUMENT, "factor of half the squared norm of the weight net")
    weight_net_units: int = setting(100, ARGUMENT, "of its hidden layer")
    weight_constraint: str = setting("clip", one_of("clip", "shift"), "clip for wrong labels, shift for rare classes")
    reweight_warmup_epochs: int = setting(20, ARGUMENT, "E, epochs of uniform weights before re-weighting")
    label_momentum: float = setting(0.1, ARGUMENT, "beta, of the pseudo labels")
    pseudo_label_loss_weight: float = setting(2.0, ARGUMENT, "p, of the loss against pseudo labels; 0: none")
    pseudo_label_dtype: str = setting("float32", one_of("float32", "float16"), "of the table of pseudo labels")
    faithful: bool = setting(False, ANY, "as the authors' released code: --pusher=release --reward_interval=1")

    gce_q: float = setting(0.7, ARGUMENT, "q of gce: near 0 is cross-entropy, 1 is absolute error")
    elr_lambda: float = setting(3.0, ARGUMENT, "lambda, strength of elr's second term")
    elr_momentum: float = setting(0.7, ARGUMENT, "beta, of elr's running probabilities")
    focal_gamma: float = setting(2.0, ARGUMENT, "gamma of focal and cb_focal; 0 is cross-entropy")
    class_balanced_beta: float = setting(0.9999, ARGUMENT, "beta of the cb_ methods; 0 weighs all classes alike")
    correction_matrix: str = setting(
        "estimated", ANY, "P(given | true) of forward_correction: estimated, true (that of the noise), or a file"
    )
    correction_warmup_epochs: int = setting(10, ARGUMENT, "epochs of plain training before the matrix is estimated")
    coteaching_forget_rate: float | None = setting(
        None, ARGUMENT, "tau, share of a batch left out by coteaching; the noise rate if not given"
    )
    coteaching_warmup_epochs: int = setting(10, ARGUMENT, "T_k, epochs over which that share rises from 0")

    eval_interval: int = setting(1, at_least(1), "epochs between two evaluations")
    ema_eval_interval: int = setting(1, at_least(1), "epochs between two evaluations of the parameter average")
    lookahead_losses: bool = setting(
        False, ANY, "log own-label losses before and after the lookahead: 8 bytes an example"
    )
    layer_gradients_interval: int = setting(0, at_least(0), "epochs between two rows of layer_gradients.jsonl; 0: none")
    strategy: str = setting(
        "none", one_of("none", "mirrored", "multi_worker"), "replicas that share each batch; multi_worker: by TF_CONFIG"
    )
    num_replicas: int | None = setting(None, at_least(1), "of mirrored: GPUs (all if not given) or logical CPU devices")
    jit_compile: str = setting("auto", one_of("auto", "true", "false"), "XLA; auto: on accelerators only")
    precision: str = setting("float32", one_of(*PRECISIONS), "of the network; parameters and losses stay float32")
    profile_steps: tuple[int, ...] = setting((), step_range(), "first and last step to trace; a summary is printed")

    @property
    def reweights(self) -> bool:
        """Whether the method chooses a reward source, a depth of the meta part and a weight rule."""
        return self.method in REWEIGHTING

    @property
    def holds_out(self) -> bool:
        """Whether clean images leave the training set."""
        return self.reweights and self.reward_source == "holdout"

    @property
    def has_dictionary(self) -> bool:
        """Whether training examples become the reward set."""
        return self.reweights and self.reward_source == "dictionary"


_TYPES = get_type_hints(Config)
FIELDS = {field.name: field for field in dataclasses.fields(Config)}
# Settings that say where things are and what is refused, not what is computed.
PLACES = (
    *("model_dir", "data_dir", "strict_data", "resume", "keep_checkpoints", "checkpoint_seconds"),
    *("model", "mode", "profile_steps"),
)


def rule_of(name: str) -> Rule:
    """What a setting may be."""
    rule: Rule = FIELDS[name].metadata["rule"]
    return rule if rule is not ARGUMENT else (NUMBERS | WHOLE_NUMBERS)[name]


def text_of(value: Any) -> str:
    """A value as it is given to its flag."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def validate(name: str, value: Any) -> None:
    """Raises UserError for a name that is no setting, and for a value that its rule does not allow."""
    if name not in FIELDS:
        raise UserError(f"settings must be fields of Config. Received: {name}")
    allowed = value is None or rule_of(name).allows(value)
    if not allowed:
        raise UserError(violation(name, value))
    if value is not None and value_type(name) in LARGEST:
        check_size(f"--{name}", value, value_type(name))


def violation(name: str, value: Any) -> str:
    """The line about a value that its setting does not allow."""
    rule = rule_of(name)
    noun = NOUNS.get(value_type(name))
    text = f"{noun} {rule.text}" if noun and rule is not ANY else noun or rule.text
    value = text_of(value)
    return f"--{name} must be {text}. Received: {value}"


def value_type(name: str) -> Any:
    """The type of a field, `None` of an optional one left aside."""
    hint = _TYPES[name]
    if isinstance(hint, types.UnionType):
        return next(member for member in get_args(hint) if member is not type(None))
    return hint
