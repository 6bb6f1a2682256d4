"""What FSR and its relatives let be seen of their tables: figures, pictures, gradients of layers, the label report."""

from typing import Any

import numpy as np
import tensorflow as tf

from ieg_fsr.figures import ExampleGrid
from ieg_fsr.methods.models.label_report import LabelReport, trained_label_report
from ieg_fsr.methods.models.layer_gradients import layer_gradients
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.methods.reweighting_figures import (
    REWEIGHTING_FIGURES,
    dictionary_purity,
    loss_figures,
    member_grid,
    suspect_grid,
    weight_figures,
    weight_histograms,
)
from ieg_fsr.reweighting.dictionary import RewardDictionary
from ieg_fsr.reweighting.pushers import Pusher
from ieg_fsr.reweighting.weight_mean import WeightMean


class ReweightingReport(Supervised):
    """A method that keeps a weight for every example in tables that `FSR` makes and fills."""

    declared_figures = REWEIGHTING_FIGURES
    dictionary: RewardDictionary | None  # None with a hold-out, as the scores
    scores: Any
    pusher: Pusher
    last_weights: tf.Variable
    mean_weights: WeightMean
    zero_weight_batches: tf.Variable
    last_losses: tf.Variable | None

    def figures(self, right: np.ndarray | None = None) -> dict[str, float | None]:
        """Purity of the dictionary, weights, and where they are kept the losses around the lookahead."""
        values: dict[str, float | None] = {}
        if right is not None and self.dictionary is not None:
            values |= dictionary_purity(self.dictionary.members(), right)
        values |= weight_figures(self.last_weights.numpy(), right)
        values["zero_weight_batches"] = int(self.zero_weight_batches.numpy())
        if right is not None and self.last_losses is not None:
            values |= loss_figures(self.last_losses.numpy(), right)
        return values

    def histograms(self, right: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Of the weights."""
        return weight_histograms(self.last_weights.numpy(), right)

    def example_grids(self) -> dict[str, ExampleGrid]:
        """Members of the dictionary, and the examples of the lowest scores."""
        grids = {}
        if self.dictionary is not None:
            members = self.dictionary.members()
            labels = self.seen_examples().given_labels[members]
            grids["dictionary/members"] = member_grid(members, labels, self.num_classes)
        if self.scores is not None:
            grids["suspects/worst"] = suspect_grid(self.pusher.trust(self.scores.read()))
        return grids

    def layer_gradients(self, epoch: int) -> list[dict[str, Any]]:
        """Sizes of the gradients of each layer after an epoch; see the function of this name."""
        return layer_gradients(self, epoch)

    def label_report(self) -> LabelReport:
        """What training learned about each given label, ordered by example id; see `LabelReport`."""
        scores, log = self.scores and self.pusher.trust(self.scores.read()), self.pusher.is_log_probability
        return trained_label_report(self.classifier, self.seen_examples(), scores, log, self.mean_weights.read())
