"""What a pusher said of each training example so far, one table on the device (paper, section 3.2).

Every table offers `update(example_ids, scores)` for a batch, its ids distinct, and `read()` -> [N], higher = pushed
first, -inf for an example that was never visited. All start empty and are part of a checkpoint.
"""

import numpy as np
import tensorflow as tf

from ieg_fsr.replicas import add_to_rows, update_rows


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
        old = tf.gather(self.scores, example_ids)
        update_rows(self.scores, example_ids, self.momentum * old + (1.0 - self.momentum) * scores)
        add_to_rows(self.visits, example_ids, tf.ones_like(scores))

    def read(self) -> np.ndarray:
        """Scores [N], float32; -inf for an example that was never visited."""
        visits = self.visits.numpy()
        seen_share = 1.0 - self.momentum**visits
        return _where_visited(self.scores.numpy() / np.where(visits > 0, seen_share, 1.0), visits)


class MeanScoreTable(tf.Module):
    """The plain mean of an example's scores, all visits counting alike. 8 bytes per example."""

    def __init__(self, num_examples: int) -> None:
        """Args: num_examples: N."""
        super().__init__(name="mean_score_table")
        self.sums = tf.Variable(tf.zeros([num_examples]), trainable=False, name="sums")
        self.visits = tf.Variable(tf.zeros([num_examples]), trainable=False, name="visits")

    def update(self, example_ids: tf.Tensor, scores: tf.Tensor) -> None:
        """Adds the scores of one batch. Args: example_ids: [B], distinct. scores: [B]."""
        add_to_rows(self.sums, example_ids, scores)
        add_to_rows(self.visits, example_ids, tf.ones_like(scores))

    def read(self) -> np.ndarray:
        """Means [N], float32; -inf for an example that was never visited."""
        visits = self.visits.numpy()
        return _where_visited(self.sums.numpy() / np.maximum(visits, 1), visits)


class ForgettingTable(tf.Module):
    """How often an example went from right to wrong between two of its own visits (Toneva et al., ICLR 2019).

    An example that was never right has nothing to forget; Toneva et al. put it behind all others, at infinity. Here it
    counts as forgotten at every visit: more than any example can be that was right once, and finite. 12 bytes per
    example.
    """

    # What an example's last visit says of it.
    _NEVER_RIGHT, _WRONG_NOW, _RIGHT_NOW = -1.0, 0.0, 1.0

    def __init__(self, num_examples: int, sign: float = 1.0) -> None:
        """Args: num_examples: N. sign: 1 to read the counts, -1 to read their negatives."""
        super().__init__(name="forgetting_table")
        self.sign = sign
        self.counts = tf.Variable(tf.zeros([num_examples]), trainable=False, name="counts")
        self.visits = tf.Variable(tf.zeros([num_examples]), trainable=False, name="visits")
        self.states = tf.Variable(tf.fill([num_examples], self._NEVER_RIGHT), trainable=False, name="states")

    def update(self, example_ids: tf.Tensor, scores: tf.Tensor) -> None:
        """Counts what one batch forgot. Args: example_ids: [B], distinct. scores: [B], 1 = right, 0 = wrong."""
        right = scores > 0.5
        old = tf.gather(self.states, example_ids)
        forgotten = tf.logical_and(tf.equal(old, self._RIGHT_NOW), tf.logical_not(right))
        add_to_rows(self.counts, example_ids, tf.cast(forgotten, tf.float32))
        add_to_rows(self.visits, example_ids, tf.ones_like(scores))
        states = tf.where(right, self._RIGHT_NOW, tf.minimum(old, self._WRONG_NOW))
        update_rows(self.states, example_ids, states)

    def read(self) -> np.ndarray:
        """Counts [N] times the sign, float32; -inf for an example that was never visited."""
        visits = self.visits.numpy()
        counts = np.where(self.states.numpy() == self._NEVER_RIGHT, visits, self.counts.numpy())
        return _where_visited(self.sign * counts, visits)


def _where_visited(scores: np.ndarray, visits: np.ndarray) -> np.ndarray:
    """Scores [N], float32; -inf where there was no visit."""
    return np.where(visits > 0, scores, -np.inf).astype(np.float32)
