"""The label report of four examples, by hand."""

import keras
import numpy as np

from ieg_fsr.data.pipeline import examples
from ieg_fsr.methods.label_report import label_report, own_log_probabilities, predicted_probabilities


def test_report_by_hand():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.5, 0.25, 0.25]])
    report = label_report(
        np.array([0, 2, 2, 1]), np.array([3.0, 1.0, 2.0, 0.0]), np.array([1, 0, 2, 0.5]), probabilities
    )
    np.testing.assert_array_equal(report.example_id, [0, 1, 2, 3])
    np.testing.assert_array_equal(report.pseudo_label, [0, 1, 2, 0])
    np.testing.assert_array_equal(report.confidence, [0.7, 0.8, 0.4, 0.5])
    np.testing.assert_array_equal(report.suspect, [0, 1, 0, 1])
    np.testing.assert_array_equal(report.score, [3, 1, 2, 0])


def test_own_log_probability_by_hand():
    probabilities = np.array([[0.25, 0.75], [1.0, 0.0]], np.float32)
    scores = own_log_probabilities(probabilities, np.array([1, 1]))
    assert scores[0] == np.log(np.float32(0.75))
    assert np.isfinite(scores[1])
    assert scores[1] < -80


def test_predictions_are_those_of_inference_in_the_order_of_the_examples():
    keras.utils.set_random_seed(0)
    classifier = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization(), keras.layers.Dense(4)])
    x = np.random.default_rng(0).normal(size=(501, 3)).astype(np.float32)
    probabilities = predicted_probabilities(classifier, examples(x, np.zeros(501)).source)
    logits = classifier(x, training=False).numpy()
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-5)
