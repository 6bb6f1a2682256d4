"""Adjusted cross-entropy by hand and at tau = 0, and what it learns where the Bayes rule is known."""

import keras
import numpy as np
import pytest

import ieg_fsr
from ieg_fsr.errors import UserError
from ieg_fsr.methods.class_balanced import softmax_cross_entropy
from ieg_fsr.methods.logit_adjustment import logit_adjusted_cross_entropy
from ieg_fsr.methods.registry import METHODS
from ieg_fsr.methods.spec import BuildContext
from ieg_fsr.setting import Config
from ieg_fsr.unlabelled import class_counts, class_shares

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(4, 3)).astype(np.float32)
TARGETS = np.eye(3, dtype=np.float32)[[0, 2, 1, 2]]


def test_by_hand():
    # Shares 3/4 and 1/4, logits 0: tau = 1 says 3/4 and 1/4, tau = 2 says 9/10 and 1/10; a target of both is between.
    targets, shares = np.array([[1, 0], [0, 1], [0.5, 0.5]], np.float32), np.array([0.75, 0.25])
    for tau, probabilities in ((1.0, (3 / 4, 1 / 4)), (2.0, (9 / 10, 1 / 10))):
        losses = logit_adjusted_cross_entropy(targets, np.zeros([3, 2], np.float32), shares, tau)
        first, second = -np.log(probabilities)
        np.testing.assert_allclose(losses, [first, second, (first + second) / 2], rtol=1e-6)


def test_tau_of_zero_and_even_shares_change_nothing():
    plain = softmax_cross_entropy(TARGETS, LOGITS)
    uneven = np.array([0.7, 0.2, 0.1])
    np.testing.assert_array_equal(logit_adjusted_cross_entropy(TARGETS, LOGITS, uneven, 0.0), plain)
    even = logit_adjusted_cross_entropy(TARGETS, LOGITS, np.full(3, 1 / 3), 1.0)
    np.testing.assert_allclose(even, plain, rtol=1e-5)


def test_a_class_without_examples_counts_as_if_it_had_one():
    np.testing.assert_allclose(class_shares(class_counts(np.array([0, 0, 0, 2, -1]), 3)), [3 / 5, 1 / 5, 1 / 5])


def gaussians(counts: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Classes of unit variance around `MEANS`."""
    labels = np.repeat(np.arange(len(counts)), counts)
    return (MEANS[labels] + np.random.default_rng(1).normal(size=(len(labels), 2))).astype(np.float32), labels


MEANS = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])


@pytest.mark.parametrize("method", ["balanced_softmax", "logit_adjustment"])
def test_on_gaussians_it_learns_the_bayes_rule_of_balanced_classes(method):
    """Of equal priors and unit variances that is the nearest mean, whatever the shares in training were."""
    counts = (9000, 900, 300)
    x, y = gaussians(counts)

    def network(seed: int) -> keras.Model:
        return keras.Sequential([keras.Input([2]), keras.layers.Dense(3, kernel_initializer="zeros")])

    config = Config({"seed": 0, "logit_adjustment_tau": 1.0})
    data = type("Data", (), {"num_classes": 3})()
    points = np.stack(np.meshgrid(*2 * [np.linspace(-1.5, 3.5, 41)]), axis=-1).reshape(-1, 2).astype(np.float32)
    nearest = np.square(points[:, np.newaxis] - MEANS).sum(axis=2).argmin(axis=1)
    agreement = {}
    for name in (method, "supervised"):
        model = METHODS[name].build(BuildContext(config, data, y, network, 1, {}))
        model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 100)))
        model.fit(ieg_fsr.examples(x, y, batch_size=2040), epochs=20, verbose=0)
        agreement[name] = np.mean(model.predict(points, verbose=0).argmax(axis=1) == nearest)
    assert agreement[method] > 0.95
    assert agreement["supervised"] < 0.8


def test_what_cannot_be_is_refused():
    with pytest.raises(UserError, match=r"^tau must be a number at least 0\. Received: -1\.0$"):
        logit_adjusted_cross_entropy(TARGETS, LOGITS, np.full(3, 1 / 3), -1.0)
    with pytest.raises(UserError, match=r"^shares must be above 0, each\. Received: 0$"):
        logit_adjusted_cross_entropy(TARGETS, LOGITS, np.array([0.5, 0.5, 0.0]))
