"""A batch ready for training, and the losses that are made of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf


class Unlabelled(NamedTuple):
    """Examples without a given label that a step sees beside its batch."""

    images: tf.Tensor  # [U, ...], augmented
    example_ids: tf.Tensor  # [U], int32


class Batch(NamedTuple):
    """A batch ready for training."""

    images: tf.Tensor  # [B, ...], augmented and, with MixUp, mixed
    targets: tf.Tensor  # [B, C], smoothed and mixed
    unmixed_images: tf.Tensor  # [B, ...], augmented only
    given_labels: tf.Tensor  # [B], int32
    example_ids: Any  # [B], int32, or None if the data carry none
    loss_factors: Any = None  # [B], or None where none are given
    unlabelled: Unlabelled | None = None

    @property
    def all_images(self) -> tf.Tensor:
        """Images [B + U, ...], the unlabelled ones last."""
        return self.images if self.unlabelled is None else tf.concat([self.images, self.unlabelled.images], axis=0)

    @property
    def all_ids(self) -> tf.Tensor:
        """Example ids [B + U]."""
        if self.unlabelled is None:
            return self.example_ids
        return tf.concat([self.example_ids, self.unlabelled.example_ids], axis=0)

    def labelled(self, values: tf.Tensor) -> tf.Tensor:
        """The rows [B, ...] of values [B + U, ...] that belong to labelled examples."""
        return values if self.unlabelled is None else values[: self.given_labels.shape[0]]

    def factored(self, losses: tf.Tensor) -> tf.Tensor:
        """Losses [B] or [B + U] times their factors, which are 1 of unlabelled examples."""
        if self.loss_factors is None:
            return losses
        more = losses.shape[0] - self.loss_factors.shape[0] if self.unlabelled is not None else 0
        return (
            tf.pad(self.loss_factors, [[0, more]], constant_values=1.0) * losses if more else self.loss_factors * losses
        )


# A batch and its logits [B, C] -> losses [B]. One with variables is a tf.Module, and becomes part of the checkpoints.
SampleLoss = Callable[[Batch, tf.Tensor], tf.Tensor]
