"""The lookahead of any meta part: a virtual SGD step, and how the reward loss after it depends on each sample's weight.

Paper form (Eq. 2-4), with weights w_i, learning rate eta and the SGD accumulator `acc` of the meta part theta:

    theta'    = theta - eta * (d/dtheta [ sum_i w_i L_i(theta) + wd/2 |theta|^2 ] + mu * acc)
    meta_i    = d/dw_i [ mean_j L_j^R(theta') + wd/2 |theta'|^2 ]

The meta part is what the given losses depend on: the final Dense layer (FSR), all layers from one up, or the whole
network (L2R: Ren et al., "Learning to Reweight Examples for Robust Deep Learning", 2018, Eq. 4-6). Two nested tapes see
it and nothing below it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

# Parameters of the meta part -> losses [B] of a batch under them.
Losses = Callable[[Sequence[tf.Tensor]], tf.Tensor]


class VirtualSgd(NamedTuple):
    """Settings of the virtual step: eta; mu, 0 leaves the accumulators out; and the factor of half the squared norm.

    The last is for the meta part, in the step and in the reward loss.
    """

    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 0.0


DEFAULT = VirtualSgd()


def half_squared_norm(parameters: Sequence[tf.Tensor]) -> tf.Tensor:
    """Half the squared L2 norm of all parameters, a scalar: its gradient is the parameters themselves."""
    return tf.add_n([tf.nn.l2_loss(parameter) for parameter in parameters])


def virtual_step(
    sample_weights: tf.Tensor,
    losses: Losses,
    parameters: Sequence[tf.Tensor],
    accumulators: Sequence[tf.Tensor] = (),
    settings: VirtualSgd = DEFAULT,
) -> list[tf.Tensor]:
    """Parameters after one virtual step (Eq. 3), differentiable by `sample_weights`.

    Args:
        sample_weights: [B], multiply the losses of the samples; nothing divides their sum.
        losses: of the samples.
        parameters: of the meta part.
        accumulators: momentum in gradient units (acc <- mu acc + g), one for each parameter; empty for none.
        settings: of the step.
    """
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        loss = tf.reduce_sum(sample_weights * losses(parameters))
        loss += settings.weight_decay * half_squared_norm(parameters)
    gradients = tape.gradient(loss, parameters, unconnected_gradients="zero")
    if accumulators:
        gradients = [g + settings.momentum * a for g, a in zip(gradients, accumulators, strict=True)]
    return [p - settings.learning_rate * g for p, g in zip(parameters, gradients, strict=True)]


def meta_gradient(
    sample_weights: tf.Tensor,
    losses: Losses,
    reward_losses: Losses,
    parameters: Sequence[tf.Tensor],
    accumulators: Sequence[tf.Tensor] = (),
    settings: VirtualSgd = DEFAULT,
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Derivative [B] of the reward loss after a virtual step by the weights of that step, and the parameters after it.

    `sample_weights` [B] are the weights of the virtual step and the point of the derivative; the mean of the
    `reward_losses` is the reward loss. The other arguments are those of `virtual_step`.
    """
    with tf.GradientTape() as tape:
        tape.watch(sample_weights)
        after = virtual_step(sample_weights, losses, parameters, accumulators, settings)
        reward_loss = tf.reduce_mean(reward_losses(after)) + settings.weight_decay * half_squared_norm(after)
    return tape.gradient(reward_loss, sample_weights), after
