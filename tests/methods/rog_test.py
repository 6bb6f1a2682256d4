"""RoG's Gaussians against the true ones, its weights against a search, its ensemble in plain Keras against NumPy."""

import keras
import numpy as np
import pytest

import ieg_fsr
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.robust_gaussians import gaussians_of, mixture_weights, robust_gaussians
from ieg_fsr.methods.models.rog import feature_tensors, hold_out, with_robust_head
from ieg_fsr.networks import build_network
from ieg_fsr.results.identity import identify

MEANS = np.array([[4.0, 0.0, 0.0], [0.0, 4.0, 0.0]])
SPREAD = np.array([[1.0, 0.0, 0.0], [0.5, 0.7, 0.0], [-0.3, 0.4, 1.5]])
COVARIANCE = SPREAD @ SPREAD.T


def drawn(each: int, outliers: float) -> tuple[np.ndarray, np.ndarray]:
    """Gaussians of two classes, of which a share is scattered eight times as far."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], each)
    x = MEANS[labels] + rng.normal(size=(2 * each, 3)) @ SPREAD.T
    outside = rng.permutation(2 * each)[: int(outliers * 2 * each)]
    x[outside] = MEANS[labels[outside]] + 8.0 * rng.normal(size=(len(outside), 3))
    return x, labels


def shape_of(covariance: np.ndarray) -> np.ndarray:
    """Up to a factor."""
    return covariance / np.linalg.det(covariance) ** (1 / len(covariance))


def test_of_clean_gaussians_the_covariance_has_the_true_shape():
    x, labels = drawn(20_000, 0.0)
    found = robust_gaussians(x, labels, 2, np.random.default_rng(1))
    error = np.linalg.norm(shape_of(found.covariance) - shape_of(COVARIANCE)) / np.linalg.norm(shape_of(COVARIANCE))
    assert error < 0.05
    np.testing.assert_allclose(found.means, MEANS, atol=0.05)
    np.testing.assert_allclose(found.precision @ found.covariance, np.eye(3), atol=1e-9)


def test_of_thirty_percent_outliers_means_and_covariance_are_nearer_the_truth_than_the_plain_ones():
    x, labels = drawn(2000, 0.3)
    robust = robust_gaussians(x, labels, 2, np.random.default_rng(1))
    plain = gaussians_of(x, labels, 2, np.arange(len(labels)))
    of_means = [np.abs(one.means - MEANS).max() for one in (robust, plain)]
    assert of_means[0] < 0.7 * of_means[1]
    for measure in (np.asarray, shape_of):
        errors = [np.linalg.norm(measure(one.covariance) - measure(COVARIANCE)) for one in (robust, plain)]
        assert errors[0] < 0.3 * errors[1]


def test_of_labels_that_are_the_other_class_it_is_nearer_as_well():
    x, labels = drawn(2000, 0.0)
    given = np.where(np.random.default_rng(2).random(len(labels)) < 0.3, 1 - labels, labels)
    robust = robust_gaussians(x, given, 2, np.random.default_rng(1))
    plain = gaussians_of(x, given, 2, np.arange(len(labels)))
    for measure, truth in ((lambda one: one.means, MEANS), (lambda one: one.covariance, COVARIANCE)):
        errors = [np.linalg.norm(measure(one) - truth) for one in (robust, plain)]
        assert errors[0] < 0.8 * errors[1]


def test_its_rule_is_the_bayes_rule_of_its_gaussians_and_silent_units_say_nothing():
    x, labels = drawn(500, 0.0)
    x = np.hstack([x, np.zeros([len(x), 2]), x[:, :1]])  # two that are silent, one that is another's copy
    found = robust_gaussians(x, labels, 2, np.random.default_rng(1), share=1.0)
    kernel, bias = found.linear()
    logits = x @ kernel + bias
    sides = [found.distances(x, np.full(len(x), label)) for label in (0, 1)]
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], 0.5 * (sides[0] - sides[1]), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(kernel[3:5], 0.0)
    assert (logits.argmax(axis=1) == labels).mean() > 0.99


def test_weights_are_the_likeliest():
    rng = np.random.default_rng(0)
    probabilities = rng.uniform(0.05, 1, (3, 200)) ** np.array([[1.0], [1.3], [3.0]])
    grid = [(a, b, 1 - a - b) for a in np.arange(0, 1.001, 0.01) for b in np.arange(0, 1.001 - a, 0.01)]
    likelihood = [np.log(np.maximum(w, 0) @ probabilities).mean() for w in grid]
    found = mixture_weights(probabilities)
    assert found.sum() == pytest.approx(1.0)
    assert np.log(found @ probabilities).mean() >= max(likelihood) - 1e-5
    np.testing.assert_allclose(found, grid[int(np.argmax(likelihood))], atol=0.05)


def small() -> tuple[keras.Model, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = (np.arange(200) % 4).astype(np.int32)
    images = rng.integers(0, 100, (200, 8, 8, 1)) + 40 * labels[:, np.newaxis, np.newaxis, np.newaxis]
    return build_network("small_cnn", (8, 8, 1), 4), images.astype(np.float32), labels


def test_the_ensemble_is_plain_keras_and_what_numpy_makes_of_the_features(tmp_path):
    classifier, images, labels = small()
    source = ieg_fsr.examples(images, labels).source
    parts = hold_out(labels, 4, 0)
    model = with_robust_head(classifier, source, labels, parts, 0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    logits = loaded.predict(images, verbose=0)
    np.testing.assert_allclose(np.exp(logits).sum(axis=1), 1.0, rtol=1e-4)
    assert (logits.argmax(axis=1) == labels).mean() > 0.9

    features = keras.Model(classifier.inputs, feature_tensors(classifier)).predict(images, verbose=0)
    dense = [layer for layer in loaded.layers if isinstance(layer, keras.layers.Dense)]
    scales = [layer for layer in loaded.layers if isinstance(layer, keras.layers.Rescaling)][1:]
    total = 0.0
    for x, layer, scale in zip(features, dense, scales, strict=True):
        scores = x @ layer.kernel.numpy() + layer.bias.numpy()
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        total += np.exp(scale.offset) * powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.exp(logits), total, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("network", "side", "widths"),
    [("small_cnn", 8, [16, 32, 64]), ("resnet32", 32, [16, 32, 64]), ("wrn28_2", 32, [32, 64, 128])],
)
def test_layers_are_the_ends_of_the_stages(network, side, widths):
    classifier = build_network(network, (side, side, 3), 5)
    assert [tensor.shape[-1] for tensor in feature_tensors(classifier)] == widths


def test_a_network_without_maps_has_its_final_features_alone():
    classifier = keras.Sequential([keras.Input([6]), keras.layers.Dense(5, "relu"), keras.layers.Dense(3)])
    assert [tensor.shape[-1] for tensor in feature_tensors(classifier)] == [5]


def test_a_tenth_of_each_class_is_held_out():
    labels = np.repeat([0, 1, -1], [100, 39, 10])
    parts = hold_out(labels, 2, 0)
    assert np.bincount(labels[parts.held_out]).tolist() == [10, 3]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(139))
    assert len(hold_out(np.repeat([0, 1], 20_000), 2, 0).held_out) == 500


def test_what_cannot_be_is_refused_before_training():
    message = r"^--head=rog must have at least 3 training examples labelled as each class\. Received: 2 of class 1$"
    with pytest.raises(UserError, match=message):
        hold_out(np.repeat([0, 1], [50, 2]), 2, 0)
    with pytest.raises(UserError, match=r"have 10 training examples of one class at least.*Received: 9$"):
        hold_out(np.repeat([0, 1], [9, 5]), 2, 0)
    with pytest.raises(UserError, match=r"^--head must be rog with --method=rog\. Received: dense$"):
        resolve({"method": "rog", "head": "dense"})
    with pytest.raises(UserError, match=r"^--logit_adjustment_after must be 0 with --head=rog, .*Received: 1$"):
        resolve({"head": "rog", "logit_adjustment_after": 1.0})
    with pytest.raises(UserError, match=r"^--logit_adjustment_after must be 0 with --method=balanced_softmax, "):
        resolve({"method": "balanced_softmax", "logit_adjustment_after": 1.0})
    assert identify(resolve({"method": "elr", "head": "rog"})).variant == "ELR + RoG"
