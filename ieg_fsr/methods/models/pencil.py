"""PENCIL (Yi & Wu, CVPR 2019): a distribution over the classes for every example, trained by gradient descent.

All losses are means over batch and classes, as in the released code: the learning rate of the labels is for these.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.errors import UserError
from ieg_fsr.methods import pencil
from ieg_fsr.methods.models.batch import Batch
from ieg_fsr.methods.models.fit_arguments import refuse_mixup
from ieg_fsr.methods.models.label_report import LabelReport, label_report, predicted_probabilities, probabilities_of
from ieg_fsr.methods.models.stages import Stage
from ieg_fsr.methods.models.step_scopes import in_scope
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.replicas import update_rows
from ieg_fsr.rules import at_least, check_number
from ieg_fsr.unlabelled import labelled

# K: the table begins with K times the one-hot label.
_LABEL_SCALE = 10.0
_BACKBONE, _LABELS = "backbone", "labels"


def divergence(label_logits: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """KL(f || y) / C of predictions f = softmax(z) and labels y = softmax(label_logits), [B, C] each -> [B] (Eq. 8)."""
    log_f, log_y = tf.nn.log_softmax(logits), tf.nn.log_softmax(label_logits)
    return tf.reduce_mean(tf.exp(log_f) * (log_f - log_y), axis=-1)


def compatibility(label_logits: tf.Tensor, targets: tf.Tensor, double_softmax: bool = False) -> tf.Tensor:
    """-sum_c t_c log y_c of the given label t and y = softmax(label_logits), [B, C] each -> [B] (Eq. 9).

    The released code takes the cross-entropy of y as if y were logits: `double_softmax`. That is at most
    log(1 + (C - 1) e), and its gradient vanishes where y is sure.
    """
    label_logits = tf.nn.softmax(label_logits) if double_softmax else label_logits
    return -tf.reduce_sum(targets * tf.nn.log_softmax(label_logits), axis=-1)


def entropy(logits: tf.Tensor) -> tf.Tensor:
    """-sum_c f_c log f_c / C of predictions f = softmax(z), [B, C] -> [B] (Eq. 10)."""
    log_f = tf.nn.log_softmax(logits)
    return -tf.reduce_mean(tf.exp(log_f) * log_f, axis=-1)


def constant_rate(rate: float) -> keras.optimizers.schedules.LearningRateSchedule:
    """A schedule that stays where it is."""
    return keras.optimizers.schedules.InverseTimeDecay(rate, 1, 0.0)


class Pencil(Supervised):
    """Trains in three stages: the network alone, network and labels, the network on the labels as they then are.

    1. Cross-entropy, at a rate that is large on purpose: the network does not memorise at it.
    2. `divergence` + alpha `compatibility` + beta `entropy`; the labels of the batch follow the same loss at a rate of
       their own, without momentum.
    3. `divergence` from the labels, which are constants now, at a rate that falls.

    `fit` takes `ieg_fsr.examples(x, y)`. 4 bytes per example and class, on the device.
    """

    declared_figures = pencil.FIGURES
    skipping_rules = ()

    def __init__(
        self,
        classifier: keras.Model,
        num_examples: int,
        *,
        alpha: float | None = None,
        beta: float = 0.1,
        label_rate: float = 600.0,
        double_softmax: bool = False,
        learning_rate: float = 0.06,
        tuning_rate: float = 0.2,
        backbone_share: float = 70 / 320,
        labels_share: float = 130 / 320,
        **supervised: Any,
    ) -> None:
        """Wraps a classifier, whose variables it shares.

        Args:
            classifier: built Functional or Sequential model that ends in Dense logits.
            num_examples: N, size of the training set.
            alpha: factor of the compatibility with the given label; None: 1 / (2 C). See `labels_can_change`.
            beta: factor of the entropy.
            label_rate: lambda, learning rate of the labels.
            double_softmax: see `compatibility`.
            learning_rate: of the first two stages; in the place of the optimizer's own.
            tuning_rate: of the third one; a tenth and a hundredth in its second and third third.
            backbone_share, labels_share: of the epochs, in the first and in the second stage; together at most 1.
            **supervised: see `Supervised`.

        Raises:
            UserError: an argument is out of range, or MixUp is on: a mixed sample has no label of its own.
        """
        super().__init__(classifier, **supervised)
        check_number("num_examples", num_examples, at_least(1), int)
        alpha = pencil.resolved_alpha(alpha, self.num_classes)
        pencil.PENCIL_ALPHA.check_argument(alpha)
        pencil.PENCIL_BETA.check_argument(beta)
        pencil.PENCIL_LABEL_RATE.check_argument(label_rate)
        pencil.PENCIL_LEARNING_RATE.check_argument(learning_rate)
        pencil.PENCIL_TUNING_RATE.check_argument(tuning_rate)
        pencil.PENCIL_BACKBONE_SHARE.check_argument(backbone_share)
        pencil.PENCIL_LABELS_SHARE.check_argument(labels_share)
        if backbone_share + labels_share > 1:
            raise UserError(f"labels_share must be at most {1 - backbone_share:g}. Received: {labels_share:g}")
        refuse_mixup("PENCIL", self.mixup_alpha)
        self.alpha, self.beta, self.label_rate, self.double_softmax = alpha, beta, label_rate, double_softmax
        self.learning_rate, self.tuning_rate = learning_rate, tuning_rate
        self.backbone_share, self.labels_share = backbone_share, labels_share
        nothing = tf.zeros([num_examples, self.num_classes])  # until the given labels are known
        self.label_logits = tf.Variable(nothing, trainable=False, name="label_logits")

    def stages(self, epochs: int) -> list[Stage]:
        """The three stages, the last in three parts. A schedule for each: the steps of stages are traced apart."""
        backbone = round(self.backbone_share * epochs)
        labels = round((self.backbone_share + self.labels_share) * epochs) - backbone
        tuning = epochs - backbone - labels
        ends = [-(-tuning * thirds // 3) for thirds in range(4)]
        parts = {"tuning": 1, "tuning at a tenth": 10, "tuning at a hundredth": 100}
        return [
            Stage(_BACKBONE, backbone, constant_rate(self.learning_rate)),
            Stage(_LABELS, labels, constant_rate(self.learning_rate)),
            *(
                Stage(name, ends[i + 1] - ends[i], constant_rate(self.tuning_rate / factor))
                for i, (name, factor) in enumerate(parts.items())
            ),
        ]

    def begin_training(self, epoch: int, first_step: int) -> None:
        """The table begins with the given labels; one without a label has none."""
        given, rows = self.seen_examples().given_labels, self.label_logits.shape[0]
        if len(given) != rows:
            raise UserError(f"num_examples must be that of the data, {len(given)}. Received: {rows}")
        if not np.any(self.label_logits.numpy()):
            self.label_logits.assign(_LABEL_SCALE * tf.one_hot(given, self.num_classes))
        super().begin_training(epoch, first_step)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of the present stage; both gradients are of the same loss."""
        batch = self.prepare(data)
        labels = tf.gather(self.label_logits, batch.example_ids)
        with tf.GradientTape() as tape, tf.GradientTape() as label_tape:
            label_tape.watch(labels)
            _, logits = self.forward(batch.images)
            loss = tf.reduce_mean(batch.factored(self.stage_losses(batch, labels, logits))) + self.regularization()
        self.update(tape, loss)
        if self.stage_name == _LABELS:
            self.move_labels(batch, labels, label_tape.gradient(loss, labels))
        return self.measure(batch, logits, loss)

    @in_scope("loss")
    def stage_losses(self, batch: Batch, labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Losses [B] of the present stage. Args: labels: their rows of the table, [B, C]. logits: [B, C]."""
        if self.stage_name == _BACKBONE:
            return self.sample_losses(batch, logits)
        losses = divergence(labels, logits)
        if self.stage_name == _LABELS:
            losses += self.alpha * compatibility(labels, batch.targets, self.double_softmax)
            losses += self.beta * entropy(logits)
        return losses

    @in_scope("tables")
    def move_labels(self, batch: Batch, labels: tf.Tensor, gradients: tf.Tensor) -> None:
        """A step of gradient descent on the rows [B, C] of the batch, and on no others."""
        update_rows(self.label_logits, batch.example_ids, labels - self.label_rate * gradients)

    def figures(self, right: np.ndarray | None = None) -> dict[str, float | None]:
        """Share of labels that are others than the given ones by now."""
        given = self.seen_examples().given_labels
        changed = self.label_logits.numpy().argmax(axis=1) != given
        return {"relabelled": float(np.mean(changed[labelled(given)]))}

    def label_report(self) -> LabelReport:
        """What became of each label, ordered by example id: suspect is one that training has changed.

        Suggestions, confidence and scores are the table's; an example without a given label has the classifier's.
        """
        examples = self.seen_examples()
        given = examples.given_labels
        of_classifier = predicted_probabilities(self.classifier, examples.source)
        probabilities = np.where(labelled(given)[:, None], probabilities_of(self.label_logits.numpy()), of_classifier)
        report = label_report(given, None, np.ones(len(given), np.float32), probabilities)
        changed = labelled(given) & (report.suggested_label != given)
        rate = float(np.mean(changed[labelled(given)]))
        return report._replace(suspect=changed.astype(np.int32), estimated_noise_rate=rate)

    def checkpoint_parts(self) -> dict[str, Any]:
        """With the table."""
        return super().checkpoint_parts() | {"label_logits": self.label_logits}
