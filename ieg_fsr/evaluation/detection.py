"""How good a list of suspect labels is, where the true labels are known."""

import numpy as np

FIGURES = ("detection_precision", "detection_recall", "detection_f1", "detection_average_precision")


def detection_figures(wrong: np.ndarray | None, suspect: np.ndarray, scores: np.ndarray) -> dict[str, float | None]:
    """Measures suspects and their ranking against the truth.

    Args:
        wrong: [N], bool, given label is not the true label; None where nobody knows.
        suspect: [N], bool or 0/1.
        scores: [N], higher = label more likely right; -inf comes first.

    Returns:
        The values of `FIGURES`: share of the suspects that are wrong, share of the wrong labels that are suspects,
        harmonic mean of the two, average precision of the ranking by score, lowest first, where examples of one score
        are found together. None where no label is known to be wrong; precision and F1 are 0 where nothing is suspect.
    """
    from sklearn.metrics import average_precision_score, precision_recall_fscore_support

    wrong, suspect = np.asarray(False if wrong is None else wrong, bool), np.asarray(suspect, bool)
    if not wrong.any():
        return dict.fromkeys(FIGURES)
    *figures, _ = precision_recall_fscore_support(wrong, suspect, average="binary", zero_division=0)
    # By their ranks, as scores may be infinite.
    _, ranks = np.unique(scores, return_inverse=True)
    values = map(float, (*figures, average_precision_score(wrong, -ranks)))
    return dict(zip(FIGURES, values, strict=True))
