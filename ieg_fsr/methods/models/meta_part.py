"""The part of a network that the lookahead moves, with its momentum: steps 4 and 5 of Algorithm 1."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.step_scopes import in_scope
from ieg_fsr.networks.cut import cut_classifier
from ieg_fsr.networks.fused_batch_norm import fused_batch_norms
from ieg_fsr.replicas import summed
from ieg_fsr.reweighting.meta_gradient import Losses, VirtualSgd, meta_gradient, virtual_step
from ieg_fsr.reweighting.weight_rules import UniformWeights, WeightRule


class Reward(NamedTuple):
    """A reward batch."""

    features: tf.Tensor  # [Q, ...], input of the meta part, without gradient
    targets: tf.Tensor  # [Q, C]


class Lookahead(NamedTuple):
    """What a lookahead gives."""

    sample_weights: tf.Tensor  # [B]
    parameters: Sequence[tf.Tensor]  # of the meta part before the virtual step
    lookahead_parameters: Sequence[tf.Tensor]  # the same after it


class MetaPart(tf.Module):
    """A classifier in two: `below` runs once a step, `above` is the meta part. Trainable variables above take part."""

    def __init__(self, classifier: keras.Model, meta_layers: str, settings: VirtualSgd) -> None:
        """Raises UserError where `cut_classifier` does, or nothing above is trainable. Args: settings: of the step."""
        super().__init__(name="meta_part")
        self.below, self.above = cut_classifier(classifier, meta_layers)
        if not self.above.trainable_variables:
            raise UserError(
                "meta_layers must hold a trainable layer, which the lookahead moves. "
                f"Received: {meta_layers}, up to '{classifier.layers[-1].name}', all with trainable=False"
            )
        self.settings = settings
        # Momentum in gradient units, acc <- mu acc + g: independent of the optimizer's own units.
        self.accumulators = [
            tf.Variable(tf.zeros(variable.shape), trainable=False, name=f"{variable.name}_accumulator")
            for variable in self.above.trainable_variables
            if settings.momentum
        ]

    def logits(self, features: tf.Tensor, parameters: Sequence[tf.Tensor]) -> tf.Tensor:
        """Logits [B, C] under given parameters; batch norm by the batch's statistics, moving averages left alone."""
        others = [tf.convert_to_tensor(variable) for variable in self.above.non_trainable_variables]
        with fused_batch_norms(self.above):
            logits, _ = self.above.stateless_call(list(parameters), others, features, training=True)
        return tf.cast(logits, tf.float32)

    def losses(self, features: tf.Tensor, targets: tf.Tensor) -> Losses:
        """Cross-entropies [B] against `targets` [B, C] as a function of the parameters."""
        features = tf.cast(features, tf.float32)
        return lambda parameters: tf.nn.softmax_cross_entropy_with_logits(targets, self.logits(features, parameters))

    @in_scope("lookahead")
    def look_ahead(
        self, rule: WeightRule, losses: tf.Tensor, features: tf.Tensor, targets: tf.Tensor, reward: Reward | None
    ) -> Lookahead:
        """Steps 4 and 5: a virtual step, and the weights that the rule makes of the reward loss after it.

        Args: losses: [B], of the samples before the step. features: [B, ...]. targets: [B, C]. reward: None for uniform
        weights.
        """
        parameters = [tf.convert_to_tensor(variable) for variable in self.above.trainable_variables]
        accumulators = [tf.convert_to_tensor(accumulator) for accumulator in self.accumulators]
        state = (parameters, accumulators, self.settings)
        if reward is None:
            weights = UniformWeights().virtual_weights(losses)
            return Lookahead(weights, parameters, virtual_step(weights, self.losses(features, targets), *state))
        gradient, after = meta_gradient(
            rule.virtual_weights(losses), self.losses(features, targets), self.losses(*reward), *state
        )
        return Lookahead(rule.sample_weights(losses, gradient), parameters, after)

    @in_scope("update")
    def accumulate(
        self, variables: Sequence[keras.Variable], gradients: Sequence[tf.Tensor], step_taken: tf.Tensor | None = None
    ) -> None:
        """Keeps the momentum: acc <- mu acc + g of the real update.

        Args: variables, gradients: of the whole classifier, this replica's part. step_taken: bool; None: there was one.
        """
        if not self.accumulators:
            return
        gradient_of = {id(variable): gradient for variable, gradient in zip(variables, gradients, strict=True)}
        own_gradients = summed([gradient_of[id(variable)] for variable in self.above.trainable_variables])
        for accumulator, gradient in zip(self.accumulators, own_gradients, strict=True):
            moved = self.settings.momentum * accumulator + gradient
            accumulator.assign(moved if step_taken is None else tf.where(step_taken, moved, accumulator))
