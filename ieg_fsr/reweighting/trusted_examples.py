"""Examples whose labels a person decided: re-weighting does not take them down, and rewards come from them first."""

from typing import Any

import numpy as np
import tensorflow as tf

from ieg_fsr.errors import UserError, one_line
from ieg_fsr.reweighting.weight_rules import uniform_weights
from ieg_fsr.unlabelled import UNLABELLED


class TrustedExamples:
    """A set of example ids. What a run is told, and no part of its checkpoints."""

    def __init__(self, ids: Any, num_examples: int) -> None:
        """Args: ids: [n], in 0..N-1; None or none at all for nobody's decision. num_examples: N.

        Raises:
            UserError: an id is none.
        """
        ids = np.asarray([] if ids is None else ids)
        if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
            raise UserError(f"trusted_ids must be whole numbers [n]. Received: {one_line(ids.dtype)} {list(ids.shape)}")
        if ids.size and (ids.min() < 0 or ids.max() >= num_examples):
            strange = ids[(ids < 0) | (ids >= num_examples)][0]
            raise UserError(f"trusted_ids must be in [0, {num_examples}), the example ids. Received: {strange}")
        self.ids = np.unique(ids.astype(np.int64))
        self.mask: np.ndarray = np.zeros(num_examples, bool)
        self.mask[self.ids] = True
        self._table = tf.Variable(self.mask, trainable=False, name="trusted") if len(self.ids) else None

    def at_least_uniform(self, example_ids: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Weights [B] of a batch of b, of trusted examples 1/b at least. Args: example_ids: [B]."""
        if self._table is None:
            return weights
        trusted = tf.gather(self._table, example_ids)
        return tf.where(trusted, tf.maximum(weights, uniform_weights(weights)), weights)

    def leave_out(self, given_labels: np.ndarray) -> np.ndarray:
        """Labels [N] with none of the trusted examples: what may be held out of them."""
        return np.where(self.mask, UNLABELLED, given_labels) if len(self.ids) else given_labels
