"""MentorNet's predefined curriculum, in closed form (Jiang et al., ICML 2018, section 3)."""

from typing import Any

import keras
import tensorflow as tf

from ieg_fsr.errors import UserError
from ieg_fsr.methods.mentornet import (
    MENTOR_BURN_IN,
    MENTOR_DROPOUT,
    MENTOR_FIRST_DROPOUT,
    MENTOR_GAMMA,
    MENTOR_PERCENTILE,
)
from ieg_fsr.methods.models.batch import Batch
from ieg_fsr.methods.models.step_scopes import in_scope
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.stateless_random import uniform_integers

# Percent of the epochs: the first dropout ends, and the weights become graded.
_FIRST_DROPOUT_ENDS, _GRADED_FROM = 17, 90
# Of the threshold's moving average, which begins with 0.
_MOMENTUM = 0.5
_DROPOUT_STREAM = 8  # of the seed of a step


def predefined_weights(
    losses: tf.Tensor, threshold: tf.Tensor, percent: tf.Tensor, burn_in: float = 18.0, gamma: float = 1.0
) -> tf.Tensor:
    """Weights v of the predefined curriculum: all, then self-paced, in the end graded.

    v = 1 up to `burn_in` percent of the epochs, 1[l <= m] up to 90, clip(1 - (l - m) / gamma, 0, 1) after.

    Args: losses: l, [B]. threshold: m, scalar. percent: e, scalar in [0, 100). gamma: > 0. Returns: [B], in [0, 1].
    """
    excess = losses - threshold
    self_paced = tf.cast(excess <= 0.0, losses.dtype)
    graded = tf.clip_by_value(1.0 - excess / gamma, 0.0, 1.0)
    later = tf.where(percent < _GRADED_FROM, self_paced, graded)
    return tf.where(percent <= burn_in, tf.ones_like(losses), later)


def nearest_percentile(values: tf.Tensor, percentile: float) -> tf.Tensor:
    """The value of `values` [B] whose rank is nearest to the percentile, scalar."""
    rank = round(percentile / 100.0 * (values.shape[0] - 1))
    return tf.sort(values)[rank]


def kept_mask(size: int, share: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """1 for a random choice of round(share * size) samples, 0 for the others, [size]. Args: seed: [2], int32."""
    rank = tf.argsort(tf.argsort(uniform_integers([size], seed, 2**30), stable=True))
    return tf.cast(tf.cast(rank, tf.float32) < tf.round(share * size), tf.float32)


class MentorNet(Supervised):
    """Trains on losses weighed by a curriculum, of whose weights a random share is left out (example dropout).

    The step's loss is sum(v l) / b, and weight decay goes with the mean weight, as in the released code. The threshold
    of the curriculum is a moving average of the p-th percentile of each batch's losses.
    """

    def __init__(
        self,
        classifier: keras.Model,
        *,
        percentile: float = 75.0,
        burn_in: float = 18.0,
        gamma: float = 1.0,
        first_dropout: float = 0.5,
        dropout: float = 0.05,
        **supervised: Any,
    ) -> None:
        """Wraps a classifier, whose variables it shares.

        Args:
            classifier: built Functional or Sequential model that ends in Dense logits.
            percentile: p, in [0, 100]: the expected share of right labels is a good one.
            burn_in: percent of the epochs in which every sample has weight 1.
            gamma: excess over the threshold at which a weight is 0 in the last tenth of the epochs.
            first_dropout: share of a batch that is left out in the first 17 % of the epochs, in [0, 1).
            dropout: the same after them.
            **supervised: see `Supervised`.

        Raises:
            UserError: an argument is out of range, or MixUp is on: a mixed sample has no label to be trusted.
        """
        super().__init__(classifier, **supervised)
        MENTOR_PERCENTILE.check_argument(percentile)
        MENTOR_BURN_IN.check_argument(burn_in)
        MENTOR_GAMMA.check_argument(gamma)
        MENTOR_FIRST_DROPOUT.check_argument(first_dropout)
        MENTOR_DROPOUT.check_argument(dropout)
        if self.mixup_alpha:
            raise UserError(f"mixup_alpha must be 0 with MentorNet. Received: {self.mixup_alpha:g}")
        self.percentile, self.burn_in, self.gamma = percentile, burn_in, gamma
        self.first_dropout, self.dropout = first_dropout, dropout
        self.threshold = tf.Variable(0.0, trainable=False, name="threshold")
        self.percent = tf.Variable(0.0, trainable=False, name="percent")
        self.kept_share = tf.Variable(1.0, trainable=False, name="kept_share")

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step on the losses that the curriculum weighs; the weights are constants."""
        batch = self.prepare(data)
        with tf.GradientTape() as tape:
            _, logits = self.forward(batch.images)
            losses = self.sample_losses(batch, logits)
            weights = tf.stop_gradient(self.curriculum(batch, losses))
            loss = tf.reduce_mean(weights * batch.factored(losses)) + self.regularization()
        self.update(tape, loss, decay_share=tf.reduce_mean(weights))
        return self.measure(batch, logits, loss)

    @in_scope("loss")
    def curriculum(self, batch: Batch, losses: tf.Tensor) -> tf.Tensor:
        """Weights [B] of losses [B], after the threshold has moved and some are left out."""
        moved = _MOMENTUM * self.threshold + (1.0 - _MOMENTUM) * nearest_percentile(losses, self.percentile)
        self.threshold.assign(moved)
        weights = predefined_weights(losses, moved, self.percent, self.burn_in, self.gamma)
        return weights * kept_mask(losses.shape[0], self.kept_share, self.step_seed(_DROPOUT_STREAM))

    def set_epoch(self, epoch: int) -> None:
        """How far training has come, in whole percent of the epochs, and the share of a batch that is kept."""
        percent = 100 * epoch // self.course.plan.epochs
        self.percent.assign(percent)
        self.kept_share.assign(1.0 - (self.first_dropout if percent < _FIRST_DROPOUT_ENDS else self.dropout))

    def checkpoint_parts(self) -> dict[str, Any]:
        """With the threshold; percent and share follow from the epoch."""
        return super().checkpoint_parts() | {"threshold": self.threshold}
