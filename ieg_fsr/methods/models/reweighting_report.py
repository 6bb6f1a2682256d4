"""What FSR and its relatives let be seen of their tables: figures, pictures, gradients of layers, the label report."""

from typing import Any

import numpy as np
import tensorflow as tf

from ieg_fsr.figures import ExampleGrid
from ieg_fsr.methods import reweighting_figures
from ieg_fsr.methods.models.label_report import LabelReport, label_report, last_word
from ieg_fsr.methods.models.layer_gradients import layer_gradients
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.reweighting.dictionary import RewardDictionary
from ieg_fsr.reweighting.pushers import Pusher
from ieg_fsr.reweighting.strength import FixedStrength, SelfTuningStrength
from ieg_fsr.reweighting.trusted_examples import TrustedExamples
from ieg_fsr.reweighting.weight_mean import WeightMean
from ieg_fsr.unlabelled import labelled


class ReweightingReport(Supervised):
    """A method that keeps a weight for every example in tables that `FSR` makes and fills."""

    declared_figures = reweighting_figures.REWEIGHTING_FIGURES
    dictionary: RewardDictionary | None  # None with a hold-out, as the scores
    scores: Any
    pusher: Pusher
    last_weights: tf.Variable
    mean_weights: WeightMean
    zero_weight_batches: tf.Variable
    last_losses: tf.Variable | None
    strength: FixedStrength | SelfTuningStrength
    trusted: TrustedExamples

    def figures(self, right: np.ndarray | None = None) -> dict[str, float | None]:
        """Purity of the dictionary, weights, and where they are kept the losses around the lookahead."""
        values: dict[str, float | None] = {}
        if right is not None and self.dictionary is not None:
            values["dictionary_purity"] = float(np.mean(right[self.dictionary.members()]))
        values |= reweighting_figures.weight_figures(*self._of_labelled(self.last_weights.numpy(), right))
        values["zero_weight_batches"] = int(self.zero_weight_batches.numpy())
        values |= self.strength.figures()
        if right is not None and self.last_losses is not None:
            values |= reweighting_figures.loss_figures(self.last_losses.numpy(), right)
        return values

    def histograms(self, right: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Of the weights."""
        return reweighting_figures.weight_histograms(*self._of_labelled(self.last_weights.numpy(), right))

    def _of_labelled(self, values: np.ndarray, right: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        """Both columns [N] without the rows of unlabelled examples."""
        known = labelled(self.seen_examples().given_labels)
        return values[known], None if right is None else right[known]

    def example_grids(self) -> dict[str, ExampleGrid]:
        """Members of the dictionary, and the examples of the lowest scores."""
        grids = {}
        if self.dictionary is not None:
            members = self.dictionary.members()
            labels = self.seen_examples().given_labels[members]
            grids["dictionary/members"] = reweighting_figures.member_grid(members, labels, self.num_classes)
        if self.scores is not None:
            trust = self.pusher.trust(self.scores.read())
            known = np.flatnonzero(labelled(self.seen_examples().given_labels))
            grid = reweighting_figures.suspect_grid(trust[known])
            grids["suspects/worst"] = grid._replace(ids=known[grid.ids])
        return grids

    def layer_gradients(self, epoch: int) -> list[dict[str, Any]]:
        """Sizes of the gradients of each layer after an epoch; see the function of this name."""
        return layer_gradients(self, epoch)

    def label_report(self) -> LabelReport:
        """What training learned about each given label, ordered by example id; see `LabelReport`."""
        examples, scores = self.seen_examples(), self.scores and self.pusher.trust(self.scores.read())
        own = np.exp(scores) if scores is not None and self.pusher.is_log_probability else None
        word = last_word(self.classifier, examples)
        report = label_report(
            examples.given_labels, scores, self.mean_weights.read(), word, own,
            by_last_word=isinstance(self.strength, SelfTuningStrength),
        )  # fmt: skip
        report = report.trusting(self.trusted.ids)
        # Up to re-weighting it is plain training, which may have learned wrong labels, or nothing yet.
        return report if self.mean_weights.epochs > 0 else report._replace(estimated_noise_rate=None)
