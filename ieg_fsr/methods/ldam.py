"""LDAM: margins that are the larger the rarer the class; the cosine head is `models.cosine_head` (Cao et al., Learning
Imbalanced Datasets with Label-Distribution-Aware Margin Loss, NeurIPS 2019)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from ieg_fsr.methods.spec import BuildContext, MethodSpec, Paper
from ieg_fsr.rules import above, at_least
from ieg_fsr.setting import Setting
from ieg_fsr.unlabelled import class_counts

if TYPE_CHECKING:
    import tensorflow as tf

    from ieg_fsr.methods.models.supervised import Supervised

LDAM_LARGEST_MARGIN = Setting(
    "ldam_largest_margin", 0.5, at_least(0), "margin of the rarest class, a difference of cosines",
    argument="largest_margin",
)  # fmt: skip
LDAM_SCALE = Setting("ldam_scale", 30.0, above(0), "s, by which cosines are multiplied to logits", argument="scale")
_SMALLEST_SUM = 1e-30


def class_margins(class_counts: np.ndarray, largest_margin: float = 0.5) -> np.ndarray:
    """Margins proportional to n_c^(-1/4) (section 3.2), the largest being `largest_margin`: [C], float32.

    Classes of equal size have equal margins. Args: class_counts: [C]; a class without examples counts as if it had one.
    largest_margin: at least 0, else UserError.
    """
    LDAM_LARGEST_MARGIN.check_argument(largest_margin)
    margins = np.maximum(class_counts, 1) ** -0.25
    return (largest_margin * margins / margins.max()).astype(np.float32)


def margin_cross_entropy(targets: tf.Tensor, logits: tf.Tensor, margins: np.ndarray) -> tf.Tensor:
    """Cross-entropy where the logit of the label y is z_y - m_y (section 3.3), linear in targets [B, C].

    The loss of y is -log p_y + m_y + log(1 - p_y + p_y exp(-m_y)), p = softmax(z). What the other classes have, 1 -
    p_y, is summed up where y is the likeliest class: the difference would have lost all its digits there.

    Args: targets, logits: [B, C]. margins: m, [C], in units of the logits. Returns: [B].
    """
    import tensorflow as tf

    log_probabilities = tf.nn.log_softmax(logits)
    probabilities = tf.exp(log_probabilities)
    likeliest = tf.one_hot(tf.argmax(logits, axis=-1), logits.shape[-1], dtype=logits.dtype)
    behind = tf.reduce_sum((1.0 - likeliest) * probabilities, axis=-1, keepdims=True)
    others = tf.where(likeliest > 0, behind, 1.0 - probabilities)
    margins = tf.constant(margins, logits.dtype)
    moved = tf.maximum(others + probabilities * tf.exp(-margins), _SMALLEST_SUM)
    return tf.reduce_sum(targets * (margins + tf.math.log(moved) - log_probabilities), axis=-1)


def _build(context: BuildContext) -> Supervised:
    from ieg_fsr.methods.models.cosine_head import with_cosine_head

    config = context.config
    counts = class_counts(context.given_labels, context.data.num_classes)
    margins = config.ldam_scale * class_margins(counts, config.ldam_largest_margin)
    classifier = with_cosine_head(context.network(config.seed), config.ldam_scale)
    return context.supervised(functools.partial(margin_cross_entropy, margins=margins), classifier)


SPECS = (
    MethodSpec(
        name="ldam",
        label="LDAM",
        summary="cross-entropy of cosines with margins that are larger for rarer classes",
        paper=Paper(
            "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss",
            "Cao et al.",
            2019,
            "https://arxiv.org/abs/1906.07413",
        ),
        settings=(LDAM_LARGEST_MARGIN, LDAM_SCALE),
        build=_build,
        api=(class_margins, "ieg_fsr.methods.models.cosine_head:with_cosine_head"),
    ),
)
