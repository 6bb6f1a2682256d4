"""Class-balanced losses (Cui et al., Class-Balanced Loss Based on Effective Number of Samples, CVPR 2019)."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ieg_fsr.errors import UserError
from ieg_fsr.methods.focal import FOCAL_GAMMA, sigmoid_focal_loss
from ieg_fsr.methods.spec import BuildContext, MethodSpec, Paper
from ieg_fsr.rules import below_one
from ieg_fsr.setting import Config, Setting
from ieg_fsr.unlabelled import class_counts

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from ieg_fsr.data.sources.image_source import DataSet
    from ieg_fsr.methods.models.supervised import Supervised

# Targets and logits, [B, C] each -> losses [B].
TargetLoss = Callable[[Any, Any], Any]

CLASS_BALANCED_BETA = Setting(
    "class_balanced_beta", 0.9999, below_one(), "beta of the effective numbers; 0 weighs all classes alike",
    argument="beta",
)  # fmt: skip


def class_weights(class_counts: np.ndarray, beta: float) -> np.ndarray:
    """Weights proportional to 1 / E_n, E_n = (1 - beta^n) / (1 - beta) the effective number of n samples (section 3.2).

    beta = 0 weighs all classes alike; beta -> 1 by the inverse of their counts. Returns [C], float32, with sum C
    (section 4). Args: class_counts: [C]; a class without examples weighs nothing. beta: in [0, 1), else UserError.
    """
    CLASS_BALANCED_BETA.check_argument(beta)
    present = np.asarray(class_counts) > 0
    effective = (1.0 - np.power(beta, np.maximum(class_counts, 1), dtype=np.float64)) / (1.0 - beta)
    weights = np.where(present, 1.0 / effective, 0.0)
    return (weights * len(weights) / weights.sum()).astype(np.float32)


def softmax_cross_entropy(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """-sum_y t_y log softmax(z)_y, [B], linear in targets [B, C] that need not sum to 1.

    TensorFlow's own has a wrong gradient for targets that do not sum to 1, such as weighted ones.
    """
    import tensorflow as tf

    return -tf.reduce_sum(targets * tf.nn.log_softmax(logits), axis=-1)


def sigmoid_cross_entropy(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Sum over the classes of binary cross-entropy, [B]: label y says "y" to class y and "not k" to each other class k.

    The loss of y is sum_k softplus(z_k) - z_y, because softplus(z) - softplus(-z) = z.
    """
    import tensorflow as tf

    not_any = tf.reduce_sum(tf.nn.softplus(logits), axis=-1, keepdims=True)
    return tf.reduce_sum(targets * (not_any - logits), axis=-1)


def class_balanced(loss: TargetLoss, weights: np.ndarray) -> TargetLoss:
    """The loss of label y times the weight of class y. Args: loss: linear in its targets. weights: [C]."""
    return lambda targets, logits: loss(targets * weights, logits)


def start_sigmoids_at_chance(head: keras.layers.Dense) -> None:
    """Sets the bias of the final Dense layer, built, so that each class begins with probability 1 / C, not 1 / 2.

    Else the C - 1 classes that a label denies drown the one that it names (section 4.2; Lin et al. 2017, section 3.3).
    Raises UserError for a layer without a bias.
    """
    if not head.use_bias:
        raise UserError(f"a loss of sigmoids must have a final Dense layer with a bias. Received: {head.name} without")
    head.bias.assign(np.full([head.units], -math.log(head.units - 1), np.float32))


def _build(context: BuildContext, loss: Callable[..., Any], sigmoids: bool) -> Supervised:
    config = context.config
    if "focal_gamma" in config:
        loss = functools.partial(loss, gamma=config.focal_gamma)
    counts = class_counts(context.given_labels, context.data.num_classes)
    weights = class_weights(counts, config.class_balanced_beta)
    classifier = context.network(config.seed)
    if sigmoids:
        start_sigmoids_at_chance(classifier.get_layer("logits"))
    return context.supervised(class_balanced(loss, weights), classifier)


def _check(config: Config, data: DataSet | None) -> None:
    if config.deferred_reweighting is not None:
        raise UserError(
            f"--deferred_reweighting must not be given with --method={config.method}, which weighs the classes from "
            f"the first epoch on. Received: {config.deferred_reweighting}"
        )


_PAPER = Paper(
    "Class-Balanced Loss Based on Effective Number of Samples", "Cui et al.", 2019, "https://arxiv.org/abs/1901.05555"
)


def _spec(name: str, label: str, summary: str, loss: Callable[..., Any], sigmoids: bool, **more: Any) -> MethodSpec:
    return MethodSpec(
        name=name,
        label=f"class-balanced {label}",
        summary=f"class-balanced {summary}",
        paper=_PAPER,
        build=functools.partial(_build, loss=loss, sigmoids=sigmoids),
        probabilities="sigmoid" if sigmoids else "softmax",
        check=_check,
        **({"settings": (CLASS_BALANCED_BETA,)} | more),
    )


_FOCAL: dict[str, Any] = {"settings": (CLASS_BALANCED_BETA, FOCAL_GAMMA), "api": (sigmoid_focal_loss,)}
SPECS = (
    _spec("cb_softmax", "softmax", "cross-entropy", softmax_cross_entropy, False),
    _spec("cb_sigmoid", "sigmoid", "binary cross-entropy", sigmoid_cross_entropy, True),
    _spec("cb_focal", "focal", "focal loss of sigmoids", sigmoid_focal_loss, True, **_FOCAL),
)
