"""Learning rates that follow the epochs where steps cannot be counted: an epoch that chooses its visits is any long."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


class EpochRate(keras.optimizers.schedules.LearningRateSchedule):
    """The value of a variable, which the method sets before each epoch."""

    def __init__(self, rate: tf.Variable) -> None:
        """Args: rate: a scalar, made in the scope of the strategy."""
        self.rate = rate

    def __call__(self, step: Any) -> tf.Tensor:
        """Learning rate of any step."""
        return tf.identity(self.rate)


def factor_of_epoch(factors: Sequence[tuple[float, float]], done: int, epochs: int) -> float:
    """Which factor holds in an epoch.

    Args:
        factors: pairs of a share of the epochs, the last one 1, and the factor that holds up to it.
        done: epochs before it, below `epochs`.
        epochs: in all.
    """
    return next(factor for end, factor in factors if done < end * epochs)
