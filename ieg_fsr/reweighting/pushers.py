"""Pushers: what sends a sample into the dictionary (paper, section 3.2 and Figure 5). Higher = pushed first.

The first four are meta-margins, judged around the lookahead. The paper's Eq. 5 scores a sample by how far its loss
falls under the virtual step. A large loss falls fast under its own gradient, so a literal difference prefers wrong
labels; what separates the two is the sample's own-label loss *after* the step. `lookahead` is that term alone.

The other five, which the paper compares them with, look at the layer before the step only. They see the sample as it
is trained on, mixed with another one where MixUp is on, and judge it by its own label. A pusher also says how the
scores of an example's visits come together (`score_table`).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ieg_fsr.reweighting.score_table import ForgettingTable, MeanScoreTable, ScoreTable


class PusherInputs(NamedTuple):
    """What a pusher may look at.

    Attributes:
        losses: [B], losses of the samples as trained on (mixed images, mixed targets), before the step.
        features: [B, ...], input of the meta part for the samples as trained on.
        unmixed_features: [B, ...], the same for the images before MixUp; None where no pusher asked for them.
        own_targets: [B, C], one-hot given labels, neither mixed nor smoothed.
        logits: the meta part: features and its parameters -> [B, C].
        parameters: of the meta part before the step.
        lookahead_parameters: the same after the step.
    """

    losses: tf.Tensor
    features: tf.Tensor
    unmixed_features: tf.Tensor | None
    own_targets: tf.Tensor
    logits: Callable[[tf.Tensor, Sequence[tf.Tensor]], tf.Tensor]
    parameters: Sequence[tf.Tensor]
    lookahead_parameters: Sequence[tf.Tensor]


class Pusher(NamedTuple):
    """A score function, the table that keeps its scores, and whether it costs a forward of the unmixed batch (MixUp).

    Attributes:
        score: [B] <- PusherInputs.
        table: made from N and lambda; only the running mean looks at lambda.
        needs_unmixed_features: whether `score` reads them.
        is_log_probability: whether the scores are means of the log-probability of the given label.
        pushes_right: whether labels that are pushed first are trusted most; otherwise they are the most doubtful.
    """

    score: Callable[[PusherInputs], tf.Tensor]
    table: Callable[[int, float], ScoreTable | MeanScoreTable | ForgettingTable] = ScoreTable
    needs_unmixed_features: bool = False
    is_log_probability: bool = False
    pushes_right: bool = True

    def trust(self, scores: np.ndarray) -> np.ndarray:
        """What the table read, [N], turned so that higher = label more likely right; -inf, never visited, stays."""
        return scores if self.pushes_right else np.where(np.isneginf(scores), scores, -scores)


def lookahead(inputs: PusherInputs) -> tf.Tensor:
    """Minus the own-label loss after the step, on the features trained on. [B]"""
    return -_own_losses(inputs, inputs.features, inputs.lookahead_parameters)


def shared(inputs: PusherInputs) -> tf.Tensor:
    """Loss of the mixed sample before, minus its own-label loss after the step, on the same features. [B]"""
    return inputs.losses - _own_losses(inputs, inputs.features, inputs.lookahead_parameters)


def release(inputs: PusherInputs) -> tf.Tensor:
    """As in the authors' code: loss of the mixed sample before, minus own-label loss of the unmixed image after. [B]"""
    return inputs.losses - _own_losses(inputs, inputs.unmixed_features, inputs.lookahead_parameters)


def paper(inputs: PusherInputs) -> tf.Tensor:
    """Eq. 5 to the letter: own-label loss of the unmixed image before minus after the step. [B]"""
    before = _own_losses(inputs, inputs.unmixed_features, inputs.parameters)
    return before - _own_losses(inputs, inputs.unmixed_features, inputs.lookahead_parameters)


def negative_loss(inputs: PusherInputs) -> tf.Tensor:
    """Minus the own-label loss before the step. [B]"""
    return -_own_losses(inputs, inputs.features, inputs.parameters)


def max_margin(inputs: PusherInputs) -> tf.Tensor:
    """Logit of the own label minus the largest other logit, before the step. [B]

    The difference of logits, not of probabilities, as the area under the margin has it (Pleiss et al., NeurIPS 2020):
    that pusher's table takes the plain mean over all visits.
    """
    logits = inputs.logits(inputs.features, inputs.parameters)
    own = tf.reduce_sum(inputs.own_targets * logits, axis=1)
    others = tf.where(inputs.own_targets > 0, logits.dtype.min, logits)
    return own - tf.reduce_max(others, axis=1)


def forgetting(inputs: PusherInputs) -> tf.Tensor:
    """1 where the own label has the largest logit, else 0; its table counts the falls (Toneva et al., ICLR 2019). [B]

    Pushes what is forgotten most; the inverse turns the sign of the count, and so pushes what is forgotten least.
    """
    return tf.cast(max_margin(inputs) > 0, tf.float32)


def _own_losses(inputs: PusherInputs, features: tf.Tensor | None, parameters: Sequence[tf.Tensor]) -> tf.Tensor:
    assert features is not None, "a pusher that needs unmixed features says so"
    return tf.nn.softmax_cross_entropy_with_logits(inputs.own_targets, inputs.logits(features, parameters))


PUSHERS: dict[str, Pusher] = {
    "lookahead": Pusher(lookahead, is_log_probability=True),
    "shared": Pusher(shared),
    "release": Pusher(release, needs_unmixed_features=True),
    "paper": Pusher(paper, needs_unmixed_features=True),
    "negative_loss": Pusher(negative_loss, is_log_probability=True),
    "max_margin": Pusher(max_margin),
    "forgetting": Pusher(forgetting, lambda num_examples, _: ForgettingTable(num_examples), pushes_right=False),
    "forgetting_inverse": Pusher(forgetting, lambda num_examples, _: ForgettingTable(num_examples, sign=-1.0)),
    "area_under_margin": Pusher(max_margin, lambda num_examples, _: MeanScoreTable(num_examples)),
}
