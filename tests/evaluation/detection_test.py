"""Detection figures by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from ieg_fsr.evaluation.detection import average_precision, detection_figures


def test_by_hand():
    # Sorted by score: wrong, right, wrong, right -> precision 1/1 and 2/3 at the two wrong ones.
    figures = detection_figures(np.array([1, 0, 0, 1]), np.array([1, 1, 1, 0]), np.array([-5.0, 3.0, -1.0, 0.0]))
    assert figures == {
        "detection_precision": pytest.approx(1 / 3),
        "detection_recall": 0.5,
        "detection_f1": pytest.approx(2 / 5),
        "detection_average_precision": pytest.approx((1 + 2 / 3) / 2),
    }


def test_no_suspects_and_no_wrong_labels():
    none = np.zeros(3)
    figures = detection_figures(np.array([0, 1, 0]), none, np.arange(3.0))
    assert (figures["detection_precision"], figures["detection_recall"], figures["detection_f1"]) == (0, 0, 0)
    assert set(detection_figures(none, np.ones(3), np.arange(3.0)).values()) == {None}


@pytest.mark.parametrize("seed", range(5))
def test_as_scikit_learn_with_ties_and_infinities(seed):
    rng = np.random.default_rng(seed)
    wrong, scores = rng.random(200) < 0.3, rng.integers(0, 20, 200).astype(float)
    suspect = rng.random(200) < 0.4
    expected = metrics.average_precision_score(wrong, -scores)
    assert average_precision(wrong, scores) == pytest.approx(expected)
    lowest = np.where(scores == 0, -np.inf, scores)
    assert average_precision(wrong, lowest) == pytest.approx(expected)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(wrong, suspect, average="binary")
    figures = detection_figures(wrong, suspect, scores)
    assert list(figures.values())[:3] == pytest.approx([precision, recall, f1])
