"""The label report of four examples, by hand."""

import csv
import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.data.pipeline.examples import examples
from ieg_fsr.errors import UserError
from ieg_fsr.evaluation.detection import detection_figures
from ieg_fsr.methods.models.fsr import FSR
from ieg_fsr.methods.models.label_report import (
    label_report,
    predicted_logits,
    predicted_probabilities,
    probabilities_of,
)


def test_report_by_hand():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.5, 0.25, 0.25]])
    report = label_report(
        np.array([0, 2, 2, 1]), np.array([3.0, 1.0, 2.0, 0.0]), np.array([1, 0, 2, 0.5]), probabilities
    )
    np.testing.assert_array_equal(report.example_id, [0, 1, 2, 3])
    np.testing.assert_array_equal(report.suggested_label, [0, 1, 2, 0])
    np.testing.assert_array_equal(report.confidence, [0.7, 0.8, 0.4, 0.5])
    # Of the two that are contradicted, 0.1 is below a third and so is 0.25; 0.4 would not be.
    np.testing.assert_array_equal(report.suspect, [0, 1, 0, 1])
    np.testing.assert_array_equal(report.score, [3, 1, 2, 0])


def test_the_last_word_is_enough_where_it_finds_another_label_so_many_times_as_probable():
    """Of ten classes 10^0.3 = 1.995 times; all through training these labels were likelier than a guess."""
    rest = np.full([4, 8], 0.0125)
    probabilities = np.hstack([[[0.5995, 0.3005], [0.6005, 0.2995], [0.7, 0.2], [0.2, 0.7]], rest])
    given, own = np.array([1, 1, 1, 1]), np.array([0.3, 0.3, 0.3, 0.3])
    of = lambda **how: label_report(given, np.zeros(4), np.ones(4), probabilities, own, **how).suspect.tolist()  # noqa: E731
    assert of(by_last_word=True) == [0, 1, 1, 0]
    assert of() == [0, 0, 0, 0]


def four():
    probabilities = np.array([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.5, 0.25, 0.25]])
    return label_report(np.array([1, 2, 2, 1]), np.array([-1.0, -3.0, 2.0, -2.0]), np.ones(4), probabilities)


def test_suspects_come_worst_first():
    suspects = four().suspects()
    assert suspects.example_id.tolist() == [1, 3, 0]
    assert suspects.score.tolist() == [-3, -2, -1]
    assert suspects.suggested_label.tolist() == [1, 0, 0]
    assert len(suspects.suspects().score) == 3


def test_trusted_examples_are_no_suspects():
    assert four().suspect.tolist() == [1, 1, 0, 1]
    assert four().trusting(np.array([0, 3])).suspect.tolist() == [0, 1, 0, 0]
    # By example id, whatever the order is.
    assert four().suspects().trusting(np.array([3])).suspect.tolist() == [1, 0, 1]


def test_a_frame_has_the_columns_of_the_table(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", types.SimpleNamespace(DataFrame=dict))
    frame = four().to_pandas()
    assert list(frame) == ["example_id", "given_label", "score", "weight", "pseudo_label", "confidence", "suspect"]
    assert frame["given_label"].tolist() == [1, 2, 2, 1]
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UserError, match=r"to_pandas must find pandas: pip install pandas\. Received: .*pandas"):
        four().to_pandas()


def test_what_is_forgotten_most_is_pushed_first_and_reported_as_the_dirtiest():
    """Visits: 0 right throughout, 1 falls once, 2 twice, 3 is never right, 4 is not visited; 2 and 3 are wrong."""
    classifier = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(2)])
    model = FSR(classifier, 5, 4, pusher="forgetting")
    model.training_examples = examples(np.zeros([5, 3], np.float32), np.zeros(5, np.int32), batch_size=5)
    for right in ([1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 0]):
        model.scores.update(tf.range(4), tf.constant(right, tf.float32))
    report = model.label_report()
    np.testing.assert_array_equal(report.score, [0, -1, -2, -4, -np.inf])
    wrong = np.array([False, False, True, True])
    assert detection_figures(wrong, wrong, report.score[:4])["detection_average_precision"] == 1.0
    model.renew_dictionary(0)
    np.testing.assert_array_equal(model.dictionary.members(), [3, 2])


def test_csv_has_a_line_for_each_example_and_columns_by_id(tmp_path):
    four().suspects().to_csv(tmp_path / "suspects.csv", file=["a.png", "b.png", "c.png", "d, e.png"])
    rows = list(csv.reader((tmp_path / "suspects.csv").open(newline="", encoding="utf-8")))
    names = ["example_id", "given_label", "score", "weight", "pseudo_label", "confidence", "suspect", "file"]
    assert rows[0] == names
    assert [(row[0], row[-1]) for row in rows[1:]] == [("1", "b.png"), ("3", "d, e.png"), ("0", "a.png")]
    assert float(rows[1][2]) == -3.0


def test_an_example_of_which_nothing_is_known_is_no_suspect():
    report = label_report(np.array([2]), np.array([-np.inf]), np.ones(1), np.full([1, 4], 0.25))
    assert (report.suggested_label.tolist(), report.suspect.tolist()) == ([2], [0])


def test_without_scores_the_classifier_is_the_witness():
    probabilities = np.array([[0.75, 0.25], [0.5, 0.5]])
    report = label_report(np.array([0, 1]), None, np.ones(2), probabilities)
    np.testing.assert_array_equal(report.score, np.log([0.75, 0.5]))


def test_a_suspect_is_contradicted_and_less_probable_than_a_guess():
    """Label 1 of three classes; the first two are contradicted, what training thought of them decides."""
    probabilities = np.array([[0.6, 0.4, 0.0], [0.6, 0.1, 0.3], [0.2, 0.8, 0.0]])
    given = np.ones(3, int)
    suspect = lambda own: label_report(given, None, np.ones(3), probabilities, own).suspect.tolist()  # noqa: E731
    assert suspect(None) == [0, 1, 0]
    assert suspect(np.array([0.33, 0.34, 0.1])) == [1, 0, 0]


def test_the_share_of_wrong_labels_is_that_of_suspects_the_classifier_too_finds_less_likely_than_a_guess():
    """Label 1 of three classes. Suspects by training are the first two; the classifier gives them .4 and .1."""
    probabilities = np.array([[0.6, 0.4, 0.0], [0.6, 0.1, 0.3], [0.2, 0.8, 0.0], [0.9, 0.1, 0.0]])
    own = np.array([0.1, 0.1, 0.1, 0.5])
    report = label_report(np.ones(4, int), np.log(own), np.ones(4), probabilities, own)
    assert report.suspect.tolist() == [1, 1, 0, 0]
    assert report.estimated_noise_rate == report.suspects().estimated_noise_rate == 0.25
    # A classifier alone, which may have memorised wrong labels, gives none.
    assert label_report(np.ones(4, int), None, np.ones(4), probabilities).estimated_noise_rate is None


def test_probabilities_by_hand_and_of_huge_logits():
    np.testing.assert_allclose(probabilities_of(np.array([[0.0, np.log(3.0)], [1e4, -1e4]])), [[0.25, 0.75], [1, 0]])


def test_own_log_probability_by_hand():
    probabilities = np.array([[0.25, 0.75], [1.0, 0.0]], np.float32)
    scores = label_report(np.array([1, 1]), None, np.ones(2), probabilities).score
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


def test_large_inputs_are_forwarded_a_few_at_a_time(monkeypatch):
    sizes = []

    class Classifier:
        output_shape = (None, 1)

        def __call__(self, inputs, training):
            tf.py_function(lambda x: sizes.append(len(x)), [inputs], [])
            return inputs[:, :1]

    monkeypatch.setattr("ieg_fsr.methods.models.label_report._AT_ONCE", 6)
    x = np.arange(21, dtype=np.float32).reshape(7, 3)
    np.testing.assert_array_equal(predicted_logits(Classifier(), examples(x, np.zeros(7), 1).source), x[:, :1])
    assert sizes == [2, 2, 2, 1]
    # One that is larger than that still has a pass of its own.
    monkeypatch.setattr("ieg_fsr.methods.models.label_report._AT_ONCE", 2)
    predicted_logits(Classifier(), examples(x, np.zeros(7), 1).source)
    assert sizes[4:] == [1] * 7
