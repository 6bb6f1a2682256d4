"""Detection figures by hand and by their definition."""

import numpy as np
import pytest

from ieg_fsr.evaluation.detection import detection_figures


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
    assert set(detection_figures(None, np.ones(3), np.arange(3.0)).values()) == {None}


def average_precision(wrong, scores):
    """Mean, over the wrong labels, of the share of wrong ones among all of a score as low."""
    return np.mean([wrong[scores <= score].mean() for score in scores[wrong]])


@pytest.mark.parametrize("seed", range(5))
def test_by_definition_with_ties_and_infinities(seed):
    rng = np.random.default_rng(seed)
    wrong, scores = rng.random(200) < 0.3, rng.integers(0, 20, 200).astype(float)
    suspect = rng.random(200) < 0.4
    scores[scores == 0] = -np.inf
    hits = np.sum(wrong & suspect)
    precision, recall = hits / suspect.sum(), hits / wrong.sum()
    expected = [precision, recall, 2 / (1 / precision + 1 / recall), average_precision(wrong, scores)]
    assert list(detection_figures(wrong, suspect, scores).values()) == pytest.approx(expected)


def test_figures_go_into_json():
    figures = detection_figures(np.array([1, 0, 1]), np.array([1, 1, 0]), np.arange(3, dtype=np.float32))
    assert {type(value) for value in figures.values()} == {float}
