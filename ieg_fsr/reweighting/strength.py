"""How strongly re-weighting changes plain training: at a given strength, or at one that tunes itself.

A training step at strength s weights its samples, of a batch of b, by

    (1 - s) / b  +  s u_i

and scales MixUp and the loss against pseudo labels by s: 0 is plain training, 1 is re-weighting in full. Where s is
given, u are the weights by the reward loss, and 1 is FSR. Where it tunes itself, u is a third of these and two thirds
c, weights by confidence: c_i is proportional to (p_i / p_max)^3, p_i being the probability of the sample's target and
p_max that of the class which the network finds likeliest. What is hard and right has weight by c where the reward loss
clips it to zero, and what is wrong has little by either.

The reward set is another one then, too. The most trusted examples of a class are its easiest, and a reward set of them
speaks for none of the hard ones. Where most monitors' labels (below) are predicted, its members are drawn at random
from all examples of a class whose pseudo labels agree; the fewer are predicted, the fewer of the best these are, down
to the most trusted alone (`memorising.share_to_draw_from`).

Self-tuning needs no clean data. A few examples, the monitors, are held out: their given labels enter no loss. Take the
examples whose given labels the network contradicts after its first epochs. Where those labels are wrong, or hard, the
network can still come to know them in two ways: by memorising each, which the monitors' labels have no part in, or by
learning what they have in common, which it then knows of the monitors as well. So let

    generalised = how much the probability of the contradicted monitors' given labels has risen since,
    memorised   = how much more that of the contradicted training examples has risen.

Re-weighting goes up to full strength while more is memorised than a part of what is generalised, 0.2 where the learning
rate is still to fall by half (more will be memorised then) and 0.3 where it is not, and 0.8 of what of it came in the
last quarter of the training; it fades otherwise, by at most 1 / (0.3 T) an epoch of T. After three quarters of the
training the monitors are released, and their labels enter the loss like all others; the strength becomes 1 if it is
above 0.5 then, and 0 if not.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ieg_fsr.replicas import update_rows
from ieg_fsr.reweighting.memorising import (
    Evidence,
    baseline_epochs,
    choose_monitors,
    measured,
    most_monitors,
    next_earlier,
    next_strength,
    settled_strength,
    share_to_draw_from,
)
from ieg_fsr.reweighting.weight_rules import uniform_weights

_CONFIDENCE_EXPONENT = 3.0
_REWARD_SHARE = 1.0 / 3.0  # of the weights
_RELEASE = 0.75  # of the training


class Samples(NamedTuple):
    """What self-tuning looks at in a step."""

    example_ids: tf.Tensor  # [B], int32
    given_labels: tf.Tensor  # [B], int32
    targets: tf.Tensor  # [B, C], as they are trained on
    logits: tf.Tensor  # [B, C]


class Weights(NamedTuple):
    """Weights of a batch."""

    applied: tf.Tensor  # [B], in the loss
    told: tf.Tensor  # [B], what they are at strength 1: what is reported of the labels at any strength


class FixedStrength:
    """The same strength in every step. What has variables is a tf.Module; this has none."""

    def __init__(self, value: float) -> None:
        """Args: value: in [0, 1]."""
        self.value, self.is_plain = value, value == 0

    @property
    def share(self) -> float:
        """By which MixUp and the loss against pseudo labels are scaled."""
        return self.value

    def reach(self, example_ids: tf.Tensor) -> Callable[[tf.Tensor], tf.Tensor] | None:
        """For `mixup`: from the partners' rows [B] to the factors [B] of their shares; None for 1."""
        return None if self.value == 1 else lambda partner: tf.fill(tf.shape(partner), float(self.value))

    def targets(self, samples: Samples) -> tf.Tensor:
        """Targets [B, C] that the sample losses take."""
        return samples.targets

    def weights(self, samples: Samples, reward_weights: tf.Tensor, reweighting: bool) -> Weights:
        """Weights of a step. Args: reward_weights: [B], by the reward loss. Others: see `SelfTuningStrength`."""
        if self.value == 1:
            return Weights(reward_weights, reward_weights)
        applied = (1.0 - self.value) * uniform_weights(reward_weights) + self.value * reward_weights
        return Weights(applied, reward_weights)

    def monitor_ids(self) -> np.ndarray:
        """Example ids of the monitors: none."""
        return np.zeros(0, int)

    def figures(self) -> dict[str, float | None]:
        """By name, what an epoch shows of it: nothing at 1, the paper's."""
        return {} if self.value == 1 else {"strength_used": self.value}


class SelfTuningStrength(tf.Module):
    """The strength that tunes itself, once an epoch; 8 bytes per example. Everything in it is part of a checkpoint."""

    is_plain = False

    def __init__(self, num_examples: int, num_classes: int, seed: int) -> None:
        """Args: num_examples: N. num_classes: C. seed: of the choice of the monitors."""
        super().__init__(name="strength")
        self.num_classes, self.seed = num_classes, seed
        variable = lambda value, name: tf.Variable(value, trainable=False, name=name)  # noqa: E731
        self.strength, self.earlier = variable(1.0, "value"), variable(0.0, "generalised_earlier")
        # Example ids, -1 for none.
        self.monitors = variable(tf.fill([most_monitors(num_examples, num_classes)], -1), "monitors")
        # Probability of the given label at the last visit, negative where it was contradicted.
        self.given = variable(tf.ones([num_examples]), "given_probabilities")
        self.baseline = variable(tf.ones([num_examples]), "baseline_probabilities")
        self.agreement = variable(1.0, "agreement")  # share of the monitors whose given labels are predicted
        self.evidence = variable(tf.zeros([len(Evidence._fields)]), "evidence")
        self.memorised_since = variable(-1, "memorised_since")  # epoch, from 0

    @property
    def share(self) -> tf.Variable:
        """By which MixUp and the loss against pseudo labels are scaled."""
        return self.strength

    @property
    def share_to_draw_from(self) -> float:
        """The share of a class, its best, of which the reward set is drawn."""
        return share_to_draw_from(float(self.agreement.numpy()))

    def begin(self, given_labels: np.ndarray) -> None:
        """Chooses the monitors of a training that begins. Args: given_labels: [N]."""
        chosen = np.flatnonzero(choose_monitors(given_labels, self.num_classes, self.seed))
        self.monitors.assign(np.pad(chosen, (0, self.monitors.shape[0] - len(chosen)), constant_values=-1))

    def monitor_ids(self) -> np.ndarray:
        """Example ids of the present monitors."""
        monitors = self.monitors.numpy()
        return monitors[monitors >= 0]

    def reach(self, example_ids: tf.Tensor) -> Callable[[tf.Tensor], tf.Tensor]:
        """For `mixup`: from the partners' rows [B] to the factors [B] of their shares: a monitor is no partner."""
        used = 1.0 - self._monitors(example_ids)
        return lambda partner: self.strength * tf.gather(used, partner)

    def targets(self, samples: Samples) -> tf.Tensor:
        """Targets [B, C]; of a monitor what the network says anyhow, from which nothing is learned."""
        monitor = self._monitors(samples.example_ids)[:, tf.newaxis] > 0
        return tf.where(monitor, tf.stop_gradient(tf.nn.softmax(samples.logits)), samples.targets)

    def weights(self, samples: Samples, reward_weights: tf.Tensor, reweighting: bool) -> Weights:
        """Weights of a step, and the measurement in it.

        Args:
            samples: of the step, with the `targets` of this class.
            reward_weights: [B], by the reward loss.
            reweighting: whether warm-up is over.
        """
        used = 1.0 - self._monitors(samples.example_ids)
        probabilities = tf.nn.softmax(samples.logits)
        self._observe(samples, probabilities)
        if not reweighting:
            return Weights(reward_weights * used, reward_weights)
        likeliest = tf.reduce_max(probabilities, axis=1)
        confidence = tf.reduce_sum(samples.targets * probabilities, axis=1) / likeliest
        confidence = confidence**_CONFIDENCE_EXPONENT * used
        by_confidence = confidence / (tf.reduce_sum(confidence) + 1e-9)
        told = (1.0 - _REWARD_SHARE) * by_confidence + _REWARD_SHARE * reward_weights
        applied = (1.0 - self.strength) * uniform_weights(reward_weights) + self.strength * told
        return Weights(applied * used, told)

    def decide(self, epoch: int, epochs: int, warmup_epochs: int, falling: bool) -> None:
        """After an epoch, from 0: measures, and sets the strength of the next.

        Args: epochs: T. falling: whether the learning rate is still to fall, by half at least.
        """
        given, first = self.given.numpy().astype(np.float64), baseline_epochs(epochs, warmup_epochs)
        monitors = np.isin(np.arange(len(given)), self.monitors.numpy())
        if monitors.any():
            self.agreement.assign(np.mean(given[monitors] > 0))
        if epoch < first:
            old = np.abs(self.baseline.numpy().astype(np.float64))
            mean = np.abs(given) if epoch == 0 else (old + np.abs(given)) / 2.0
            self.baseline.assign(np.copysign(mean, given))
            return
        done = (epoch + 1) / epochs
        if done <= _RELEASE + 1e-6:
            baseline = self.baseline.numpy().astype(np.float64)
            evidence = measured(given, baseline, monitors, float(self.earlier.numpy()), falling)
            self.earlier.assign(next_earlier(evidence.earlier, evidence, epochs))
            self.evidence.assign(np.array(evidence, np.float32))
            if evidence.enough and evidence.memorised > 2.0 * evidence.error and self.memorised_since.numpy() < 0:
                self.memorised_since.assign(epoch)
            self.strength.assign(next_strength(float(self.strength.numpy()), evidence, epochs))
        if (epoch + 2) / epochs > _RELEASE + 1e-6 and monitors.any():
            self.monitors.assign(tf.fill(self.monitors.shape, -1))
            self.strength.assign(settled_strength(float(self.strength.numpy())))

    def figures(self) -> dict[str, float | None]:
        """By name, what an epoch shows of it."""
        memorised, generalised, error, *_ = map(float, self.evidence.numpy())
        since = int(self.memorised_since.numpy())
        return {
            "strength_used": float(self.strength.numpy()),
            "agreement": float(self.agreement.numpy()),
            "memorised": memorised,
            "generalised": generalised,
            "memorised_error": error,
            "memorised_since": None if since < 0 else since + 1,
        }

    def _observe(self, samples: Samples, probabilities: tf.Tensor) -> None:
        """Keeps what the network says of the given labels."""
        labels = samples.given_labels
        known = tf.argmax(probabilities, axis=1, output_type=tf.int32) == labels
        given = tf.gather(probabilities, labels, batch_dims=1)
        # Above zero, that the sign of a contradicted one stays.
        update_rows(self.given, samples.example_ids, tf.maximum(given, 1e-30) * tf.where(known, 1.0, -1.0))

    def _monitors(self, example_ids: tf.Tensor) -> tf.Tensor:
        """1 for monitors and 0 for others, [B]."""
        return tf.cast(tf.reduce_any(example_ids[:, tf.newaxis] == self.monitors, axis=1), tf.float32)
