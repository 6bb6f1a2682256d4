"""Supervised training through a noise transition matrix, given or estimated on the way (Patrini et al., CVPR 2017)."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.methods.forward_correction import CORRECTION_WARMUP_EPOCHS
from ieg_fsr.methods.losses.forward_correction import estimate_transition_matrix, forward_corrected_cross_entropy
from ieg_fsr.methods.models.stages import Stage
from ieg_fsr.methods.models.supervised import Batch, Supervised

_PREDICTED_AT_ONCE = 1000


class ForwardCorrection(Supervised):
    """Cross-entropy of probabilities that are sent through P(given | true).

    Without a matrix the first epochs are plain training; then it is estimated from what the network says of the
    training set, and training goes on with it. (The paper trains a second network from the start; one run that goes on
    costs half of that.)
    """

    def __init__(
        self,
        classifier: keras.Model,
        transition_matrix: np.ndarray | None = None,
        *,
        correction_warmup_epochs: int = 10,
        **supervised: Any,
    ) -> None:
        """Wraps a classifier, whose variables it shares.

        Args:
            classifier: built Functional or Sequential model that ends in Dense logits.
            transition_matrix: T_ij = P(given j | true i), [C, C]; None estimates it.
            correction_warmup_epochs: epochs of plain training before the estimate.
            **supervised: see `Supervised`.
        """
        super().__init__(classifier, **supervised)
        CORRECTION_WARMUP_EPOCHS.check_argument(correction_warmup_epochs)
        self.estimate_after = correction_warmup_epochs if transition_matrix is None else None
        # The identity makes the loss plain cross-entropy.
        matrix = np.eye(self.num_classes) if transition_matrix is None else transition_matrix
        self.transition_matrix = tf.Variable(matrix, trainable=False, dtype=tf.float32, name="transition_matrix")

    def sample_losses(self, batch: Batch, logits: tf.Tensor) -> tf.Tensor:
        """Corrected cross-entropy [B]."""
        return forward_corrected_cross_entropy(batch.targets, logits, self.transition_matrix)

    def stages(self, epochs: int) -> list[Stage]:
        """Plain training, then training with the estimate; with a given matrix one stage."""
        if self.estimate_after is None:
            return super().stages(epochs)
        plain = min(self.estimate_after, epochs)
        return [Stage("plain", plain), Stage("corrected", epochs - plain, begin=ForwardCorrection.estimate)]

    def estimate(self) -> None:
        """Estimates the matrix from what the network says of the training set now."""
        examples = self.seen_examples()
        counts = np.bincount(examples.given_labels, minlength=self.num_classes)
        self.transition_matrix.assign(estimate_transition_matrix(self._probabilities(examples), counts))

    def checkpoint_parts(self) -> dict[str, Any]:
        """With the matrix."""
        return super().checkpoint_parts() | {"transition_matrix": self.transition_matrix}

    def _probabilities(self, examples: Examples) -> np.ndarray:
        """What the classifier says of every training example, as it is without augmentation, [N, C]."""
        ids = np.arange(len(examples.source))
        parts = [
            tf.nn.softmax(self(tf.cast(examples.source.images(some), tf.float32))).numpy()
            for some in np.array_split(ids, -(-len(ids) // _PREDICTED_AT_ONCE))
        ]
        return np.concatenate(parts)
