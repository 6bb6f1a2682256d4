"""Forward correction and the estimate of its matrix (Patrini et al., Making Deep Neural Networks Robust to Label Noise:
a Loss Correction Approach, CVPR 2017)."""

import numpy as np
import tensorflow as tf

# Share of a class's examples that may be outliers. With ten even classes this is the paper's 97th percentile; counted
# by class it also fits rare classes, and hundreds of them (where the paper takes the maximum).
_OUTLIER_SHARE = 0.3
_SMALLEST_PROBABILITY = 1e-30


def forward_corrected_cross_entropy(
    targets: tf.Tensor, logits: tf.Tensor, transition_matrix: tf.Tensor | np.ndarray
) -> tf.Tensor:
    """-log (p T)_y: the probabilities p = softmax(z) of true labels, sent through the noise, explain the given label.

    Its minimiser over given labels is that of cross-entropy over true labels (Theorem 2).

    Args:
        targets: [B, C], from the given labels.
        logits: [B, C], of true labels.
        transition_matrix: T, [C, C], T_ij = P(given j | true i).

    Returns:
        [B].
    """
    given = tf.linalg.matmul(tf.nn.softmax(logits), transition_matrix)
    return -tf.reduce_sum(targets * tf.math.log(tf.maximum(given, _SMALLEST_PROBABILITY)), axis=-1)


def estimate_transition_matrix(probabilities: np.ndarray, class_counts: np.ndarray) -> np.ndarray:
    """Row i is what a network trained on the given labels says of an example that is surely of class i (Theorem 3).

    That example is the one with the largest probability of i, apart from outliers: the largest 0.3 n_i are skipped.

    Args:
        probabilities: [N, C], of given labels, rows sum to 1.
        class_counts: [C], examples with each given label.

    Returns:
        [C, C], rows sum to 1.
    """
    skipped = np.floor(_OUTLIER_SHARE * np.asarray(class_counts)).astype(np.int64)
    by_class = np.argsort(-probabilities, axis=0, kind="stable")
    anchors = by_class[skipped, np.arange(probabilities.shape[1])]
    return probabilities[anchors]
