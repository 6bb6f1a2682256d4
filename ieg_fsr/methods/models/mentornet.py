"""MentorNet (Jiang et al., ICML 2018): weights by a predefined curriculum, in closed form, or by a learned mentor."""

from typing import Any

import keras
import tensorflow as tf

from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.errors import UserError
from ieg_fsr.methods.mentornet import (
    MENTOR_BURN_IN,
    MENTOR_DROPOUT,
    MENTOR_FIRST_DROPOUT,
    MENTOR_GAMMA,
    MENTOR_NOISE,
    MENTOR_PERCENTILE,
    MENTOR_STEPS,
)
from ieg_fsr.methods.models.batch import Batch
from ieg_fsr.methods.models.fit_arguments import refuse_mixup
from ieg_fsr.methods.models.mentor import Mentor, recorded
from ieg_fsr.methods.models.step_scopes import in_scope
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.stateless_random import uniform_integers

# Percent of the epochs: the first dropout ends, and the predefined weights become graded. With a learned mentor the
# last epochs leave out nearly all.
_FIRST_DROPOUT_ENDS, _GRADED_FROM, _LAST_DROPOUT_BEGINS, _LAST_DROPOUT = 17, 90, 95, 0.9
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

    Without clean examples the curriculum is the predefined one. With some a mentor is learned from them before training
    (`Mentor`), whose weights follow the burn-in, and whose idea of how far training has come stays at its end.
    """

    skipping_rules = ()

    def __init__(
        self,
        classifier: keras.Model,
        *,
        percentile: float = 75.0,
        burn_in: float = 18.0,
        gamma: float = 1.0,
        first_dropout: float = 0.5,
        dropout: float = 0.05,
        clean_examples: Examples | None = None,
        student: keras.Model | None = None,
        mentor_noise: float = 0.2,
        mentor_steps: int = 30_000,
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
            clean_examples: with true labels, to learn a mentor from; None for the predefined curriculum.
            student: a classifier with variables of its own that is trained on these; needed with them.
            mentor_noise: share of their labels that is drawn anew for it, in [0, 1].
            mentor_steps: of Adam, in which the mentor learns.
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
        MENTOR_NOISE.check_argument(mentor_noise)
        MENTOR_STEPS.check_argument(mentor_steps)
        refuse_mixup("MentorNet", self.mixup_alpha)
        if (clean_examples is None) != (student is None):
            missing = "clean_examples" if clean_examples is None else "student"
            raise UserError(f"{missing} must be given for a learned mentor, as the other one is. Received: nothing")
        self.clean_examples, self.mentor_noise, self.mentor_steps = clean_examples, mentor_noise, mentor_steps
        # A student is trained as the classifier is, without what would take part in it later.
        frame = {name: value for name, value in supervised.items() if name != "parameter_average_decay"}
        self.student = None if student is None else Supervised(student, **frame)
        self.mentor = None if student is None else Mentor(self.seed)
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
        if self.mentor is None:
            weights = predefined_weights(losses, moved, self.percent, self.burn_in, self.gamma)
        else:
            learned = tf.sigmoid(self.mentor.logits(losses, moved, self.burn_in))
            weights = tf.where(self.percent <= self.burn_in, tf.ones_like(losses), learned)
        return weights * kept_mask(losses.shape[0], self.kept_share, self.step_seed(_DROPOUT_STREAM))

    def fit(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, *args: Any, **kwargs: Any
    ) -> keras.callbacks.History:
        """`keras.Model.fit`; before its first step the mentor learns, if one is to be learned."""
        if self.mentor is not None and getattr(self, "optimizer", None) is not None:
            self.learn_mentor(epochs, x.batch_size if isinstance(x, Examples) else 32)
        return super().fit(x, y, batch_size, epochs, *args, **kwargs)

    def learn_mentor(self, epochs: int, batch_size: int) -> None:
        """Trains the student, for as many epochs as there will be, and the mentor; once, as checkpoints have it."""
        assert self.mentor is not None
        assert self.student is not None
        assert self.clean_examples is not None
        if self.distribute_strategy.num_replicas_in_sync > 1:
            raise UserError("replicas must be 1 for a mentor to be learned. Received: several")
        if self.mentor.learned.numpy():
            return
        inner: Any = getattr(self.optimizer, "inner_optimizer", self.optimizer)
        first_rate = {"learning_rate": float(inner.learning_rate)}
        self.student.compile(type(inner).from_config(inner.get_config() | first_rate), jit_compile=self.jit_compile)
        records = recorded(self.student, self.clean_examples, self.mentor_noise, epochs, batch_size, self.seed)
        self.mentor.learn(records, self.mentor_steps)

    def set_epoch(self, epoch: int) -> None:
        """How far training has come, in whole percent of the epochs, and the share of a batch that is kept."""
        percent = 100 * epoch // self.course.plan.epochs
        self.percent.assign(percent)
        dropout = self.first_dropout if percent < _FIRST_DROPOUT_ENDS else self.dropout
        if self.mentor is not None and percent >= _LAST_DROPOUT_BEGINS:
            dropout = _LAST_DROPOUT
        self.kept_share.assign(1.0 - dropout)

    def checkpoint_parts(self) -> dict[str, Any]:
        """With the threshold and a learned mentor; percent and share follow from the epoch."""
        mentor = {} if self.mentor is None else {"mentor": self.mentor}
        return super().checkpoint_parts() | {"threshold": self.threshold} | mentor
