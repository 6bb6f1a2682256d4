"""First values of parameters and optimizers, for a stage that starts anew."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf


class FreshStart:
    """Keeps what parameters and optimizers began with.

    Attributes:
        parameters: first values of the parameters, in the memory of the host. They are part of the checkpoints: a
            process that goes on may have begun with others.
    """

    def __init__(self) -> None:
        self.parameters: list[tf.Variable] = []
        self._states: list[Any] = []

    def keep(self, parts: Mapping[str, Any]) -> None:
        """Keeps the parameters of the first call, and the state of optimizers that have made no step yet.

        Args:
            parts: of the checkpoints that are to start anew, the same in each call.
        """
        networks, optimizers = _divided(parts)
        if not self.parameters:
            with tf.device("CPU:0"):
                self.parameters = [tf.Variable(v.numpy(), trainable=False, name="initial") for v in networks]
        steps = [part.iterations.numpy() for part in parts.values() if isinstance(part, keras.optimizers.Optimizer)]
        if not self._states or not any(steps):
            self._states = [variable.numpy() for variable in optimizers]

    def put_back(self, parts: Mapping[str, Any]) -> None:
        """Gives parameters and optimizers their first values."""
        networks, optimizers = _divided(parts)
        for variable, value in zip([*networks, *optimizers], [*self.parameters, *self._states], strict=True):
            variable.assign(value)


def _divided(parts: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Variables of the parameters, and of the optimizers."""
    both: tuple[list[Any], list[Any]] = ([], [])
    for part in parts.values():
        both[isinstance(part, keras.optimizers.Optimizer)].extend(variables_of(part))
    return both


def variables_of(part: Any) -> list[Any]:
    """The variables of a part: of a list, a variable, or what has `variables`, as models, optimizers and modules."""
    if isinstance(part, list):
        return part
    return list(part.variables) if hasattr(part, "variables") else [part]
