"""Symmetric cross-entropy (Wang et al., ICCV 2019): cross-entropy, and the same with label and prediction exchanged."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ieg_fsr.methods.spec import BuildContext, MethodSpec, Paper
from ieg_fsr.rules import at_least
from ieg_fsr.setting import Setting

if TYPE_CHECKING:
    import tensorflow as tf

    from ieg_fsr.methods.models.supervised import Supervised

# The paper's for CIFAR-10.
SCE_ALPHA = Setting("sce_alpha", 0.1, at_least(0), "alpha, factor of cross-entropy", argument="alpha")
SCE_BETA = Setting("sce_beta", 1.0, at_least(0), "beta, factor of the reverse cross-entropy", argument="beta")
# A, in the place of log 0 in a label.
_LOG_ZERO = -4.0


def symmetric_cross_entropy(targets: tf.Tensor, logits: tf.Tensor, alpha: float = 0.1, beta: float = 1.0) -> tf.Tensor:
    """alpha CE + beta RCE: of label y -alpha log p_y - beta A (1 - p_y), with softmax probabilities p (section 3).

    The reverse cross-entropy is -sum_k p_k log q_k of the label q, one-hot: log 1 = 0 at y and A = -4, for log 0,
    elsewhere. So it is 4 (1 - p_y), four times the absolute error.

    Args:
        targets: [B, C].
        logits: [B, C].
        alpha: >= 0.
        beta: >= 0.

    Returns:
        [B].

    Raises:
        UserError: alpha or beta is out of range.
    """
    import tensorflow as tf

    SCE_ALPHA.check_argument(alpha)
    SCE_BETA.check_argument(beta)
    log_probabilities = tf.nn.log_softmax(logits)
    reverse = -_LOG_ZERO * (1.0 - tf.exp(log_probabilities))
    return tf.reduce_sum(targets * (beta * reverse - alpha * log_probabilities), axis=-1)


def _build(context: BuildContext) -> Supervised:
    config = context.config
    return context.supervised(functools.partial(symmetric_cross_entropy, alpha=config.sce_alpha, beta=config.sce_beta))


SPECS = (
    MethodSpec(
        name="sce",
        label="SCE",
        summary="symmetric cross-entropy",
        paper=Paper(
            "Symmetric Cross Entropy for Robust Learning with Noisy Labels",
            "Wang et al.",
            2019,
            "https://arxiv.org/abs/1908.06112",
        ),
        settings=(SCE_ALPHA, SCE_BETA),
        dataset_recipes={"cifar100": {"sce_alpha": 6.0, "sce_beta": 0.1}},
        build=_build,
        api=(symmetric_cross_entropy,),
    ),
)
