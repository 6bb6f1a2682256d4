"""Dimensionality-driven learning (Ma et al., ICML 2018, Algorithm 1)."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.errors import UserError
from ieg_fsr.methods import d2l
from ieg_fsr.methods.models.batch import Batch
from ieg_fsr.methods.models.course import variables_of
from ieg_fsr.methods.models.fit_arguments import refuse_mixup
from ieg_fsr.methods.models.intrinsic_dimension import is_turning_point, local_intrinsic_dimensions
from ieg_fsr.methods.models.supervised import Supervised

_STREAM = 6  # of the seed, for the examples that are looked at


class D2L(Supervised):
    """Plain training until the dimension of the features rises, then targets with less and less of the label in them.

    While a network learns, the local intrinsic dimension (LID) of its features falls; when it begins to memorise wrong
    labels, it rises. Before each epoch LID is measured at 1,280 training examples, in test mode. At the first rise
    (`is_turning_point`) all that a checkpoint holds of the network and its training, parameters, batch-norm
    statistics, the optimizer's moments and the parameter average, goes back to what it was before the epoch before,
    once. The count of steps does not: the learning rate stays that of the epoch, and no random number recurs. From then
    on targets are alpha y + (1 - alpha) onehot(argmax f), alpha = exp(-t / T LID_t / min LID) in epoch t of T.

    `fit` takes `ieg_fsr.examples(x, y)`. The state before the present epoch is kept in the memory of the host.
    """

    declared_figures = d2l.FIGURES
    skipping_rules = ()

    def __init__(
        self,
        classifier: keras.Model,
        *,
        window: int = 5,
        start_share: float = 1 / 3,
        neighbours: int = 20,
        **supervised: Any,
    ) -> None:
        """Wraps a classifier, whose variables it shares.

        Args:
            classifier: built Functional or Sequential model that ends in Dense logits.
            window: w, epochs whose mean and deviation LID has to exceed.
            start_share: of the epochs, before the first of those w.
            neighbours: k, of each example, among 128.
            **supervised: see `Supervised`.

        Raises:
            UserError: an argument is out of range, or MixUp is on: of a mixed sample no class is the predicted one.
        """
        super().__init__(classifier, **supervised)
        d2l.D2L_WINDOW.check_argument(window)
        d2l.D2L_START_SHARE.check_argument(start_share)
        d2l.D2L_NEIGHBOURS.check_argument(neighbours)
        refuse_mixup("D2L", self.mixup_alpha)
        self.window, self.start_share, self.neighbours = window, start_share, neighbours
        self.label_share = tf.Variable(1.0, trainable=False, name="label_share")
        # The latest w + 1 dimensions, the last one last; the smallest of all; how many there are.
        self.dimensions = tf.Variable(tf.zeros([window + 1]), trainable=False, name="dimensions")
        self.smallest = tf.Variable(0.0, trainable=False, name="smallest_dimension")
        self.known = tf.Variable(0, trainable=False, dtype=tf.int32, name="known_dimensions")
        # Epochs, from 1: the latest that LID was measured before, and that of the turning point, 0 without one.
        self.measured = tf.Variable(0, trainable=False, dtype=tf.int32, name="measured_epoch")
        self.turned = tf.Variable(0, trainable=False, dtype=tf.int32, name="turning_epoch")
        self._kept: list[tf.Variable] = []
        self._features = tf.function(lambda inputs: self.shared_network(inputs, training=False), reduce_retracing=True)

    def sample_losses(self, batch: Batch, logits: tf.Tensor) -> tf.Tensor:
        """Losses [B] against targets that mix the given label and the class predicted now, without gradient."""
        predicted = tf.one_hot(tf.argmax(logits, axis=-1), self.num_classes)
        targets = self.label_share * batch.targets + (1.0 - self.label_share) * predicted
        return super().sample_losses(batch._replace(targets=targets), logits)

    def begin_training(self, epoch: int, first_step: int) -> None:
        """Nothing, where there are neighbours enough."""
        if self.training_examples is None:
            raise UserError("fit must be given ieg_fsr.examples(x, y), of which D2L looks at some. Received: none")
        if (examples := len(self.training_examples.source)) <= self.neighbours:
            raise UserError(f"neighbours must be at most {examples - 1}. Received: {self.neighbours}")
        super().begin_training(epoch, first_step)

    def set_epoch(self, epoch: int) -> None:
        """Measures, and goes back or keeps the state; in an epoch that goes on, this has been done."""
        if int(self.measured.numpy()) != epoch + 1:
            self.take_in(self.dimension(epoch))
            self.measured.assign(epoch + 1)
            if not int(self.turned.numpy()):
                if self.rises():
                    self.turned.assign(epoch + 1)
                    self.go_back()
                else:
                    self.keep()
        self.label_share.assign(self.trust(epoch))

    def dimension(self, epoch: int) -> float:
        """Mean LID of the features of random training examples before an epoch."""
        source = self.seen_examples().source
        size = min(d2l.BATCH, len(source))
        batches = min(d2l.MOST_EXAMPLES, len(source)) // size
        chosen = np.random.default_rng([self.seed, _STREAM, epoch]).permutation(len(source))[: batches * size]
        found = []
        for ids in chosen.reshape([batches, size]):
            features = self._features(tf.constant(source.images(ids)))
            found.append(local_intrinsic_dimensions(features.numpy(), self.neighbours))
        return float(np.mean(found))

    def take_in(self, dimension: float) -> None:
        """Adds a dimension to those before; in the place of one that is none, 0 or not finite, the last recurs."""
        known, before = int(self.known.numpy()), self.dimensions.numpy()
        if not 0 < dimension < np.inf:
            dimension = before[-1]
        if not dimension:
            return
        self.dimensions.assign(np.append(before[1:], np.float32(dimension)))
        self.smallest.assign(min(dimension, float(self.smallest.numpy())) if known else dimension)
        self.known.assign(known + 1)

    def rises(self) -> bool:
        """Whether there are dimensions enough, and the last one exceeds those before it."""
        start = round(self.start_share * self.course.plan.epochs)
        return int(self.known.numpy()) > start + self.window and is_turning_point(self.dimensions.numpy())

    def trust(self, epoch: int) -> float:
        """alpha, share of the given label in the targets: 1 before the turning point."""
        if not int(self.turned.numpy()):
            return 1.0
        ratio = float(self.dimensions.numpy()[-1]) / float(self.smallest.numpy())
        return float(np.exp(-epoch / self.course.plan.epochs * ratio))

    def keep(self) -> None:
        """Keeps the state as it is before an epoch."""
        for kept, variable in zip(self._kept, self._state(), strict=True):
            kept.assign(np.asarray(variable))

    def go_back(self) -> None:
        """To the state that was kept."""
        for kept, variable in zip(self._kept, self._state(), strict=True):
            variable.assign(kept.numpy())

    def create_variables(self) -> None:
        """With the place for the state."""
        super().create_variables()
        state = self._state()
        if [kept.shape for kept in self._kept] != [variable.shape for variable in state]:
            with tf.device("CPU:0"):
                self._kept = [tf.Variable(np.asarray(one), trainable=False, name="kept") for one in state]

    def _state(self) -> list[Any]:
        """What goes back: the parts with which a training begins, without the count of steps and the rate."""
        parts = [part for name, part in super().checkpoint_parts().items() if name.startswith(self.starts_anew)]
        inner: Any = getattr(self.optimizer, "inner_optimizer", self.optimizer)
        stays = {id(self.optimizer.iterations), id(inner.iterations), id(inner._learning_rate)}
        return [variable for part in parts for variable in variables_of(part) if id(variable) not in stays]

    def figures(self, right: np.ndarray | None = None) -> dict[str, float | None]:
        """The last dimension, alpha, and the epoch of the turning point."""
        return {
            "lid": float(self.dimensions.numpy()[-1]) if int(self.known.numpy()) else None,
            "label_share": float(self.label_share.numpy()),
            "turning_epoch": int(self.turned.numpy()) or None,
        }

    def checkpoint_parts(self) -> dict[str, Any]:
        """With the dimensions, what was done with them, and the state that was kept; alpha follows from these."""
        own = {"dimensions": [self.dimensions, self.smallest, self.known, self.measured, self.turned]}
        return super().checkpoint_parts() | own | {"previous_epoch": list(self._kept)}
