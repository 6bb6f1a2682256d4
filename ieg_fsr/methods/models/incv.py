"""INCV: iterative noisy cross-validation, then Co-teaching (Chen et al., ICML 2019, Algorithms 1 and 2)."""

import functools
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.errors import UserError
from ieg_fsr.methods import incv
from ieg_fsr.methods.models import cross_selection as judging
from ieg_fsr.methods.models.coteaching import CoTeaching
from ieg_fsr.methods.models.epoch_rate import EpochRate, factor_of_epoch
from ieg_fsr.methods.models.label_report import LabelReport
from ieg_fsr.methods.models.stages import Stage, Visits
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.rules import above, at_least, check_number
from ieg_fsr.unlabelled import labelled

# What is known of an example, and which half of the candidates it is in: the first, the second, or of neither.
CANDIDATE, SELECTED, REMOVED = 0, 1, 2
_FIRST, _SECOND, _NEITHER = 0, 1, -1
_HALVES_STREAM, _CANDIDATES_STREAM = 8, 9  # of the seed
_COTEACHING = "co-teaching"
# The paper's rates: shares of a training's epochs up to which a factor holds.
_SELECTION_RATES = ((0.4, 1.0), (0.6, 0.5), (0.8, 0.25), (1.0, 0.1))
_COTEACHING_RATES = ((0.4, 1.0), (0.6, 0.1), (0.8, 0.01), (0.9, 0.001), (1.0, 0.0005))
_FORGET_WARMUP = 10 / 200  # share of Co-teaching's epochs over which what it leaves out rises from 0
_MUCH_NOISE = 0.6


class _Place(NamedTuple):
    """Where an epoch is: number of its stage, epochs done of that, and all that it takes."""

    number: int
    done: int
    epochs: int


class INCV(CoTeaching):
    """Selects the labels that networks agree with which were trained on others, and trains two networks on these.

    All examples are candidates at first. In each iteration the candidates are split at random into two halves, and a
    network, from its first parameters, is trained on the selected examples and on one half: of the other half it
    selects the labels that it predicts, and removes the least likely ones (`cross_selection.choice`). Then the same
    with the halves changed. The first training estimates the share of wrong labels, by an equation that is the paper's
    for a network which has memorised its labels (`cross_selection`). A training whose other half is empty is skipped:
    its epochs make a single step each, whose outcome is not used.

    After that Co-teaching trains two networks, from their first parameters, on the selected examples, and later beside
    them in each epoch on a random part of the candidates that are left, at most half as many as the selected. The
    number of samples that each network learns from stays the same as without them.

    In the first iterations (4 where few labels are wrong, 1 where many are) predictions are those of the epoch that
    agrees with most labels of the other half, afterwards those of the last one. What is kept of an epoch are its
    predictions, not its parameters.

    `fit` takes `ieg_fsr.examples(x, y)`. 16 bytes per example, on the device.
    """

    declared_figures = incv.FIGURES

    def __init__(
        self,
        classifier: keras.Model,
        second_classifier: keras.Model,
        num_examples: int,
        *,
        iterations: int = 4,
        selection_share: float = 400 / 600,
        most_removed: float = 2.0,
        pairs: bool = False,
        learning_rate: float = 0.1,
        **supervised: Any,
    ) -> None:
        """Wraps two classifiers, whose variables it shares.

        Args:
            classifier, second_classifier: for the same data, each with initial parameters of its own.
            num_examples: N, size of the training set.
            iterations: of selection, two trainings each.
            selection_share: of the epochs, for these trainings.
            most_removed: how many labels are removed for one that is selected, at most; 0 removes none.
            pairs: whether the wrong labels of a class are all of one other class; then none is removed.
            learning_rate: that each training begins with, in the place of the optimizer's own.
            **supervised: see `Supervised`.

        Raises:
            UserError: an argument is out of range, the classifiers share a variable, or MixUp is on.
        """
        super().__init__(classifier, second_classifier, forget_rate=0.0, **supervised)
        check_number("num_examples", num_examples, at_least(1), int)
        check_number("learning_rate", learning_rate, above(0))
        incv.INCV_ITERATIONS.check_argument(iterations)
        incv.INCV_SELECTION_SHARE.check_argument(selection_share)
        incv.INCV_MOST_REMOVED.check_argument(most_removed)
        self.iterations, self.selection_share = iterations, selection_share
        self.most_removed, self.learning_rate = 0.0 if pairs else most_removed, learning_rate
        self.pairs, self.confused_classes = pairs, 2 if pairs else self.num_classes
        self.selection = tf.Variable(tf.zeros([num_examples], tf.int32), trainable=False, name="selection")
        self.half = tf.Variable(tf.fill([num_examples], _NEITHER), trainable=False, name="half")
        # Of the network that did not see the example: its prediction, and its cross-entropy of the given label.
        self.predicted = tf.Variable(tf.zeros([num_examples], tf.int32), trainable=False, name="predicted")
        self.losses_unseen = tf.Variable(tf.zeros([num_examples]), trainable=False, name="losses_unseen")
        # With how many labels of the other half the best epoch of a training agreed; -1 before the first.
        self.best = tf.Variable(-1, trainable=False, dtype=tf.int32, name="best")
        self.noise_rate = tf.Variable(-1.0, trainable=False, name="noise_rate")  # below 0: not known
        self.rate = tf.Variable(learning_rate, trainable=False, dtype=tf.float32, name="rate")
        # Two, so that the steps of the two kinds of training are traced apart.
        self._selection_rate, self._coteaching_rate = EpochRate(self.rate), EpochRate(self.rate)
        self._log_probabilities = tf.function(
            lambda inputs: tf.nn.log_softmax(tf.cast(self.classifier(inputs, training=False), tf.float32)),
            reduce_retracing=True,
        )

    def stages(self, epochs: int) -> list[Stage]:
        """The trainings that select, two an iteration, and Co-teaching."""
        trainings = 2 * self.iterations
        each = incv.epochs_of_a_training(epochs, self.iterations, self.selection_share)
        selection = [
            Stage(
                f"selection {number // 2 + 1}{'ab'[number % 2]}",
                each,
                self._selection_rate,
                visits=INCV.selection_visits,
                fresh=True,
                begin=functools.partial(INCV.begin_selection, number=number),
            )
            for number in range(trainings)
        ]
        rest = epochs - trainings * each
        return [*selection, Stage(_COTEACHING, rest, self._coteaching_rate, INCV.coteaching_visits, fresh=True)]

    def begin_training(self, epoch: int, first_step: int) -> None:
        """Nothing, where the data are those of the tables."""
        given = self.seen_examples().given_labels
        if len(given) != (rows := self.selection.shape[0]):
            raise UserError(f"num_examples must be that of the data, {len(given)}. Received: {rows}")
        super().begin_training(epoch, first_step)

    def begin_selection(self, number: int) -> None:
        """Before a training that selects; before the first of an iteration, halves the candidates at random."""
        self.best.assign(-1)
        if number % 2 == 0:
            candidates = np.random.default_rng([self.seed, _HALVES_STREAM, number]).permutation(self.candidates())
            half = np.full(self.half.shape, _NEITHER, np.int32)
            half[candidates[: len(candidates) // 2]] = _FIRST
            half[candidates[len(candidates) // 2 :]] = _SECOND
            self.half.assign(half)

    def selection_visits(self, epoch: int) -> Visits:
        """The selected examples and one half of the candidates; of a training that is skipped, a batch of any."""
        learned, others = self.parted(self.place(epoch).number)
        if not len(learned) or not len(others):
            examples = self.seen_examples()
            return Visits(np.flatnonzero(labelled(examples.given_labels))[: examples.batch_size])
        return Visits(learned)

    def coteaching_visits(self, epoch: int) -> Visits:
        """The selected examples, later with some candidates; all examples where none is selected."""
        selected = np.flatnonzero(self.selection.numpy() == SELECTED)
        if not len(selected):
            return Visits(np.flatnonzero(labelled(self.seen_examples().given_labels)))
        place, late = self.place(epoch), self.pairs or float(self.noise_rate.numpy()) > _MUCH_NOISE
        if place.done <= (0.4 if late else 0.2) * place.epochs:
            return Visits(selected)
        candidates = np.random.default_rng([self.seed, _CANDIDATES_STREAM, epoch]).permutation(self.candidates())
        return Visits(np.concatenate([selected, candidates[: len(selected) // 2]]))

    def set_epoch(self, epoch: int) -> None:
        """The rate; in Co-teaching the share that is kept, of which the candidates take away their part."""
        place = self.place(epoch)
        selecting = place.number < 2 * self.iterations
        factors = _SELECTION_RATES if selecting else _COTEACHING_RATES
        self.rate.assign(self.learning_rate * factor_of_epoch(factors, place.done, place.epochs))
        if selecting or self.course.visits is None:
            return
        known = max(float(self.noise_rate.numpy()), 0.0)
        self.forget_rate = judging.noise_rate_of_selected(known, self.confused_classes)
        self.warmup_epochs = round(_FORGET_WARMUP * place.epochs)
        super().set_epoch(place.done)
        selected = np.mean(self.selection.numpy()[self.course.visits[1].ids] == SELECTED)
        self.kept_share.assign(self.kept_share * np.float32(selected or 1.0))

    def train_step(self, data: Any) -> dict[str, Any]:
        """A step of Co-teaching, or of the one network that selects."""
        return super().train_step(data) if self.stage_name == _COTEACHING else Supervised.train_step(self, data)

    def end_epoch(self, epoch: int) -> None:
        """Looks at the half that was not trained on, and after the last epoch of a training selects from it."""
        super().end_epoch(epoch)
        place = self.place(epoch)
        if place.number == 2 * self.iterations or not all(map(len, parted := self.parted(place.number))):
            return
        last, takes_best = place.done + 1 == place.epochs, place.number // 2 < self.iterations_of_best_epochs()
        if (last or takes_best) and self.look(parted[1], takes_best) and place.number == 0:
            self.estimate_noise_rate(*parted)
        if last:
            self.select(parted[1])

    def look(self, ids: np.ndarray, takes_best: bool) -> bool:
        """Keeps the predictions for examples, ids [M]; returns whether it did.

        Args: takes_best: whether only where they agree with more labels than those of the epochs before.
        """
        found, given = self.log_probabilities(ids), self.seen_examples().given_labels[ids]
        agreeing = int(np.sum(found.argmax(axis=1) == given))
        if takes_best and agreeing <= int(self.best.numpy()):
            return False
        self.best.assign(agreeing)
        for table, values in ((self.predicted, found.argmax(axis=1)), (self.losses_unseen, -_of(found, given))):
            rows = table.numpy()
            rows[ids] = values
            table.assign(rows)
        return True

    def log_probabilities(self, ids: np.ndarray) -> np.ndarray:
        """What the first network says of examples, ids [M], on their plain inputs, in test mode: [M, C]."""
        examples = self.seen_examples()
        parts = np.array_split(ids, -(-len(ids) // examples.batch_size))
        return np.concatenate([self._log_probabilities(tf.constant(examples.source.images(ids))) for ids in parts])

    def estimate_noise_rate(self, learned: np.ndarray, others: np.ndarray) -> None:
        """Args: learned: ids that the network was trained on, at least one. others: ids of others, the same."""
        given = self.seen_examples().given_labels
        agreement = [judging.agreement_of_sure(self.log_probabilities(ids), given[ids]) for ids in (others, learned)]
        self.noise_rate.assign(judging.estimated_noise_rate(agreement[0], self.confused_classes, agreement[1]))

    def select(self, ids: np.ndarray) -> None:
        """Selects and removes, of examples, ids [M], by the predictions that were kept."""
        agrees = self.predicted.numpy()[ids] == self.seen_examples().given_labels[ids]
        losses, rate = self.losses_unseen.numpy()[ids], float(self.noise_rate.numpy())
        chosen = judging.choice(agrees, losses, rate, self.most_removed)
        selection = self.selection.numpy()
        selection[ids[chosen.selected]], selection[ids[chosen.removed]] = SELECTED, REMOVED
        self.selection.assign(selection)

    def candidates(self) -> np.ndarray:
        """Ids of the examples that are neither selected nor removed, of those with a label."""
        return np.flatnonzero((self.selection.numpy() == CANDIDATE) & labelled(self.seen_examples().given_labels))

    def parted(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids that a training learns, and those that it judges: what it selects is still of its half."""
        half, learns = self.half.numpy(), _FIRST if number % 2 == 0 else _SECOND
        selected = (half == _NEITHER) & (self.selection.numpy() == SELECTED)
        return np.flatnonzero((half == learns) | selected), np.flatnonzero(half == 1 - learns)

    def iterations_of_best_epochs(self) -> int:
        """How many iterations take the best epoch of a training, and not its last one."""
        noise_rate = float(self.noise_rate.numpy())
        if self.pairs or noise_rate > _MUCH_NOISE:
            return 1
        return 2 if noise_rate > 0.3 else 4

    def place(self, epoch: int) -> _Place:
        """Where an epoch, counted over all stages, is."""
        plan = self.course.plan
        number = plan.stage_at(epoch)
        return _Place(number, epoch - sum(one.epochs for one in plan.stages[:number]), plan.stages[number].epochs)

    def figures(self, right: np.ndarray | None = None) -> dict[str, float | None]:
        """Share of the labels that is selected, of right ones among these, and what is taken for that of wrong ones."""
        selected = self.selection.numpy() == SELECTED
        known = labelled(self.seen_examples().given_labels)
        found = None if right is None or not selected.any() else float(np.mean(right[selected]))
        rate = float(self.noise_rate.numpy())
        return {
            "selected": float(np.mean(selected[known])),
            "selected_right": found,
            "selection_noise_rate": rate if rate >= 0 else None,
        }

    def label_report(self) -> LabelReport:
        """What became of each label, ordered by example id: the weight of one that was not selected is 0.

        Suspect is a label that the trained classifier contradicts, if it was not selected or is less likely than a
        guess. Without any selected label it is the report of plain training.
        """
        report, selection = super().label_report(), self.selection.numpy()
        if not selection.any():
            return report
        known, selected = labelled(report.given_label), selection == SELECTED
        contradicted = known & (report.suggested_label != report.given_label)
        suspect = contradicted & (~selected | (report.suspect == 1))
        return report._replace(
            weight=selected.astype(np.float32),
            suspect=suspect.astype(np.int32),
            estimated_noise_rate=float(np.mean(suspect[known])),
        )

    def checkpoint_parts(self) -> dict[str, Any]:
        """With what is known of each example, and of the labels; rate and kept share follow from these."""
        tables = [self.selection, self.half, self.predicted, self.losses_unseen, self.best, self.noise_rate]
        return super().checkpoint_parts() | {"selection": tables}


def _of(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Of rows [M, C] the columns of labels [M]."""
    return values[np.arange(len(labels)), labels]
