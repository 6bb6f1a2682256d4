"""Epochs that leave out what there is little to learn from, chosen before the forward from what training keeps.

A rule gives each example the share of the epochs that visit it; `draw_visits` chooses, and a loss counts as many times
as its share goes into 1, which keeps the gradient's mean (`WeightSkipping` leaves that out where it says so). These
factors are brought to a mean of 1: at a high learning rate longer steps diverge. The first epochs and the last ones
visit all, since there is nothing to choose by yet, and since the last updates count most.

Learning rates follow the epochs, not the steps: see `Course`.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.errors import UserError, one_line, refusal
from ieg_fsr.methods.models.batch import Batch
from ieg_fsr.methods.models.stages import Stage, Visits
from ieg_fsr.replicas import update_rows
from ieg_fsr.reweighting.settings import (
    LONGEST_SKIP,
    SKIP_AFTER_EPOCHS,
    SKIP_UNTIL,
    SKIPPING_SETTINGS,
    VISIT_DISTRUSTED,
    VISIT_MASTERED,
)
from ieg_fsr.reweighting.visit_draw import draw_visits
from ieg_fsr.rules import at_least, check_number
from ieg_fsr.setting import Config
from ieg_fsr.unlabelled import labelled

_STREAM = 8  # of the seed
FEWEST_VISITS = 10  # of a class in an epoch, or all of it
_MOMENTUM, _DISTRUSTED = 0.8, 0.2  # of the mean weight; below which share of uniform
_MASTERED = 0.5  # probability of the given label, above which
_FIRST, _SKIPPING, _LAST = "all examples", "skipping", "all again"


class NoSkipping(tf.Module):
    """Every epoch visits all examples."""

    def stages(self, epochs: int, warmup_epochs: int = 0) -> list[Stage]:
        """The stages of a training. Args: epochs: in all. warmup_epochs: of the model."""
        return [Stage("training", epochs)]

    def observe(self, batch: Batch, logits: tf.Tensor) -> None:
        """Looks at a training step. Args: logits: [B, C]."""

    def check(self, data: Any) -> None:
        """Raises UserError for training data of which no part can be visited."""


def checked_skipping(rule: NoSkipping | None, allowed: tuple[type[NoSkipping], ...]) -> NoSkipping:
    """The rule; none for None. Raises UserError for one that is not allowed with a method."""
    rule = rule or NoSkipping()
    if type(rule) is NoSkipping or isinstance(rule, allowed):
        return rule
    names = " or ".join(("NoSkipping", *(one.__name__ for one in allowed)))
    raise UserError(f"skipping must be {names} with this method. Received: {one_line(rule)}")


class Skipping(NoSkipping):
    """A rule for what to leave out; with what the two rules keep, 8 bytes per example."""

    keeps_mean = True  # whether the factors are 1 in the mean: a step is then as large as one of all examples

    def __init__(self, num_examples: int, after_epochs: int, until: float, longest_skip: int | None) -> None:
        """A rule.

        Args:
            num_examples: N.
            after_epochs: epochs after the warm-up that visit all.
            until: share of the training after which all are visited again.
            longest_skip: k, epochs in which an example is visited once at least; None for any number.
        """
        check_number("num_examples", num_examples, at_least(1), int)
        super().__init__(name="skipping")
        self.after_epochs, self.until, self.longest_skip = after_epochs, until, longest_skip
        with tf.device("CPU:0"):
            # How many epochs ago each example was visited.
            self.unseen = tf.Variable(tf.zeros([num_examples], tf.int32), trainable=False, name="unseen")

    def stages(self, epochs: int, warmup_epochs: int = 0) -> list[Stage]:
        """All examples, a part of them, and all again."""
        first = min(warmup_epochs + self.after_epochs, epochs)
        stop = max(int(self.until * epochs + 1e-6), first)
        if first == stop:
            return [Stage("training", epochs)]
        part = Stage(_SKIPPING, stop - first, visits=lambda model, epoch: self.visits(model, epoch))
        return [Stage(_FIRST, first), part, Stage(_LAST, epochs - stop)]

    def check(self, data: Any) -> None:
        """They must have random access, and be as many as the rule was made for."""
        if not isinstance(data, Examples) or not data.random_access:
            rule = "be given examples with random access, ieg_fsr.examples or ieg_fsr.examples_from_directory, to skip"
            raise refusal("fit", rule, f"a {type(data).__name__}")
        if len(data.given_labels) != (expected := self.unseen.shape[0]):
            received = f"{expected} beside {len(data.given_labels)} examples"
            raise UserError(f"num_examples of skipping must be the number of examples. Received: {received}")

    def draw(
        self, rates: np.ndarray, labels: np.ndarray, ids: np.ndarray, batch_size: int, seed: int, epoch: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Example ids [M] and the probabilities [M] that they were drawn with; those too long unseen are certain.

        Args: rates, labels: [N]. ids: of which to draw. seed, epoch: of the draw.
        """
        rates = rates[ids]
        if self.longest_skip is not None:
            rates = np.where(self.unseen.numpy()[ids] >= self.longest_skip - 1, 1.0, rates)
        rng = np.random.default_rng([seed, _STREAM, epoch])
        places, probabilities = draw_visits(rates, labels[ids], batch_size, FEWEST_VISITS, rng)
        unseen = self.unseen.numpy() + 1
        unseen[ids[places]] = 0
        self.unseen.assign(unseen)
        return ids[places], probabilities

    def visits(self, model: Any, epoch: int) -> Visits:
        """The examples of an epoch, with the factors of their losses."""
        examples = model.seen_examples()
        labels = examples.given_labels
        rates, exempt = self.rates(model, labels)
        drawn, probabilities = self.draw(rates, labels, examples.visited, examples.batch_size, model.seed, epoch)
        factors = np.where(exempt[drawn], 1.0, 1.0 / probabilities)
        return Visits(drawn, (factors / np.mean(factors) if self.keeps_mean else factors).astype(np.float32))

    def rates(self, model: Any, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The share [N] of the epochs that visit each example, and which [N] keep the factor 1."""
        raise NotImplementedError


class LossSkipping(Skipping):
    """By the losses of the latest visits alone: half of what is below their mean is left out (Qin et al., ICLR 2024).

    InfoBatch: with probability 1/2 an example of less than the mean loss is left out, and its loss counts twice
    otherwise; the last eighth of the epochs visits all. For methods that keep nothing else of an example.
    """

    keeps_mean = False

    def __init__(self, num_examples: int) -> None:
        """Args: num_examples: N."""
        super().__init__(num_examples, after_epochs=1, until=0.875, longest_skip=None)
        self.losses = tf.Variable(tf.zeros([num_examples]), trainable=False, name="losses")

    def observe(self, batch: Batch, logits: tf.Tensor) -> None:
        """Keeps each example's cross-entropy of the given label."""
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(batch.given_labels, logits)
        update_rows(self.losses, batch.example_ids, losses)

    def rates(self, model: Any, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """1/2 below the mean, 1 above."""
        losses = self.losses.numpy().astype(np.float64)
        easy = losses < losses[labelled(labels)].mean()
        return np.where(easy, 0.5, 1.0), np.zeros(len(labels), bool)


class WeightSkipping(Skipping):
    """By what re-weighting knows: a distrusted example is visited seldom, and a mastered one every other epoch.

    Distrusted is what has had little weight for epochs: a running mean of its weight (momentum 0.8, from 1, so that it
    takes eight epochs) is below 0.2 of uniform. Mastered is what is trusted, and more so by its score, which is a
    running mean of minus its own-label loss, than trusted examples in the mean, and whose label is more probable than
    not. The loss of a mastered one counts 1/q times; that of a distrusted one, which hardly has a weight, as it is, and
    so does its loss against the pseudo label.

    At strength s a distrusted example is left out s times as often: without re-weighting, training needs what it is
    late to learn, and the measurement of what is memorised needs what is trained on.
    """

    def __init__(
        self,
        num_examples: int,
        *,
        visit_distrusted: float = 0.25,
        visit_mastered: float = 0.5,
        skip_after_epochs: int = 2,
        skip_until: float = 0.9,
        longest_skip: int = 8,
    ) -> None:
        """A rule.

        Args:
            num_examples: N.
            visit_distrusted, visit_mastered: q, shares of the epochs that visit such an example, in (0, 1].
            skip_after_epochs: epochs of re-weighting that visit all.
            skip_until: share of the training after which all are visited again.
            longest_skip: k, epochs in which each example is visited once at least.

        Raises:
            UserError: an argument is out of range.
        """
        VISIT_DISTRUSTED.check_argument(visit_distrusted)
        VISIT_MASTERED.check_argument(visit_mastered)
        SKIP_AFTER_EPOCHS.check_argument(skip_after_epochs)
        SKIP_UNTIL.check_argument(skip_until)
        LONGEST_SKIP.check_argument(longest_skip)
        super().__init__(num_examples, skip_after_epochs, skip_until, longest_skip)
        self.visit_distrusted, self.visit_mastered = visit_distrusted, visit_mastered
        with tf.device("CPU:0"):
            self.mean_weights = tf.Variable(tf.ones([num_examples]), trainable=False, name="mean_weights")

    def update(self, weights: np.ndarray, visited: np.ndarray) -> None:
        """After an epoch: moves the running mean. Args: weights: [N], relative to uniform. visited: ids [M]."""
        means = self.mean_weights.numpy()
        means[visited] = _MOMENTUM * means[visited] + (1.0 - _MOMENTUM) * weights[visited]
        self.mean_weights.assign(means)

    def rates(self, model: Any, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """By weight and score; a monitor is always visited."""
        known, distrusted = labelled(labels), self.mean_weights.numpy() < _DISTRUSTED
        trust = model.pusher.trust(model.scores.read())
        trusted = known & ~distrusted & np.isfinite(trust)
        mastered = trusted & (trust > trust[trusted].mean()) if trusted.any() else trusted
        if model.pusher.is_log_probability:
            mastered &= trust > np.log(_MASTERED)
        visit_distrusted = 1.0 - (1.0 - self.visit_distrusted) * float(model.strength.share)
        rates = np.where(distrusted, visit_distrusted, np.where(mastered, self.visit_mastered, 1.0))
        monitors = model.strength.monitor_ids()
        rates[monitors] = 1.0
        return rates, distrusted


def skipping_of(config: Config, num_examples: int) -> NoSkipping | None:
    """The rule of --skip. Args: num_examples: N."""
    if config.skip == "weights":
        return WeightSkipping(num_examples, **{one.name: config[one.name] for one in SKIPPING_SETTINGS})
    return LossSkipping(num_examples) if config.skip == "loss" else None
