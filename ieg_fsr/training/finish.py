"""What is done to a trained classifier before it is saved: `--head` and `--logit_adjustment_after`."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras

from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.data.sources.image_source import ImageSource
from ieg_fsr.evaluation.evaluate import figures_on
from ieg_fsr.methods.models.retrained_head import with_retrained_head
from ieg_fsr.methods.models.rog import hold_out, with_robust_head
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.networks.logit_shift import balancing_shift, shifted
from ieg_fsr.setting import Config
from ieg_fsr.unlabelled import class_counts, class_shares

# Of the classifier as it was trained, kept beside those of what is saved.
_KEPT = ("test_accuracy", "test_mean_class_accuracy")


class Finished(NamedTuple):
    """What a run saves: the classifier, that of the parameter average, if there is one, and figures that changed."""

    classifier: keras.Model
    average: keras.Model | None
    figures: dict[str, float]


def finish(
    config: Config,
    model: Supervised,
    examples: Examples,
    tests: Mapping[str, ImageSource],
    last: Mapping[str, Any],
) -> Finished:
    """Finishes a trained model, whose `classifier` becomes the finished one, and measures it if there was a change.

    Args: tests: by what their figures end in. last: figures of the last epoch.
    """
    average = None if model.parameter_average is None else model.parameter_average.classifier()
    change = _change(config, examples, model.num_classes)
    if change is None:
        return Finished(model.classifier, average, {})
    made = {"": change(model.classifier)} | ({} if average is None else {"_ema": change(average)})
    figures: dict[str, float] = {}
    counts = class_counts(examples.given_labels, model.num_classes)
    for suffix, classifier in made.items():
        figures |= {
            f"{name}_as_trained{suffix}": last[f"{name}{suffix}"] for name in _KEPT if f"{name}{suffix}" in last
        }
        figures |= figures_on(classifier, tests, counts, suffix)
    model.classifier = made[""]
    return Finished(made[""], made.get("_ema"), figures)


def _change(config: Config, examples: Examples, num_classes: int) -> Callable[[keras.Model], keras.Model] | None:
    labels = examples.given_labels
    if config.head == "rog":
        parts = hold_out(labels, num_classes, config.seed)
        return functools.partial(
            with_robust_head, source=examples.source, given_labels=labels, parts=parts, seed=config.seed
        )
    if config.head == "crt":
        return functools.partial(with_retrained_head, source=examples.source, given_labels=labels, seed=config.seed)
    if not config.logit_adjustment_after:
        return None
    shares = class_shares(class_counts(labels, num_classes))
    return functools.partial(shifted, shift=balancing_shift(shares, config.logit_adjustment_after))
