"""From a config to the loss that `Supervised` trains with."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from ieg_fsr.configuration.settings import Config
from ieg_fsr.methods.losses.class_balanced import class_balanced, class_weights
from ieg_fsr.methods.losses.cross_entropy import sigmoid_cross_entropy, softmax_cross_entropy
from ieg_fsr.methods.losses.early_learning import EarlyLearningRegularization
from ieg_fsr.methods.losses.focal import focal_loss, sigmoid_focal_loss
from ieg_fsr.methods.losses.generalized_cross_entropy import generalized_cross_entropy
from ieg_fsr.methods.models.supervised import Batch, SampleLoss

# Methods whose logits are those of sigmoids.
SIGMOID_METHODS = ("cb_sigmoid", "cb_focal")


def build_loss(config: Config, given_labels: np.ndarray, num_classes: int) -> SampleLoss | None:
    """The loss of a method that differs in nothing else; None for cross-entropy.

    Args:
        config: resolved settings.
        given_labels: [N], in [0, C).
        num_classes: C.
    """
    if config.method == "elr":
        return EarlyLearningRegularization(len(given_labels), num_classes, config.elr_lambda, config.elr_momentum)
    sigmoid_focal = functools.partial(sigmoid_focal_loss, gamma=config.focal_gamma)
    balanced: dict[str, Callable[..., Any]] = {
        "cb_softmax": softmax_cross_entropy,
        "cb_sigmoid": sigmoid_cross_entropy,
        "cb_focal": sigmoid_focal,
    }
    if config.method in balanced:
        weights = class_weights(np.bincount(given_labels, minlength=num_classes), config.class_balanced_beta)
        return _of_targets(class_balanced(balanced[config.method], weights))
    if config.method == "focal":
        return _of_targets(functools.partial(focal_loss, gamma=config.focal_gamma))
    if config.method == "gce":
        return _of_targets(functools.partial(generalized_cross_entropy, q=config.gce_q))
    return None


def _of_targets(loss: Callable[..., Any]) -> SampleLoss:
    """A function of targets and logits as a function of a batch and logits."""

    def of_batch(batch: Batch, logits: tf.Tensor) -> tf.Tensor:
        return loss(batch.targets, logits)

    return of_batch
