"""CRUST: coresets of the gradients (Mirzasoleiman, Cao & Leskovec, NeurIPS 2020, Algorithm 1)."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.errors import UserError
from ieg_fsr.methods import crust
from ieg_fsr.methods.models.facility_location import cluster_sizes, distances, lazy_greedy, numbers_within
from ieg_fsr.methods.models.fit_arguments import refuse_mixup
from ieg_fsr.methods.models.label_report import predicted_probabilities
from ieg_fsr.methods.models.stages import Stage, Visits
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.networks.inputs import takes_tokens
from ieg_fsr.unlabelled import labelled

# Points whose distances are in memory at a time: 100 MB of float32, and 200 MB of float64 while they are made.
_LARGEST_PART = 5000
_STREAM = 7  # of the seed, for the parts of a class


def loss_gradients(probabilities: np.ndarray, labels: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Gradients of each example's own cross-entropy by the input of the final layer: W (f - y), [N, D].

    Args: probabilities: f, [N, C]. labels: [N]. kernel: W, [D, C].
    """
    return (probabilities - np.eye(probabilities.shape[1])[labels]) @ kernel.T


class Crust(Supervised):
    """Trains each epoch on the examples of each given class whose gradients are most like those of the whole class.

    Right labels of a class have gradients that are alike, and wrong ones are scattered. Before each epoch, after a
    plain beginning, facility location over the distances of `loss_gradients` (plain images, test mode) chooses a share
    of each class. In the mean of a batch an example weighs as many of its class as have gradients within a radius of
    its own, which are many where the right labels are; or, as in the paper, as many as have it as their nearest chosen
    one. Each image is mixed with one of all examples of its given class, by one share a batch from Beta(1, 0.1).

    `fit` takes `ieg_fsr.examples(x, y)`. A class of more than 5,000 examples is chosen from in random parts of that
    size, so that at most 300 MB of the host's memory are taken.
    """

    declared_figures = crust.FIGURES
    skipping_rules = ()

    def __init__(
        self,
        classifier: keras.Model,
        *,
        share: float = 0.5,
        radius: float = 0.5,
        warmup_share: float = 5 / 120,
        mix_classes: bool = True,
        **supervised: Any,
    ) -> None:
        """Wraps a classifier, whose variables it shares.

        Args:
            classifier: built Functional or Sequential model that ends in Dense logits.
            share: of each given class that an epoch visits, in (0, 1]; at least one example.
            radius: r, in units of the mean norm of the final layer's columns; 0 for the paper's clusters.
            warmup_share: of the epochs, of plain training before the first choice.
            mix_classes: whether images are mixed within their classes.
            **supervised: see `Supervised`.

        Raises:
            UserError: an argument is out of range, MixUp is on, or inputs are to be mixed that cannot be.
        """
        super().__init__(classifier, **supervised)
        crust.CRUST_SHARE.check_argument(share)
        crust.CRUST_RADIUS.check_argument(radius)
        crust.CRUST_WARMUP_SHARE.check_argument(warmup_share)
        refuse_mixup("CRUST", self.mixup_alpha)
        if mix_classes and takes_tokens(classifier):
            raise UserError("mix_classes must be False for a classifier of token ids or texts. Received: True")
        self.share, self.radius = share, radius
        self.warmup_share, self.mix_classes = warmup_share, mix_classes

    def fit(self, x: Any = None, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """`keras.Model.fit`; see `Supervised`."""
        return super().fit(x.with_class_mates() if self.mix_classes and isinstance(x, Examples) else x, *args, **kwargs)

    def stages(self, epochs: int) -> list[Stage]:
        """All examples, then those that are chosen before each epoch."""
        plain = round(self.warmup_share * epochs)
        return [Stage("all", plain), Stage("coreset", epochs - plain, visits=Crust.coreset)]

    def coreset(self, epoch: int) -> Visits:
        """The examples of an epoch, and what each stands for."""
        examples = self.seen_examples()
        given = examples.given_labels
        probabilities = predicted_probabilities(self.classifier, examples.source)
        kernel = np.asarray(self.head.kernel, np.float64)
        kernel /= np.sqrt(np.mean(np.sum(kernel**2, axis=0)))  # the unit of the radius
        rng = np.random.default_rng([self.seed, _STREAM, epoch])
        ids, factors = [], []
        for label in np.unique(given[labelled(given)]):
            members = rng.permutation(np.flatnonzero(given == label))
            for part in np.array_split(members, -(-len(members) // _LARGEST_PART)):
                apart = distances(loss_gradients(probabilities[part], given[part], kernel))
                similarities = apart.max() - apart
                chosen = lazy_greedy(similarities, max(round(self.share * len(part)), 1))
                ids.append(part[chosen])
                within = self.radius and numbers_within(apart, chosen, self.radius)
                factors.append(within if self.radius else cluster_sizes(similarities, chosen))
        return Visits(np.concatenate(ids), np.concatenate(factors).astype(np.float32))

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of SGD on the mean of the losses, weighed by what each stands for."""
        batch = self.prepare(data)
        with tf.GradientTape() as tape:
            _, logits = self.forward(batch.images)
            losses = self.sample_losses(batch, logits)
            mean = tf.reduce_mean(losses)
            if batch.loss_factors is not None:
                mean = tf.reduce_sum(batch.factored(losses)) / tf.reduce_sum(batch.loss_factors)
            loss = mean + self.regularization()
        self.update(tape, loss)
        return self.measure(batch, logits, loss)

    def figures(self, right: np.ndarray | None = None) -> dict[str, float | None]:
        """The share of right labels in the weights of the latest coreset; None before the first."""
        if right is None or self.course.visits is None:
            return {"coreset_right": None}
        ids, factors = self.course.visits[1]
        return {"coreset_right": float(np.average(right[ids], weights=factors))}
