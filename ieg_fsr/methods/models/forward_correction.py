"""Forward correction: training through a noise transition matrix, given or estimated on the way (Patrini et al., Making
Deep Neural Networks Robust to Label Noise: a Loss Correction Approach, CVPR 2017)."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.methods.forward_correction import CORRECTION_WARMUP_EPOCHS
from ieg_fsr.methods.models.stages import Stage
from ieg_fsr.methods.models.supervised import Batch, Supervised
from ieg_fsr.unlabelled import class_counts, labelled

# Share of a class's examples that may be outliers. With ten even classes this is the paper's 97th percentile; counted
# by class it also fits rare classes, and hundreds of them (where the paper takes the maximum).
_OUTLIER_SHARE = 0.3
_SMALLEST_PROBABILITY = 1e-30
_PREDICTED_AT_ONCE = 1000


def forward_corrected_cross_entropy(
    targets: tf.Tensor, logits: tf.Tensor, transition_matrix: tf.Tensor | np.ndarray
) -> tf.Tensor:
    """-log (p T)_y: the probabilities p = softmax(z) of true labels, sent through the noise, explain the given label.

    Its minimiser over given labels is that of cross-entropy over true labels (Theorem 2).

    Args: targets, logits: [B, C]. transition_matrix: T, [C, C], T_ij = P(given j | true i). Returns: [B].
    """
    given = tf.linalg.matmul(tf.nn.softmax(logits), transition_matrix)
    return -tf.reduce_sum(targets * tf.math.log(tf.maximum(given, _SMALLEST_PROBABILITY)), axis=-1)


def estimate_transition_matrix(probabilities: np.ndarray, class_counts: np.ndarray) -> np.ndarray:
    """Row i is what a network trained on the given labels says of an example that is surely of class i (Theorem 3).

    That example is the one with the largest probability of i, apart from outliers: the largest 0.3 n_i are skipped.

    Args: probabilities: [N, C], of given labels. class_counts: [C], examples with each. Returns: [C, C], rows sum to 1.
    """
    skipped = np.floor(_OUTLIER_SHARE * np.asarray(class_counts)).astype(np.int64)
    by_class = np.argsort(-probabilities, axis=0, kind="stable")
    anchors = by_class[skipped, np.arange(probabilities.shape[1])]
    return probabilities[anchors]


class ForwardCorrection(Supervised):
    """Cross-entropy of probabilities that are sent through P(given | true).

    Without a matrix the first epochs are plain training; then it is estimated from what the network says of the
    training set, and training goes on with it. (The paper trains a second network from the start; one run that goes on
    costs half of that.)
    """

    skipping_rules = ()

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
        counts = class_counts(examples.given_labels, self.num_classes)
        ids = np.flatnonzero(labelled(examples.given_labels))
        # As the examples are, without augmentation.
        parts = [
            tf.nn.softmax(self(tf.cast(examples.source.images(some), tf.float32))).numpy()
            for some in np.array_split(ids, -(-len(ids) // _PREDICTED_AT_ONCE))
        ]
        self.transition_matrix.assign(estimate_transition_matrix(np.concatenate(parts), counts))

    def checkpoint_parts(self) -> dict[str, Any]:
        """With the matrix."""
        return super().checkpoint_parts() | {"transition_matrix": self.transition_matrix}
