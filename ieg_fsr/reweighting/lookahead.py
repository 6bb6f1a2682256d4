"""FSR's sample weights as a pure function of arrays: the lookahead of a final Dense layer (Eq. 2-4).

The mathematics is in `meta_gradient`. Only the Dense layer is looked at, so both tapes see two matrix products and the
shared network is not run again.
"""

from typing import NamedTuple

import tensorflow as tf

from ieg_fsr.reweighting.meta_gradient import VirtualSgd, meta_gradient
from ieg_fsr.reweighting.weight_constraints import normalised_weights
from ieg_fsr.reweighting.weight_rules import uniform_weights


class LookaheadWeights(NamedTuple):
    """What `lookahead_weights` returns.

    Attributes:
        sample_weights: [B], sum to one under the given constraint.
        meta_gradient: [B], derivative of the reward loss by the weight of each sample.
        lookahead_kernel: [D, C], kernel after the virtual step with uniform weights.
        lookahead_bias: [C], bias after the same step.
    """

    sample_weights: tf.Tensor
    meta_gradient: tf.Tensor
    lookahead_kernel: tf.Tensor
    lookahead_bias: tf.Tensor


def dense_losses(features: tf.Tensor, targets: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Softmax cross-entropy [B] of `features` [B, D] under a final Dense layer, against `targets` [B, C]."""
    return tf.nn.softmax_cross_entropy_with_logits(targets, tf.matmul(features, kernel) + bias)


def lookahead_weights(
    features: tf.Tensor,
    targets: tf.Tensor,
    reward_features: tf.Tensor,
    reward_targets: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    kernel_accumulator: tf.Tensor | None = None,
    bias_accumulator: tf.Tensor | None = None,
    lookahead_learning_rate: float = 0.1,
    lookahead_momentum: float = 0.9,
    weight_decay: float = 0.0,
    weight_constraint: str = "clip",
) -> LookaheadWeights:
    """Weights of the samples of a batch, from the reward loss after a virtual step on that batch (Eq. 2-4).

    Arrays are converted to float32 tensors. No gradient flows back into the arguments' origin through the result:
    apply `tf.stop_gradient` to the arguments where an outer tape records them.

    Args:
        features: [B, D], input of the final Dense layer.
        targets: [B, C], one-hot, mixed or smoothed.
        reward_features: [Q, D], the same layer's input for the reward batch.
        reward_targets: [Q, C].
        kernel: [D, C].
        bias: [C].
        kernel_accumulator: [D, C], the optimizer's momentum in gradient units (acc <- mu acc + g), or None.
        bias_accumulator: [C], likewise.
        lookahead_learning_rate: eta of the virtual step.
        lookahead_momentum: mu of the virtual step; 0 leaves the accumulators out.
        weight_decay: factor of half the squared norm of the layer, in the virtual step and in the reward loss.
        weight_constraint: "clip" or "shift" (see `weight_constraints`).

    Raises:
        ValueError: unknown `weight_constraint`.
    """
    as_tensor = lambda value: tf.convert_to_tensor(value, tf.float32)  # noqa: E731
    parameters = [as_tensor(kernel), as_tensor(bias)]
    accumulators = [
        tf.zeros_like(parameter) if value is None else as_tensor(value)
        for parameter, value in zip(parameters, (kernel_accumulator, bias_accumulator), strict=True)
    ]
    features, targets = as_tensor(features), as_tensor(targets)
    reward_features, reward_targets = as_tensor(reward_features), as_tensor(reward_targets)
    gradient, layer_after = meta_gradient(
        uniform_weights(features[:, 0]),
        lambda layer: dense_losses(features, targets, *layer),
        lambda layer: dense_losses(reward_features, reward_targets, *layer),
        parameters,
        accumulators,
        VirtualSgd(lookahead_learning_rate, lookahead_momentum, weight_decay),
    )
    return LookaheadWeights(normalised_weights(gradient, weight_constraint), gradient, *layer_after)
