"""Symmetric cross-entropy on values worked out by hand, at its limits, and with soft targets."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.errors import UserError
from ieg_fsr.methods.sce import symmetric_cross_entropy

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(5, 4)) * 3
ONE_HOT = np.eye(4)[RNG.integers(0, 4, 5)]
# Odds 1 : 3, so p = (1/4, 3/4).
ODDS = np.log([[1.0, 3.0]])


def test_by_hand():
    # Label 0: CE = log 4; RCE = -(1/4 log 1 + 3/4 (-4)) = 3.
    first, second = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    np.testing.assert_allclose(symmetric_cross_entropy(first, ODDS, 0.5, 2.0), [0.5 * np.log(4) + 2 * 3])
    np.testing.assert_allclose(symmetric_cross_entropy(second, ODDS, 1.0, 1.0), [np.log(4 / 3) + 1])


def test_reverse_cross_entropy_by_its_definition():
    """The sum over the classes, with log 0 = -4 in the label."""
    p = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
    log_label = np.where(ONE_HOT == 1, 0.0, -4.0)
    np.testing.assert_allclose(symmetric_cross_entropy(ONE_HOT, LOGITS, 0.0, 1.0), -(p * log_label).sum(axis=1))


def test_without_its_second_term_it_is_cross_entropy():
    expected = tf.nn.softmax_cross_entropy_with_logits(ONE_HOT, LOGITS)
    np.testing.assert_allclose(symmetric_cross_entropy(ONE_HOT, LOGITS, 1.0, 0.0), expected)


def test_mixed_targets_mix_the_losses():
    other = ONE_HOT[::-1]
    parts = [symmetric_cross_entropy(targets, LOGITS).numpy() for targets in (ONE_HOT, other)]
    mixed = symmetric_cross_entropy(0.7 * ONE_HOT + 0.3 * other, LOGITS)
    np.testing.assert_allclose(mixed, 0.7 * parts[0] + 0.3 * parts[1])


def test_large_logits_stay_finite():
    losses = symmetric_cross_entropy(np.array([[0.0, 1.0]]), np.array([[1e4, -1e4]]), 1.0, 1.0)
    np.testing.assert_allclose(losses, [2e4 + 4])


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_a_factor_below_zero_is_refused(name):
    with pytest.raises(UserError, match=rf"^{name} must be a number at least 0\. Received: -0\.1$"):
        symmetric_cross_entropy(ONE_HOT, LOGITS, **{name: -0.1})
