"""What the settings of FSR may be."""

from typing import Any

from ieg_fsr.errors import UserError
from ieg_fsr.reweighting.pseudo_labels import TABLE_DTYPES
from ieg_fsr.reweighting.pushers import PUSHERS
from ieg_fsr.reweighting.reward_features import REWARD_FEATURES
from ieg_fsr.reweighting.weight_constraints import WEIGHT_CONSTRAINTS


def check_settings(
    num_examples: int,
    dictionary_size: int,
    reward_batch_size: int,
    reward_interval: int | None,
    holds_out: bool,
    *,
    sample_loss: Any,
    pusher: str,
    reward_features: str,
    weight_constraint: str,
    pseudo_label_dtype: str,
) -> None:
    """Checks arguments of `FSR`. Args: holds_out: whether there are clean examples; the rest as in `FSR`.

    Raises:
        UserError: one of them is out of range.
    """
    sources = ("forward",) if holds_out else REWARD_FEATURES
    _check("sample_loss", sample_loss, sample_loss is None, "None: FSR looks ahead with cross-entropy")
    _check("pusher", pusher, pusher in PUSHERS, f"one of {', '.join(PUSHERS)}")
    _check("reward_features", reward_features, reward_features in sources, " or ".join(sources))
    _check("weight_constraint", weight_constraint, weight_constraint in WEIGHT_CONSTRAINTS, "clip or shift")
    _check("pseudo_label_dtype", pseudo_label_dtype, pseudo_label_dtype in TABLE_DTYPES, "float32 or float16")
    _check("dictionary_size", dictionary_size, 1 <= dictionary_size <= num_examples, f"in 1..{num_examples}")
    _check("reward_batch_size", reward_batch_size, reward_batch_size >= 1, "at least 1")
    _check("reward_interval", reward_interval, reward_interval is None or reward_interval >= 1, "at least 1")


def _check(name: str, value: Any, allowed: bool, rule: str) -> None:
    if not allowed:
        raise UserError(f"{name} must be {rule}. Received: {value}")
