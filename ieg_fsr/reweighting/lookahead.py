"""The lookahead: a virtual SGD step of the final Dense layer, and how the reward loss after it depends on each weight.

Paper form (Eq. 2-4), with b samples, weights w_i = 1/b, learning rate eta and the SGD accumulator `acc` of the layer:

    theta'    = theta - eta * (d/dtheta [ sum_i w_i L_i(theta) + wd/2 |theta|^2 ] + mu * acc)
    meta_i    = d/dw_i [ mean_j L_j^R(theta') + wd/2 |theta'|^2 ]
    weight_i  = constraint(meta)_i / (sum + 1e-5)

Only the final Dense layer is looked at, so both tapes see two matrix products and the shared network is not run again.
"""

from typing import NamedTuple

import tensorflow as tf

from ieg_fsr.reweighting.weight_constraints import normalised_weights


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


def half_squared_norm(kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Half the squared L2 norm of a Dense layer, a scalar: its gradient is the layer itself."""
    return tf.nn.l2_loss(kernel) + tf.nn.l2_loss(bias)


def lookahead_step(
    sample_weights: tf.Tensor,
    features: tf.Tensor,
    targets: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    kernel_accumulator: tf.Tensor | None = None,
    bias_accumulator: tf.Tensor | None = None,
    *,
    lookahead_learning_rate: float = 0.1,
    lookahead_momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> tuple[tf.Tensor, tf.Tensor]:
    """One virtual momentum-SGD step of the Dense layer (Eq. 3), differentiable by `sample_weights`.

    Args:
        sample_weights: [B], multiply the losses of the samples; nothing divides their sum.
        features: [B, D], input of the layer.
        targets: [B, C], one-hot, mixed or smoothed.
        kernel: [D, C].
        bias: [C].
        kernel_accumulator: [D, C], momentum accumulator in gradient units (acc <- mu acc + g), or None for none.
        bias_accumulator: [C], likewise.
        lookahead_learning_rate: eta.
        lookahead_momentum: mu; 0 leaves the accumulator out.
        weight_decay: factor of half the squared norm of the layer.

    Returns:
        Kernel [D, C] and bias [C] after the step.
    """
    with tf.GradientTape() as tape:
        tape.watch([kernel, bias])
        loss = tf.reduce_sum(sample_weights * dense_losses(features, targets, kernel, bias))
        loss += weight_decay * half_squared_norm(kernel, bias)
    kernel_gradient, bias_gradient = tape.gradient(loss, [kernel, bias])
    if kernel_accumulator is not None:
        kernel_gradient += lookahead_momentum * kernel_accumulator
    if bias_accumulator is not None:
        bias_gradient += lookahead_momentum * bias_accumulator
    return kernel - lookahead_learning_rate * kernel_gradient, bias - lookahead_learning_rate * bias_gradient


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

    Returns:
        LookaheadWeights: weights and meta gradient [B], lookahead kernel [D, C] and bias [C].

    Raises:
        ValueError: unknown `weight_constraint`.
    """
    as_tensor = lambda value: None if value is None else tf.convert_to_tensor(value, tf.float32)  # noqa: E731
    layer = [as_tensor(value) for value in (kernel, bias, kernel_accumulator, bias_accumulator)]
    features, targets = as_tensor(features), as_tensor(targets)
    batch_size = tf.shape(features)[0]
    uniform_weights = tf.fill([batch_size], 1.0 / tf.cast(batch_size, tf.float32))
    with tf.GradientTape() as tape:
        tape.watch(uniform_weights)
        lookahead_kernel, lookahead_bias = lookahead_step(
            uniform_weights,
            features,
            targets,
            *layer,
            lookahead_learning_rate=lookahead_learning_rate,
            lookahead_momentum=lookahead_momentum,
            weight_decay=weight_decay,
        )
        reward_losses = dense_losses(
            as_tensor(reward_features), as_tensor(reward_targets), lookahead_kernel, lookahead_bias
        )
        reward_loss = tf.reduce_mean(reward_losses) + weight_decay * half_squared_norm(lookahead_kernel, lookahead_bias)
    meta_gradient = tape.gradient(reward_loss, uniform_weights)
    return LookaheadWeights(
        normalised_weights(meta_gradient, weight_constraint), meta_gradient, lookahead_kernel, lookahead_bias
    )
