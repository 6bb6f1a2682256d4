"""Co-teaching: two networks that choose each other's samples (Han et al., NeurIPS 2018, Algorithm 1)."""

from typing import Any

import keras
import tensorflow as tf

from ieg_fsr.errors import UserError
from ieg_fsr.methods.coteaching import COTEACHING_FORGET_RATE, COTEACHING_WARMUP_EPOCHS
from ieg_fsr.methods.models.fit_arguments import refuse_mixup
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.networks.fused_batch_norm import fused_batch_norms
from ieg_fsr.replicas import share, whole


def small_loss_mask(losses: tf.Tensor, kept_share: tf.Tensor) -> tf.Tensor:
    """1 for the samples of smallest loss, 0 for the others, [B]. Args: losses: [B]. kept_share: scalar in [0, 1].

    The number kept is B times the share, rounded, and at least 1; of equal losses the first ones are kept.
    """
    batch_size = tf.cast(tf.size(losses), tf.float32)
    kept = tf.maximum(tf.round(kept_share * batch_size), 1.0)
    rank = tf.argsort(tf.argsort(losses, stable=True))
    return tf.cast(tf.cast(rank, tf.float32) < kept, losses.dtype)


class CoTeaching(Supervised):
    """Each network learns from the samples that have the smallest losses for the other one.

    Both see the same batches. `classifier`, the first, is the one that is measured, averaged and saved.
    """

    saved_network = "the first of two"
    skipping_rules = ()
    starts_anew = (*Supervised.starts_anew, "second_")

    def __init__(
        self,
        classifier: keras.Model,
        second_classifier: keras.Model,
        *,
        forget_rate: float,
        warmup_epochs: int = 10,
        **supervised: Any,
    ) -> None:
        """Wraps two classifiers, whose variables it shares.

        Args:
            classifier, second_classifier: for the same data, each with initial parameters of its own.
            forget_rate: tau, share of a batch that is left out in the end, in [0, 1): that of the wrong labels.
            warmup_epochs: T_k, epochs over which the share left out rises from 0.
            **supervised: see `Supervised`.

        Raises:
            UserError: an argument is out of range, the classifiers share a variable, or MixUp is on: a mixed sample
                has no label to be trusted.
        """
        super().__init__(classifier, **supervised)
        COTEACHING_FORGET_RATE.check_argument(forget_rate)
        COTEACHING_WARMUP_EPOCHS.check_argument(warmup_epochs)
        refuse_mixup("co-teaching", self.mixup_alpha)
        if {id(v) for v in classifier.variables} & {id(v) for v in second_classifier.variables}:
            raise UserError("second_classifier must have variables of its own. Received: some of the first one's")
        self.second_classifier = second_classifier
        self.forget_rate, self.warmup_epochs = forget_rate, warmup_epochs
        self.kept_share = tf.Variable(1.0, trainable=False, dtype=tf.float32, name="kept_share")

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """`keras.Model.compile`; the second network gets an optimizer with the same settings."""
        super().compile(*args, **kwargs)
        self.second_optimizer = type(self.optimizer).from_config(self.optimizer.get_config())
        self.second_optimizer.build(self.second_classifier.trainable_variables)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of Algorithm 1: two forwards, an exchange of samples, two updates."""
        batch = self.prepare(data)
        with tf.GradientTape() as tape, tf.GradientTape() as second_tape:
            _, logits = self.forward(batch.images)
            with fused_batch_norms(self.second_classifier):
                second_logits = self.second_classifier(share(batch.images), training=True)
            second_logits = whole(tf.cast(second_logits, tf.float32))
            losses, second_losses = self.sample_losses(batch, logits), self.sample_losses(batch, second_logits)
            loss = _mean_of_chosen(batch.factored(losses), small_loss_mask(second_losses, self.kept_share))
            loss += self.regularization()
            second_loss = _mean_of_chosen(batch.factored(second_losses), small_loss_mask(losses, self.kept_share))
            second_loss += self.regularization(self.second_classifier)
        self.update(tape, loss)
        self.descend(second_tape, second_loss, self.second_classifier, self.second_optimizer)
        return self.measure(batch, logits, loss)

    def set_epoch(self, epoch: int) -> None:
        """The share that is kept: R = 1 - tau min(epoch / T_k, 1), epochs counted from 0."""
        progress = min(epoch / self.warmup_epochs, 1.0) if self.warmup_epochs else 1.0
        self.kept_share.assign(1.0 - self.forget_rate * progress)

    def checkpoint_parts(self) -> dict[str, Any]:
        """With the second network and its optimizer; the share that is kept follows from the epoch."""
        second = {"second_classifier": self.second_classifier.variables, "second_optimizer": self.second_optimizer}
        return super().checkpoint_parts() | second


def _mean_of_chosen(losses: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Mean of the losses [B] where the mask [B], a constant, is 1."""
    return tf.reduce_sum(tf.stop_gradient(mask) * losses) / tf.reduce_sum(mask)
