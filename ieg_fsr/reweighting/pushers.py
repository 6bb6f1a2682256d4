"""Pushers: how clean a sample looks, judged around the lookahead (paper, section 3.2). Higher = cleaner.

The paper's Eq. 5 scores a sample by how far its loss falls under the virtual step. A large loss falls fast under its
own gradient, so a literal difference prefers wrong labels; what separates the two is the sample's own-label loss
*after* the step. `lookahead` is that term alone.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from ieg_fsr.reweighting.lookahead import dense_losses


class PusherInputs(NamedTuple):
    """What a pusher may look at.

    Attributes:
        losses: [B], losses of the samples as trained on (mixed images, mixed targets), before the step.
        features: [B, D], features of the samples as trained on.
        unmixed_features: [B, D], features of the images before MixUp; None where no pusher asked for them.
        own_targets: [B, C], one-hot given labels, neither mixed nor smoothed.
        kernel, bias: [D, C], [C], final Dense layer before the step.
        lookahead_kernel, lookahead_bias: [D, C], [C], the same after the step.
    """

    losses: tf.Tensor
    features: tf.Tensor
    unmixed_features: tf.Tensor | None
    own_targets: tf.Tensor
    kernel: tf.Tensor
    bias: tf.Tensor
    lookahead_kernel: tf.Tensor
    lookahead_bias: tf.Tensor


class Pusher(NamedTuple):
    """A score function [B] <- PusherInputs, and whether it costs one more forward of the unmixed batch."""

    score: Callable[[PusherInputs], tf.Tensor]
    needs_unmixed_features: bool


def lookahead(inputs: PusherInputs) -> tf.Tensor:
    """Minus the own-label loss after the step, on the features trained on. [B]"""
    return -_own_loss_after(inputs, inputs.features)


def shared(inputs: PusherInputs) -> tf.Tensor:
    """Loss of the mixed sample before, minus its own-label loss after the step, on the same features. [B]"""
    return inputs.losses - _own_loss_after(inputs, inputs.features)


def release(inputs: PusherInputs) -> tf.Tensor:
    """As in the authors' code: loss of the mixed sample before, minus own-label loss of the unmixed image after. [B]"""
    return inputs.losses - _own_loss_after(inputs, inputs.unmixed_features)


def paper(inputs: PusherInputs) -> tf.Tensor:
    """Eq. 5 to the letter: own-label loss of the unmixed image before minus after the step. [B]"""
    before = dense_losses(inputs.unmixed_features, inputs.own_targets, inputs.kernel, inputs.bias)
    return before - _own_loss_after(inputs, inputs.unmixed_features)


def _own_loss_after(inputs: PusherInputs, features: tf.Tensor) -> tf.Tensor:
    return dense_losses(features, inputs.own_targets, inputs.lookahead_kernel, inputs.lookahead_bias)


PUSHERS: dict[str, Pusher] = {
    "lookahead": Pusher(lookahead, needs_unmixed_features=False),
    "shared": Pusher(shared, needs_unmixed_features=False),
    "release": Pusher(release, needs_unmixed_features=True),
    "paper": Pusher(paper, needs_unmixed_features=True),
}
