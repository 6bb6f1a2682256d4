"""Weight rules: with which weights the virtual step is made, and what the meta gradient there makes of them.

A rule is asked twice a step: `virtual_weights(losses)` before the lookahead, `sample_weights(losses, meta_gradient)`
after it. `WeightNet` (its own file) is the third rule. A rule with variables is a tf.Module and goes into checkpoints.
"""

from typing import Protocol

import tensorflow as tf

from ieg_fsr.reweighting.weight_constraints import normalised_weights


class WeightRule(Protocol):
    """What turns losses and meta gradient into sample weights."""

    def virtual_weights(self, losses: tf.Tensor) -> tf.Tensor:
        """Weights [B] of the virtual step. Args: losses: [B], before it."""

    def sample_weights(self, losses: tf.Tensor, meta_gradient: tf.Tensor) -> tf.Tensor:
        """Weights [B] of the update. Args: losses: [B]. meta_gradient: [B], derivative by `virtual_weights`."""


class DirectWeights:
    """Each sample's weight is its meta gradient, with its sign turned, constrained and normalised: FSR and L2R.

    FSR starts from w_i = 1/b; L2R from w_i = 0 (Ren et al. 2018, Algorithm 1), where the lookahead stays at the present
    parameters but for weight decay and momentum.
    """

    def __init__(self, weight_constraint: str = "clip", initial_sample_weights: str = "uniform") -> None:
        """Args: weight_constraint: "clip" or "shift". initial_sample_weights: "uniform" or "zero"."""
        self.weight_constraint, self.initial_sample_weights = weight_constraint, initial_sample_weights

    def virtual_weights(self, losses: tf.Tensor) -> tf.Tensor:
        """1/b or 0. [B]"""
        return tf.zeros_like(losses) if self.initial_sample_weights == "zero" else uniform_weights(losses)

    def sample_weights(self, losses: tf.Tensor, meta_gradient: tf.Tensor) -> tf.Tensor:
        """Weights that sum to one. [B]"""
        return normalised_weights(meta_gradient, self.weight_constraint)


class UniformWeights:
    """1/b, whatever the reward batch says: the lookahead serves the scores alone. Also every rule's warm-up."""

    def virtual_weights(self, losses: tf.Tensor) -> tf.Tensor:
        """1/b. [B]"""
        return uniform_weights(losses)

    def sample_weights(self, losses: tf.Tensor, meta_gradient: tf.Tensor) -> tf.Tensor:
        """1/b. [B]"""
        return uniform_weights(losses)


def uniform_weights(losses: tf.Tensor) -> tf.Tensor:
    """1/b for each of b samples. [B]"""
    return tf.ones_like(losses) / tf.cast(tf.size(losses), losses.dtype)
