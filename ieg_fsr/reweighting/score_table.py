"""Momentum of the pusher's scores, one per training example, on the device (paper, section 3.2)."""

import numpy as np
import tensorflow as tf


class ScoreTable(tf.Module):
    """s_i <- lambda * s_i + (1 - lambda) * score_i, from s_i = 0, divided by 1 - lambda^visits when read.

    The division removes the pull of the zero at the start, so that an example seen less often than the others is
    neither favoured nor held back. 8 bytes per example.
    """

    def __init__(self, num_examples: int, momentum: float = 0.9) -> None:
        """Args: num_examples: N. momentum: lambda in [0, 1)."""
        super().__init__(name="score_table")
        self.momentum = momentum
        self.scores = tf.Variable(tf.zeros([num_examples]), trainable=False, name="scores")
        self.visits = tf.Variable(tf.zeros([num_examples]), trainable=False, name="visits")

    def update(self, example_ids: tf.Tensor, scores: tf.Tensor) -> None:
        """Moves the scores of the examples of one batch. Args: example_ids: [B], distinct. scores: [B]."""
        indices = example_ids[:, tf.newaxis]
        old = tf.gather(self.scores, example_ids)
        self.scores.scatter_nd_update(indices, self.momentum * old + (1.0 - self.momentum) * scores)
        self.visits.scatter_nd_add(indices, tf.ones_like(scores))

    def read(self) -> np.ndarray:
        """Scores [N], float32; -inf for an example that was never visited."""
        visits = self.visits.numpy()
        seen_share = 1.0 - self.momentum**visits
        debiased = self.scores.numpy() / np.where(visits > 0, seen_share, 1.0)
        return np.where(visits > 0, debiased, -np.inf).astype(np.float32)
