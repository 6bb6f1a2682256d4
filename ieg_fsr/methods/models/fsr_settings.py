"""What the arguments of FSR may be."""

import numbers
from typing import Any

import keras

from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.errors import UserError, one_line
from ieg_fsr.methods.models.course import StageRate
from ieg_fsr.methods.models.skipping import WeightSkipping
from ieg_fsr.reweighting.pseudo_labels import PseudoLabelTable
from ieg_fsr.reweighting.settings import (
    LARGEST_DEFAULT_DICTIONARY,
    REWEIGHTING_SETTINGS,
    STRENGTH,
    check_pseudo_label_table,
    kept_logits,
)
from ieg_fsr.reweighting.top_pseudo_labels import TopPseudoLabelTable
from ieg_fsr.rules import Rule, at_least, check_number

_SETTINGS = {setting.name: setting for setting in REWEIGHTING_SETTINGS}


def reward_set_size(dictionary_size: int | None, num_examples: int, clean_examples: Examples | None) -> int:
    """Places of the reward set: those of the hold-out, else |R|, if N and |R| can be; 2000 or N, if less, for None."""
    check_number("num_examples", num_examples, at_least(1), int)
    if clean_examples is not None:
        return len(clean_examples.given_labels)
    if dictionary_size is None:
        return min(LARGEST_DEFAULT_DICTIONARY, num_examples)
    rule = Rule(lambda value: 1 <= value <= num_examples, f"in 1..{num_examples}")
    check_number("dictionary_size", dictionary_size, rule, int)
    return dictionary_size


def check_settings(holds_out: bool, reward_features: str, **settings: Any) -> None:
    """Raises UserError for arguments of `FSR` that are out of range; of `settings` None is "not given"."""
    if holds_out and reward_features != "forward":
        raise UserError(f"reward_features must be forward. Received: {reward_features}")
    for name, value in settings.items() | {"reward_features": reward_features}.items():
        if value is not None:
            _SETTINGS[name].check_argument(value)


def checked_strength(value: Any) -> float:
    """A strength in [0, 1]. Raises UserError for anything else."""
    number = isinstance(value, str | numbers.Real) and not isinstance(value, bool)
    if not number or not STRENGTH.rule.allows(value):
        raise UserError(f"strength must be {STRENGTH.rule.text}. Received: {one_line(value)}")
    return float(value)


def checked_pseudo_labels(
    num_examples: int, num_classes: int, top: str | int, momentum: float, dtype: str
) -> PseudoLabelTable | TopPseudoLabelTable:
    """The table of pseudo labels. Raises UserError where it cannot keep `top` logits, or memory cannot hold it."""
    kept = kept_logits("pseudo_label_top", top, num_classes)
    check_pseudo_label_table("pseudo_label_top", num_examples, num_classes, kept, dtype)
    if kept < num_classes:
        return TopPseudoLabelTable(num_examples, num_classes, kept, momentum)
    return PseudoLabelTable(num_examples, num_classes, momentum, dtype)


def checked_skips(model: Any) -> bool:
    """Whether an `FSR` skips by its weights. Raises UserError where it has none, or no scores."""
    if not isinstance(model.skipping, WeightSkipping):
        return False
    if model.scores is None or model.strength.is_plain:
        raise UserError("skipping by weights must go with a dictionary and a strength above 0. Received: "
                        + ("strength=0" if model.scores is not None else "clean_examples"))  # fmt: skip
    return True


def rate_falls(optimizer: keras.optimizers.Optimizer, epoch: int, epochs: int) -> bool:
    """Whether the schedule of the learning rate halves it at least from the end of an epoch, from 0, to that of all."""
    schedule, steps = getattr(optimizer, "inner_optimizer", optimizer)._learning_rate, int(optimizer.iterations.numpy())
    if isinstance(schedule, StageRate):
        schedule, steps = schedule.own, int(schedule.counted(steps))
    if not isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        return False
    return float(schedule(steps * epochs // (epoch + 1) - 1)) <= 0.5 * float(schedule(steps))
