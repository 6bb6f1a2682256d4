"""The settings of sample re-weighting, and what they may be. No TensorFlow."""

import os

from ieg_fsr.errors import UserError, one_line
from ieg_fsr.rules import ANY, above, above_zero_to_one, at_least, below_one, between, number_or, one_of, whole_or
from ieg_fsr.setting import Setting

# Keys of `pushers.PUSHERS`.
PUSHER_NAMES = (
    *("lookahead", "shared", "release", "paper"),
    *("negative_loss", "max_margin", "forgetting", "forgetting_inverse", "area_under_margin"),
)
# Where nothing is said: |R|, of fewer examples all; steps between two forwards.
LARGEST_DEFAULT_DICTIONARY = 2000
DEFAULT_REWARD_INTERVAL = 4
# The strength that tunes itself, and the fewest examples that it takes.
AUTO, FEWEST_EXAMPLES = "auto", 200
ALL = "all"  # logits
# A logit and its class are four bytes, of which up to so many classes leave it half; two numbers stand for the others.
_MOST_CLASSES, _BYTES_KEPT, _BYTES_OF_REST = 2**16, 4, 8

WEIGHT_NET_LEARNING_RATE = Setting(
    "weight_net_learning_rate", 1e-3, above(0), "of the weight net's Adam", argument="learning_rate"
)
WEIGHT_NET_WEIGHT_DECAY = Setting(
    "weight_net_weight_decay", 1e-4, at_least(0), "factor of half the squared norm of the weight net",
    argument="weight_decay",
)  # fmt: skip
WEIGHT_NET_UNITS = Setting("weight_net_units", 100, at_least(1), "of its hidden layer", argument="units")

CLEAN_PER_CLASS = Setting(
    "clean_per_class", 10, at_least(1), "images of each class in the hold-out, which leave the training set"
)

PSEUDO_LABEL_TOP = Setting(
    "pseudo_label_top", ALL, whole_or(ALL, 1),
    "K, logits of an example that pseudo labels keep, with the mean of the rest",
)  # fmt: skip

STRENGTH = Setting(
    "strength", AUTO, number_or(AUTO, 0, 1),
    "of re-weighting, pseudo labels and MixUp: 0 is plain training, 1 the paper's, auto tunes itself", short=True,
    before="1",
)  # fmt: skip

VISIT_DISTRUSTED = Setting(
    "visit_distrusted", 0.25, above_zero_to_one(),
    "--skip=weights: share of the epochs that visit an example of little weight",
)  # fmt: skip
VISIT_MASTERED = Setting(
    "visit_mastered", 0.5, above_zero_to_one(), "the same of a trusted one whose loss is below their mean"
)
SKIP_AFTER_EPOCHS = Setting("skip_after_epochs", 2, at_least(0), "epochs of re-weighting that visit all, before")
SKIP_UNTIL = Setting("skip_until", 0.9, between(0, 1), "share of the training after which all are visited again")
LONGEST_SKIP = Setting("longest_skip", 8, at_least(1), "k, epochs in which each example is visited once at least")
SKIPPING_SETTINGS = (VISIT_DISTRUSTED, VISIT_MASTERED, SKIP_AFTER_EPOCHS, SKIP_UNTIL, LONGEST_SKIP)

REWEIGHTING_SETTINGS = (
    Setting("reward_source", "dictionary", one_of("dictionary", "holdout"), "holdout: images with true labels"),
    Setting("meta_layers", "dense", ANY, "what the lookahead moves: dense, all, or a layer: it and all above"),
    Setting("weight_rule", "direct", one_of("direct", "weight_net", "uniform"), "what makes the sample weights"),
    CLEAN_PER_CLASS,
    Setting("dictionary_size", None, at_least(1),
            f"|R|, examples in the reward dictionary; {LARGEST_DEFAULT_DICTIONARY} or all if not given", kind=int,
            short=True),
    Setting("reward_batch_size", 200, at_least(1), "q, reward samples in a step, spread evenly over the classes",
            short=True),
    Setting("reward_features", None, one_of("forward", "history"),
            "history: kept from epoch to epoch; forward: of a reward batch; history, but forward with an interval or a "
            "hold-out", kind=str, short=True),
    Setting("reward_interval", None, at_least(1),
            f"steps between two forwards, {DEFAULT_REWARD_INTERVAL}; given: reward_features=forward", kind=int,
            short=True),
    Setting("pusher", "lookahead", one_of(*PUSHER_NAMES), "what scores a sample", short=True),
    Setting("score_momentum", 0.9, below_one(), "lambda, of the scores"),
    Setting("lookahead_learning_rate", 0.1, above(0), "eta, rate of the virtual step"),
    Setting("lookahead_momentum", None, below_one(), "mu; --momentum if not given, 0 leaves it out", kind=float),
    Setting("initial_sample_weights", "uniform", one_of("uniform", "zero"), "weights of the lookahead, for direct"),
    WEIGHT_NET_LEARNING_RATE, WEIGHT_NET_WEIGHT_DECAY, WEIGHT_NET_UNITS,
    Setting("weight_constraint", "clip", one_of("clip", "shift"), "clip for wrong labels, shift for rare classes",
            short=True),
    Setting("reweight_warmup_epochs", 20, at_least(0), "E, epochs of uniform weights before re-weighting", short=True),
    Setting("label_momentum", 0.1, between(0, 1), "beta, of the pseudo labels"),
    Setting("pseudo_label_loss_weight", 2.0, at_least(0), "p, of the loss against pseudo labels; 0: none", short=True),
    Setting("pseudo_label_dtype", "float32", one_of("float32", "float16"), "of a table of whole pseudo labels"),
    PSEUDO_LABEL_TOP,
)  # fmt: skip


def kept_logits(name: str, top: str | int, num_classes: int) -> int:
    """How many logits of an example the pseudo labels keep, in 1..C; C: all. Raises UserError, which says `name`."""
    if not PSEUDO_LABEL_TOP.rule.allows(top):
        raise UserError(f"{name} must be {PSEUDO_LABEL_TOP.rule.text}. Received: {one_line(top)}")
    kept = num_classes if top == ALL else int(top)
    if kept > num_classes:
        raise UserError(f"{name} must be all or at most {num_classes}, the number of classes. Received: {top}")
    if kept < num_classes > _MOST_CLASSES:
        raise UserError(f"{name} must be all with more than {_MOST_CLASSES} classes. Received: {top}")
    return kept


def check_pseudo_label_table(name: str, num_examples: int, num_classes: int, kept: int, dtype: str) -> None:
    """Raises UserError, which says `name`, for a table of pseudo labels that is larger than this machine's memory."""
    whole = num_classes * (2 if dtype == "float16" else 4)
    size = num_examples * (_BYTES_KEPT * kept + _BYTES_OF_REST if kept < num_classes else whole)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > memory:
        raise UserError(f"{name} must make a table that fits into this machine's memory of {memory} bytes. "
                        f"Received: {ALL if kept == num_classes else kept}, {size} bytes")  # fmt: skip
