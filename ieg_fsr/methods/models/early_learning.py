"""Early-learning regularisation (Liu et al., NeurIPS 2020): holds the network to what it said of a sample before."""

import tensorflow as tf

from ieg_fsr.errors import UserError
from ieg_fsr.methods.elr import ELR_LAMBDA, ELR_MOMENTUM
from ieg_fsr.methods.models.supervised import Batch
from ieg_fsr.replicas import update_rows

# Share of the uniform distribution in what the table takes in: <p, t> stays below 1, and the logarithm finite.
_UNIFORM_SHARE = 1e-4


def early_learning_loss(
    targets: tf.Tensor, logits: tf.Tensor, running_probabilities: tf.Tensor, strength: float
) -> tf.Tensor:
    """Cross-entropy + lambda log(1 - <p, t>), p = softmax(z) (section 4.2).

    The second term falls as p moves to t: its gradient by z_k is -lambda p_k (t_k - <p, t>) / (1 - <p, t>).

    Args: targets, logits: [B, C]. running_probabilities: t, [B, C], a constant; <p, t> < 1. strength: lambda >= 0.
    Returns: [B].
    """
    agreement = tf.reduce_sum(tf.nn.softmax(logits) * tf.stop_gradient(running_probabilities), axis=-1)
    return tf.nn.softmax_cross_entropy_with_logits(targets, logits) + strength * tf.math.log1p(-agreement)


class EarlyLearningRegularization(tf.Module):
    """The loss with its table: t_i <- beta t_i + (1 - beta) p_i, moved before it is used (section 4.3).

    Starts with zeros. 4 bytes per example and class, on the device.
    """

    def __init__(self, num_examples: int, num_classes: int, strength: float = 3.0, momentum: float = 0.7) -> None:
        """Args: num_examples: N. num_classes: C. strength: lambda >= 0. momentum: beta in [0, 1); else UserError."""
        super().__init__(name="early_learning_regularization")
        ELR_LAMBDA.check_argument(strength)
        ELR_MOMENTUM.check_argument(momentum)
        self.strength, self.momentum = strength, momentum
        self.table = tf.Variable(tf.zeros([num_examples, num_classes]), trainable=False, name="running_probabilities")

    def __call__(self, batch: Batch, logits: tf.Tensor) -> tf.Tensor:
        """Moves the rows of the batch, of single images with their ids, else UserError, and returns its losses [B]."""
        if batch.images is not batch.unmixed_images:
            raise UserError("mixup_alpha must be 0 with early-learning regularisation. Received: mixed images")
        if batch.example_ids is None:
            raise UserError("fit must be given ieg_fsr.examples(x, y), which carry example ids. Received: none")
        return early_learning_loss(batch.targets, logits, self.updated(batch.example_ids, logits), self.strength)

    def updated(self, example_ids: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Moves the rows of `example_ids` [B] towards softmax(logits) [B, C]; returns them, without gradient."""
        probabilities = tf.stop_gradient(tf.nn.softmax(logits))
        inner = (1.0 - _UNIFORM_SHARE) * probabilities + _UNIFORM_SHARE / self.table.shape[1]
        rows = self.momentum * tf.gather(self.table, example_ids) + (1.0 - self.momentum) * inner
        update_rows(self.table, example_ids, rows)
        return rows
