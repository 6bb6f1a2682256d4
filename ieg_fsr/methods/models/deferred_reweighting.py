"""Classes weighed by the inverse of their size, from an epoch on (Cao et al., Learning Imbalanced Datasets with
Label-Distribution-Aware Margin Loss, NeurIPS 2019, section 3.4)."""

import numpy as np
import tensorflow as tf

from ieg_fsr.methods.class_balanced import class_weights
from ieg_fsr.methods.common_settings import DEFERRED_REWEIGHTING


class NoReweighting:
    """All classes alike: adds nothing to a step."""

    def set_epoch(self, epoch: int) -> None:
        """Nothing."""

    def weighed(self, targets: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """The targets as they are."""
        return targets

    def taken_out(self, targets: tf.Tensor, loss_factors: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Both as they are."""
        return targets, loss_factors


class DeferredReweighting(NoReweighting):
    """Weights of the classes, 1 before an epoch, then (1 - beta) / (1 - beta^n_c) brought to the sum C.

    The weight of a label multiplies its loss, of both labels of a mixed sample: so it is in the targets while pairs are
    mixed, and taken out of them as a factor of the sample's loss, which is linear in the target.
    """

    def __init__(self, class_counts: np.ndarray, epoch: int, beta: float = 0.9999) -> None:
        """Args: class_counts: n, [C]. epoch: how many come before. beta: in [0, 1); 0 weighs all alike; else UserError.

        To be made in the scope of the strategy.
        """
        DEFERRED_REWEIGHTING.check_argument(epoch)
        self.epoch, self.class_weights = epoch, class_weights(class_counts, beta)
        # Follows from the epoch, and so is no part of the checkpoints; a variable, for a step to be traced once.
        self.present = tf.Variable(tf.ones([len(self.class_weights)]), trainable=False, name="class_weights")

    def set_epoch(self, epoch: int) -> None:
        """The weights of an epoch, counted from 0."""
        self.present.assign(self.class_weights if epoch >= self.epoch else np.ones_like(self.class_weights))

    def weighed(self, targets: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Targets [B, C], of sum 1 each, times the weights of the labels [B]."""
        return tf.gather(self.present, labels)[:, tf.newaxis] * targets

    def taken_out(self, targets: tf.Tensor, loss_factors: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        """Weighed targets [B, C], mixed or not, as targets of sum 1 and factors of the losses, [B]."""
        weights = tf.reduce_sum(targets, axis=-1)
        return targets / weights[:, tf.newaxis], weights if loss_factors is None else weights * loss_factors
