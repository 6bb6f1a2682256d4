"""Losses of logits moved by the logarithm of the classes' shares: balanced softmax (Ren et al., NeurIPS 2020) and
logit adjustment (Menon et al., ICLR 2021)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ieg_fsr.errors import UserError, refusal
from ieg_fsr.methods.class_balanced import softmax_cross_entropy
from ieg_fsr.methods.spec import BuildContext, MethodSpec, Paper
from ieg_fsr.rules import at_least
from ieg_fsr.setting import Config, Setting
from ieg_fsr.unlabelled import class_counts, class_shares

if TYPE_CHECKING:
    import tensorflow as tf

    from ieg_fsr.data.sources.image_source import DataSet
    from ieg_fsr.methods.models.supervised import Supervised

LOGIT_ADJUSTMENT_TAU = Setting(
    "logit_adjustment_tau", 1.0, at_least(0), "tau, factor of the log shares; 0 is cross-entropy", argument="tau",
    before=0.0,
)  # fmt: skip


def logit_adjusted_cross_entropy(
    targets: tf.Tensor, logits: tf.Tensor, shares: np.ndarray, tau: float = 1.0
) -> tf.Tensor:
    """-log softmax(z + tau log pi)_y, pi the shares of the classes among the given labels (Menon et al., Eq. 10).

    The network is to say z + tau log pi of data whose classes are as frequent as in training, and so z of data whose
    classes are balanced: prediction goes by z alone. tau = 1 is the balanced softmax (Ren et al., section 3), n_y
    exp(z_y) over the sum of n_k exp(z_k); tau = 0 is cross-entropy.

    Args:
        targets: [B, C].
        logits: z, [B, C].
        shares: pi, [C], above 0.
        tau: at least 0.

    Returns:
        [B].

    Raises:
        UserError: tau is out of range, or a share is not above 0.
    """
    LOGIT_ADJUSTMENT_TAU.check_argument(tau)
    if not np.min(shares) > 0:
        raise UserError(f"shares must be above 0, each. Received: {np.min(shares):g}")
    return softmax_cross_entropy(targets, logits + np.asarray(tau * np.log(shares), np.float32))


def _check(config: Config, data: DataSet | None) -> None:
    if config.logit_adjustment_after:
        rule = f"be 0 with --method={config.method}, whose training has the adjustment in it"
        raise refusal("--logit_adjustment_after", rule, f"{config.logit_adjustment_after:g}")


def adjusted_by(context: BuildContext, tau: float) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """The loss of a run, by the shares of its given labels. Returns: of targets and logits, [B, C] each, -> [B]."""
    shares = class_shares(class_counts(context.given_labels, context.data.num_classes))
    return functools.partial(logit_adjusted_cross_entropy, shares=shares, tau=tau)


def _build(context: BuildContext) -> Supervised:
    return context.supervised(adjusted_by(context, context.config.get("logit_adjustment_tau", 1.0)))


SPECS = (
    MethodSpec(
        name="balanced_softmax",
        label="balanced softmax",
        summary="cross-entropy of logits moved by the log counts of the classes",
        paper=Paper(
            "Balanced Meta-Softmax for Long-Tailed Visual Recognition",
            "Ren et al.",
            2020,
            "https://arxiv.org/abs/2007.10740",
        ),
        check=_check,
        build=_build,
    ),
    MethodSpec(
        name="logit_adjustment",
        label="logit adjustment",
        summary="cross-entropy of logits moved by tau times the log shares of the classes",
        paper=Paper(
            "Long-tail Learning via Logit Adjustment", "Menon et al.", 2021, "https://arxiv.org/abs/2007.07314"
        ),
        settings=(LOGIT_ADJUSTMENT_TAU,),
        check=_check,
        build=_build,
        api=(logit_adjusted_cross_entropy,),
    ),
)
