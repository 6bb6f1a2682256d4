"""Moved logits: by nothing, by constants, and to the Bayes rule of balanced classes."""

import keras
import numpy as np
import pytest

from ieg_fsr.errors import UserError
from ieg_fsr.networks import build_network
from ieg_fsr.networks.logit_shift import balancing_shift, shifted

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1)).astype(np.float32)


def test_tau_of_zero_changes_nothing():
    classifier = build_network("small_cnn", (8, 8, 1), 4)
    same = shifted(classifier, balancing_shift(np.array([0.7, 0.1, 0.1, 0.1]), 0.0))
    np.testing.assert_array_equal(same(IMAGES), classifier(IMAGES))


@pytest.mark.parametrize("use_bias", [True, False])
def test_logits_move_by_the_shift_and_the_classifier_stays(use_bias, tmp_path):
    network = build_network("small_cnn", (8, 8, 1), 4)
    head = keras.layers.Dense(4, use_bias=use_bias, bias_initializer="random_normal")
    classifier = keras.Model(network.inputs, head(network.layers[-2].output))
    before = classifier(IMAGES).numpy()
    model = shifted(classifier, np.array([1.0, -2.0, 0.0, 3.0]))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(IMAGES), before + np.array([1.0, -2.0, 0.0, 3.0]), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(classifier(IMAGES), before)


def test_on_a_gaussian_mixture_it_is_the_bayes_rule_of_balanced_classes():
    """The Bayes classifier of unit Gaussians with priors of .9, .07 and .03 has linear logits; balanced, the nearest
    mean is best."""
    means, shares = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]]), np.array([0.9, 0.07, 0.03])
    classifier = keras.Sequential([keras.Input([2]), keras.layers.Dense(3)])
    classifier.layers[-1].set_weights([means.T, np.log(shares) - 0.5 * np.square(means).sum(axis=1)])
    points = np.random.default_rng(0).uniform(-2, 4, (2000, 2)).astype(np.float32)
    nearest = np.square(points[:, np.newaxis] - means).sum(axis=2).argmin(axis=1)
    adjusted = shifted(classifier, balancing_shift(shares, 1.0))
    assert (adjusted(points).numpy().argmax(axis=1) == nearest).mean() > 0.999
    assert (classifier(points).numpy().argmax(axis=1) == nearest).mean() < 0.9


def test_a_model_that_does_not_end_in_dense_logits_is_refused():
    model = keras.Sequential([keras.Input([2]), keras.layers.Dense(3), keras.layers.Softmax()])
    with pytest.raises(UserError, match="end in a Dense layer"):
        shifted(model, np.zeros(3))
