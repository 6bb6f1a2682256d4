"""Tests of the accuracy figures against scikit-learn and counts made by hand."""

import numpy as np
import pytest
import sklearn.metrics

from ieg_fsr.evaluation.metrics import (
    accuracies,
    accuracies_by_size,
    class_accuracies,
    mean_class_accuracy,
    top_k_accuracy,
)

# five examples of class 0, two of class 1, none of class 2
LABELS = np.array([0, 0, 0, 0, 1, 1, 0])
PREDICTIONS = np.array([0, 2, 0, 1, 1, 0, 0])


def random_case(examples=200, classes=12):
    rng = np.random.default_rng(0)
    return rng.normal(size=(examples, classes)).astype(np.float32), rng.integers(0, classes, examples)


@pytest.mark.parametrize("k", [1, 2, 5, 11])
def test_top_k_agrees_with_sklearn(k):
    logits, labels = random_case()
    expected = sklearn.metrics.top_k_accuracy_score(labels, logits, k=k, labels=np.arange(12))
    assert top_k_accuracy(logits, labels, k) == pytest.approx(expected)


def test_top_k_by_hand():
    logits = [[3, 2, 1], [3, 2, 1], [3, 2, 1], [1, 2, 3]]
    labels = [0, 1, 2, 2]
    assert [top_k_accuracy(np.array(logits), np.array(labels), k) for k in (1, 2, 3)] == [0.5, 0.75, 1.0]


@pytest.mark.parametrize("k", [12, 13, 1000])
def test_k_of_all_classes_and_more_is_one(k):
    assert top_k_accuracy(*random_case(), k) == 1.0


def test_ties_go_to_the_lower_class():
    """A constant classifier predicts class 0, as argmax does, and ranks the others in order."""
    logits, labels = np.zeros((4, 4)), np.arange(4)
    assert [top_k_accuracy(logits, labels, k) for k in (1, 2, 3, 4)] == [0.25, 0.5, 0.75, 1.0]
    coarse = np.random.default_rng(1).integers(0, 3, (100, 5))
    labels = np.random.default_rng(2).integers(0, 5, 100)
    assert top_k_accuracy(coarse, labels, 1) == np.mean(coarse.argmax(axis=1) == labels)


def test_nan_is_never_right():
    assert top_k_accuracy(np.full((5, 3), np.nan), np.array([0, 1, 2, 0, 1]), 1) == 0
    assert top_k_accuracy(np.full((5, 3), np.nan), np.array([0, 1, 2, 0, 1]), 5) == 0


def test_half_precision_logits():
    logits, labels = random_case()
    half = logits.astype(np.float16)
    assert top_k_accuracy(half, labels, 1) == np.mean(half.argmax(axis=1) == labels)


@pytest.mark.parametrize(
    ("logits", "labels", "k"),
    [
        (np.zeros((2, 3)), [0, 1], 0),
        (np.zeros((2, 3)), [0, 3], 1),
        (np.zeros((2, 3)), [0, -1], 1),
        (np.zeros((2, 3)), [0], 1),
        (np.zeros((0, 3)), [], 1),
        (np.zeros(3), [0, 1, 2], 1),
        (np.zeros((2, 3)), [[0], [1]], 1),
    ],
)
def test_wrong_input_to_top_k(logits, labels, k):
    with pytest.raises(ValueError, match=r"Received: "):
        top_k_accuracy(logits, np.array(labels), k)


def test_class_accuracies_by_hand():
    result = class_accuracies(PREDICTIONS, LABELS, 3)
    np.testing.assert_array_equal(result, [3 / 5, 1 / 2, np.nan])
    assert result.dtype == np.float64


def test_classes_of_small_integers():
    last = np.full(3, 199, np.uint8)
    assert class_accuracies(last, last, 200)[199] == 1
    assert np.isnan(class_accuracies(last, last, 200)[:199]).all()


def test_mean_over_the_classes_that_have_images():
    assert mean_class_accuracy(class_accuracies(PREDICTIONS, LABELS, 3)) == pytest.approx((3 / 5 + 1 / 2) / 2)
    logits, labels = random_case()
    predictions = logits.argmax(axis=1)
    expected = np.mean([np.mean(predictions[labels == label] == label) for label in range(12)])
    assert mean_class_accuracy(class_accuracies(predictions, labels, 12)) == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_the_three_accuracies_agree_with_sklearn():
    logits, labels = random_case()
    labels[labels == 3] = 4  # A class without examples does not count.
    expected = {
        "test_accuracy": sklearn.metrics.accuracy_score(labels, logits.argmax(axis=1)),
        "test_top5": sklearn.metrics.top_k_accuracy_score(labels, logits, k=5, labels=np.arange(12)),
        "test_mean_class_accuracy": sklearn.metrics.balanced_accuracy_score(labels, logits.argmax(axis=1)),
    }
    assert accuracies(logits, labels) == pytest.approx(expected)
    assert expected["test_accuracy"] != pytest.approx(expected["test_mean_class_accuracy"])


def test_accuracies_by_the_size_of_classes_in_training():
    """More than 100 examples are many, fewer than 20 few; a class that is not tested counts nowhere."""
    of_classes = np.array([0.9, 0.7, 0.5, 0.3, 0.1, np.nan])
    found = accuracies_by_size(of_classes, np.array([500, 101, 100, 20, 19, 3]))
    expected = {"test_accuracy_many": 0.8, "test_accuracy_medium": 0.4, "test_accuracy_few": 0.1}
    assert found == pytest.approx(expected)
    assert accuracies_by_size(of_classes, np.full(6, 140)) == {}
