"""Classifier re-training: the layer against scikit-learn's regression of weighed classes, and what it leaves alone."""

import keras
import numpy as np
import pytest
import sklearn.linear_model

import ieg_fsr
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.retrained_head import balanced_regression, check_classes, with_retrained_head
from ieg_fsr.networks import build_network
from ieg_fsr.results.identity import identify

MEANS = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])


def test_on_uneven_gaussians_it_says_what_a_regression_of_weighed_classes_says():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [3000, 300, 60])
    x = (MEANS[labels] + rng.normal(size=(len(labels), 2))).astype(np.float32)
    kernel, bias = balanced_regression(x, labels, 3, 0)
    points = rng.uniform(-2, 4, (2000, 2))
    found = (points @ kernel + bias).argmax(axis=1)
    weighed = sklearn.linear_model.LogisticRegression(class_weight="balanced").fit(x, labels).predict(points)
    plain = sklearn.linear_model.LogisticRegression().fit(x, labels).predict(points)
    assert (found == weighed).mean() > 0.97
    assert (plain == weighed).mean() < 0.85


def test_only_the_final_layer_is_new_and_the_classifier_stays(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.where(np.arange(200) < 180, np.arange(200) % 2, 2).astype(np.int32)
    labels[:10] = -1  # without a label
    images = rng.integers(0, 100, (200, 8, 8, 1)) + 60 * np.maximum(labels, 0)[:, np.newaxis, np.newaxis, np.newaxis]
    classifier = build_network("small_cnn", (8, 8, 1), 3)
    before = classifier.get_weights()
    source = ieg_fsr.examples(images.astype(np.float32), np.maximum(labels, 0)).source
    model = with_retrained_head(classifier, source, labels, 0)
    for one, other in zip(classifier.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(model.get_weights()[:-2], before[:-2], strict=True):
        np.testing.assert_array_equal(one, other)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert (loaded.predict(images[10:].astype(np.float32), verbose=0).argmax(axis=1) == labels[10:]).mean() > 0.95


def test_what_is_refused_and_how_it_is_called():
    with pytest.raises(
        UserError, match=r"^--head=crt must have a training example labelled as each class\. .*class 1$"
    ):
        check_classes(np.array([0, 0, 2]), 3)
    with pytest.raises(UserError, match=r"^--head must be crt with --method=crt\. Received: rog$"):
        resolve({"method": "crt", "head": "rog"})
    assert identify(resolve({"method": "crt"})).variant == "cRT"
    assert identify(resolve({"method": "elr", "head": "crt"})).variant == "ELR + cRT"
