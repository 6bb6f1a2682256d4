"""How strongly re-weighting changes plain training: at a given strength, or at one that tunes itself.

A training step at strength s weights its samples, of a batch of b, by

    (1 - s) / b  +  s [ (1 - r) c_i + r w_i ]

and scales MixUp and the loss against pseudo labels by s: 0 is plain training, 1 with r = 1 is FSR. w are the weights by
the reward loss; c_i, the weights by confidence, are proportional to p^0.7 for the probability p of the sample's target
(the factor by which generalised cross-entropy scales a gradient: Zhang & Sabuncu, NeurIPS 2018).

Self-tuning needs no clean data. A few examples, the monitors, are held out: their given labels enter no loss. Take the
examples whose given labels the network contradicts after its first epochs. Where those labels are wrong, or hard, the
network can still come to know them in two ways: by memorising each, which the monitors' labels have no part in, or by
learning what they have in common, which it then knows of the monitors as well. So let

    generalised = how much the probability of the contradicted monitors' given labels has risen since,
    memorised   = how much more that of the contradicted training examples has risen.

Re-weighting goes up to full strength while more is memorised than a part of what is generalised, 0.2 where the learning
rate is still to fall by half (more will be memorised then) and 0.3 where it is not, and 0.8 of what of it came in the
last quarter of the training; it fades otherwise, by at most 1 / (0.3 T) an epoch of T. The reward loss has its full
share while what is generalised (or that sum, while the rate is to fall) is not above 0.6 of what is memorised: then the
contradicted labels are wrong, and to weigh them by zero is right. It yields for good where a final layer that is
trained plainly beside the network's own predicts more of the monitors' given labels, by 1.5 to 2.5 standard errors:
wrong labels among them cost both alike. After three quarters of the training the monitors are released, and their
labels enter the loss like all others; the strength becomes 1 if it is above 0.2 then, and 0 if not.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ieg_fsr.replicas import update_rows
from ieg_fsr.reweighting.memorising import (
    Evidence,
    baseline_epochs,
    choose_monitors,
    measured,
    next_earlier,
    next_reward_limit,
    next_reward_share,
    next_strength,
    settled_strength,
)
from ieg_fsr.reweighting.weight_rules import uniform_weights

_CONFIDENCE_EXPONENT = 0.7
_RELEASE = 0.75  # of the training
_HEAD_MOMENTUM, _LEAD_MOMENTUM = 0.9, 0.8


class Samples(NamedTuple):
    """What self-tuning looks at in a step."""

    example_ids: tf.Tensor  # [B], int32
    given_labels: tf.Tensor  # [B], int32
    targets: tf.Tensor  # [B, C], as they are trained on
    features: tf.Tensor  # [B, ...], input of the meta part
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

    def weights(self, samples: Samples, reward_weights: tf.Tensor, reweighting: bool, rate: Any) -> Weights:
        """Weights of a step. Args: reward_weights: [B], by the reward loss. Others: see `SelfTuningStrength`."""
        if self.value == 1:
            return Weights(reward_weights, reward_weights)
        applied = (1.0 - self.value) * uniform_weights(reward_weights) + self.value * reward_weights
        return Weights(applied, reward_weights)

    def figures(self) -> dict[str, float | None]:
        """By name, what an epoch shows of it: nothing at 1, the paper's."""
        return {} if self.value == 1 else {"strength": self.value}


class SelfTuningStrength(tf.Module):
    """The strength that tunes itself, once an epoch; 8 bytes per example. Everything in it is part of a checkpoint."""

    is_plain = False

    def __init__(self, num_examples: int, num_classes: int, width: int | None, seed: int) -> None:
        """Args: width: D, of the final Dense layer's input, to train one beside; None where features are not that."""
        super().__init__(name="strength")
        self.num_classes, self.seed = num_classes, seed
        variable = lambda value, name: tf.Variable(value, trainable=False, name=name)  # noqa: E731
        self.strength, self.reward_share = variable(1.0, "value"), variable(1.0, "reward_share")
        self.reward_limit, self.earlier = variable(1.0, "reward_limit"), variable(0.0, "generalised_earlier")
        # 1 for a monitor. By a sign: probability of the given label at the last visit, negative where contradicted.
        self.monitors = variable(tf.zeros([num_examples], tf.float16), "monitors")
        self.given = variable(tf.ones([num_examples], tf.float16), "given_probabilities")
        self.baseline = variable(tf.ones([num_examples], tf.float16), "baseline_probabilities")
        self.lead = variable(tf.zeros([num_examples], tf.float16), "lead")
        self.evidence = variable(tf.zeros([len(Evidence._fields)]), "evidence")
        self.memorised_since = variable(-1, "memorised_since")  # epoch, from 0
        shapes = [] if width is None else [[width, num_classes], [num_classes]]
        self.layer = [variable(tf.zeros(shape), "plain_layer") for shape in shapes]
        self.momenta = [variable(tf.zeros(shape), "plain_layer_momentum") for shape in shapes]

    @property
    def share(self) -> tf.Variable:
        """By which MixUp and the loss against pseudo labels are scaled."""
        return self.strength

    def begin(self, given_labels: np.ndarray) -> None:
        """Chooses the monitors of a training that begins. Args: given_labels: [N]."""
        self.monitors.assign(choose_monitors(given_labels, self.num_classes, self.seed).astype(np.float16))

    def reach(self, example_ids: tf.Tensor) -> Callable[[tf.Tensor], tf.Tensor]:
        """For `mixup`: from the partners' rows [B] to the factors [B] of their shares: a monitor is no partner."""
        used = 1.0 - self._monitors(example_ids)
        return lambda partner: self.strength * tf.gather(used, partner)

    def targets(self, samples: Samples) -> tf.Tensor:
        """Targets [B, C]; of a monitor what the network says anyhow, from which nothing is learned."""
        monitor = self._monitors(samples.example_ids)[:, tf.newaxis] > 0
        return tf.where(monitor, tf.stop_gradient(tf.nn.softmax(samples.logits)), samples.targets)

    def weights(self, samples: Samples, reward_weights: tf.Tensor, reweighting: bool, rate: Any) -> Weights:
        """Weights of a step, and the measurement in it.

        Args:
            samples: of the step, with the `targets` of this class.
            reward_weights: [B], by the reward loss.
            reweighting: whether warm-up is over.
            rate: learning rate of the plain layer.
        """
        used = 1.0 - self._monitors(samples.example_ids)
        probabilities = tf.nn.softmax(samples.logits)
        self._observe(samples, probabilities, used, rate)
        if not reweighting:
            return Weights(reward_weights * used, reward_weights)
        confidence = tf.reduce_sum(samples.targets * probabilities, axis=1) ** _CONFIDENCE_EXPONENT * used
        by_confidence = confidence / (tf.reduce_sum(confidence) + 1e-9)
        told = (1.0 - self.reward_share) * by_confidence + self.reward_share * reward_weights
        applied = (1.0 - self.strength) * uniform_weights(reward_weights) + self.strength * told
        return Weights(applied * used, told)

    def decide(self, epoch: int, epochs: int, warmup_epochs: int, falling: bool) -> None:
        """After an epoch, from 0: measures, and sets strength and share of the next.

        Args: epochs: T. falling: whether the learning rate is still to fall, by half at least.
        """
        given, first = self.given.numpy().astype(np.float64), baseline_epochs(epochs, warmup_epochs)
        if epoch < first:
            old = np.abs(self.baseline.numpy().astype(np.float64))
            mean = np.abs(given) if epoch == 0 else (old + np.abs(given)) / 2.0
            self.baseline.assign(np.copysign(mean, given).astype(np.float16))
            return
        done = (epoch + 1) / epochs
        if done <= _RELEASE + 1e-6:
            tables = (self.baseline, self.lead, self.monitors)
            baseline, lead, monitors = (table.numpy().astype(np.float64) for table in tables)
            evidence = measured(given, baseline, lead, monitors, float(self.earlier.numpy()), falling)
            self.earlier.assign(next_earlier(evidence.earlier, evidence, epochs))
            self.evidence.assign(np.array(evidence, np.float32))
            if evidence.enough and evidence.memorised > 2.0 * evidence.error and self.memorised_since.numpy() < 0:
                self.memorised_since.assign(epoch)
            self.strength.assign(next_strength(float(self.strength.numpy()), evidence, epochs))
            limit = next_reward_limit(float(self.reward_limit.numpy()), evidence)
            self.reward_limit.assign(limit)
            self.reward_share.assign(next_reward_share(float(self.reward_share.numpy()), limit, evidence, epochs))
        if (epoch + 2) / epochs > _RELEASE + 1e-6 and self.monitors.numpy().any():
            self.monitors.assign(tf.zeros_like(self.monitors))
            self.strength.assign(settled_strength(float(self.strength.numpy())))

    def figures(self) -> dict[str, float | None]:
        """By name, what an epoch shows of it."""
        memorised, generalised, error, *_ = map(float, self.evidence.numpy())
        since = int(self.memorised_since.numpy())
        return {
            "strength": float(self.strength.numpy()),
            "reward_share": float(self.reward_share.numpy()),
            "memorised": memorised,
            "generalised": generalised,
            "memorised_error": error,
            "memorised_since": None if since < 0 else since + 1,
        }

    def _observe(self, samples: Samples, probabilities: tf.Tensor, used: tf.Tensor, rate: Any) -> None:
        """Keeps what the network says of the given labels, and trains the plain layer."""
        ids, labels = samples.example_ids, samples.given_labels
        known = tf.argmax(probabilities, axis=1, output_type=tf.int32) == labels
        given = tf.gather(probabilities, labels, batch_dims=1)
        # Above the smallest float16, that the sign of a contradicted one stays.
        given = tf.maximum(given, 1e-7) * tf.where(known, 1.0, -1.0)
        update_rows(self.given, ids, tf.cast(given, tf.float16))
        if not self.layer:
            return
        kernel, bias = self.layer
        features = tf.cast(samples.features, tf.float32)
        logits = features @ kernel + bias
        errors = (tf.nn.softmax(logits) - samples.targets) * (used * uniform_weights(used))[:, tf.newaxis]
        gradients = tf.matmul(features, errors, transpose_a=True), tf.reduce_sum(errors, axis=0)
        for variable, momentum, gradient in zip(self.layer, self.momenta, gradients, strict=True):
            momentum.assign(_HEAD_MOMENTUM * momentum + gradient)
            variable.assign(variable - rate * momentum)
        plain = tf.argmax(logits, axis=1, output_type=tf.int32) == labels
        now = tf.cast(plain, tf.float32) - tf.cast(known, tf.float32)
        old = tf.cast(tf.gather(self.lead, ids), tf.float32)
        update_rows(self.lead, ids, tf.cast(_LEAD_MOMENTUM * old + (1.0 - _LEAD_MOMENTUM) * now, tf.float16))

    def _monitors(self, example_ids: tf.Tensor) -> tf.Tensor:
        return tf.cast(tf.gather(self.monitors, example_ids), tf.float32)
