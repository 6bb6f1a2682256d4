"""What the settings of FSR may be."""

from typing import Any

from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.errors import UserError
from ieg_fsr.reweighting.pseudo_labels import TABLE_DTYPES
from ieg_fsr.reweighting.pushers import PUSHERS
from ieg_fsr.reweighting.reward_features import REWARD_FEATURES
from ieg_fsr.reweighting.weight_constraints import WEIGHT_CONSTRAINTS
from ieg_fsr.rules import Rule, at_least, check_argument, check_number

# |R| where nothing is said; of fewer examples, all.
_DICTIONARY_SIZE = 2000


def reward_set_size(dictionary_size: int | None, num_examples: int, clean_examples: Examples | None) -> int:
    """Places of the reward set: those of the hold-out, else |R|, the smaller one of 2000 and N if it is None.

    Raises:
        UserError: N or |R| is out of range.
    """
    check_number("num_examples", num_examples, at_least(1), int)
    if clean_examples is not None:
        return len(clean_examples.given_labels)
    if dictionary_size is None:
        return min(_DICTIONARY_SIZE, num_examples)
    rule = Rule(lambda value: 1 <= value <= num_examples, f"in 1..{num_examples}")
    check_number("dictionary_size", dictionary_size, rule, int)
    return dictionary_size


def check_settings(
    holds_out: bool,
    *,
    reward_interval: int | None,
    sample_loss: Any,
    pusher: str,
    reward_features: str,
    weight_constraint: str,
    pseudo_label_dtype: str,
    **numbers: Any,
) -> None:
    """Checks arguments of `FSR`.

    Args:
        holds_out: whether there are clean examples.
        reward_interval, sample_loss, pusher, reward_features, weight_constraint, pseudo_label_dtype: as in `FSR`.
        **numbers: arguments of `FSR` that are settings of the command line too.

    Raises:
        UserError: one of them is out of range.
    """
    sources = ("forward",) if holds_out else REWARD_FEATURES
    _check("sample_loss", sample_loss, sample_loss is None, "None: FSR looks ahead with cross-entropy")
    _check("pusher", pusher, pusher in PUSHERS, f"one of {', '.join(PUSHERS)}")
    _check("reward_features", reward_features, reward_features in sources, " or ".join(sources))
    _check("weight_constraint", weight_constraint, weight_constraint in WEIGHT_CONSTRAINTS, "clip or shift")
    _check("pseudo_label_dtype", pseudo_label_dtype, pseudo_label_dtype in TABLE_DTYPES, "float32 or float16")
    if reward_interval is not None:
        check_argument("reward_interval", reward_interval)
    for name, value in numbers.items():
        check_argument(name, value)


def _check(name: str, value: Any, allowed: bool, rule: str) -> None:
    if not allowed:
        raise UserError(f"{name} must be {rule}. Received: {value}")
