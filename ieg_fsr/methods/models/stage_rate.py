"""Learning rates of stages with schedules of their own."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras.optimizers.schedules import LearningRateSchedule


class StageRate(LearningRateSchedule):
    """The schedule of the present stage, over its own steps; the optimizer's own rate where the stage has none.

    A traced step keeps the schedule that it was traced with.
    """

    def __init__(self) -> None:
        """To be made in the scope of the strategy."""
        self.own: Any = None
        self.present: LearningRateSchedule | None = None
        # Steps that the optimizer had made when the stage began; part of the checkpoints.
        self.start = tf.Variable(0, trainable=False, dtype=tf.int64, name="stage_start")

    def rule(self, optimizers: Sequence[keras.optimizers.Optimizer]) -> None:
        """Takes the place of the rate of optimizers that were made with the same settings."""
        for optimizer in optimizers:
            found = getattr(optimizer, "inner_optimizer", optimizer)._learning_rate
            if found is not self:
                self.own = found
                optimizer.learning_rate = self

    def __call__(self, step: Any) -> Any:
        """Learning rate of a step of the optimizer."""
        if self.present is not None:
            return self.present(tf.cast(step, tf.int64) - self.start)
        if isinstance(self.own, LearningRateSchedule):
            return self.own(step)
        return self.own() if callable(self.own) else tf.convert_to_tensor(self.own)
