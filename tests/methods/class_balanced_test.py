"""Weights of classes by hand and at their limits, and the losses that they weigh."""

import numpy as np
import pytest

from ieg_fsr.errors import UserError
from ieg_fsr.methods.class_balanced import class_balanced, class_weights, sigmoid_cross_entropy, softmax_cross_entropy
from ieg_fsr.methods.focal import sigmoid_focal_loss

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(4, 3))
LABELS = np.array([0, 2, 1, 2])
ONE_HOT = np.eye(3)[LABELS]
LOSSES = [softmax_cross_entropy, sigmoid_cross_entropy, sigmoid_focal_loss]


def test_by_hand():
    # beta = 1/2: effective numbers of 1, 2 and 3 samples are 1, 3/2 and 7/4, their inverses 1, 2/3, 4/7 of sum 47/21.
    expected = 3 * np.array([21, 14, 12]) / 47
    np.testing.assert_allclose(class_weights(np.array([1, 2, 3]), 0.5), expected, rtol=1e-6)


def test_limits():
    counts = np.array([1000, 100, 10])
    np.testing.assert_array_equal(class_weights(counts, 0.0), np.ones(3))
    np.testing.assert_allclose(class_weights(counts, 1 - 1e-9), 3 * np.array([1, 10, 100]) / 111, rtol=1e-5)


def test_a_class_without_examples_weighs_nothing():
    np.testing.assert_allclose(class_weights(np.array([5, 0, 5]), 0.9), [1.5, 0.0, 1.5])


@pytest.mark.parametrize("loss", LOSSES)
def test_loss_of_a_sample_is_weighed_by_its_class(loss):
    weights = np.array([0.5, 1.0, 1.5])
    balanced = class_balanced(loss, weights)(ONE_HOT, LOGITS)
    np.testing.assert_allclose(balanced, weights[LABELS] * loss(ONE_HOT, LOGITS).numpy())


@pytest.mark.parametrize("loss", LOSSES)
def test_beta_zero_changes_nothing(loss):
    balanced = class_balanced(loss, class_weights(np.array([7, 2, 1]), 0.0))
    np.testing.assert_array_equal(balanced(ONE_HOT, LOGITS), loss(ONE_HOT, LOGITS))


@pytest.mark.parametrize("loss", LOSSES)
def test_mixed_targets_mix_the_weighed_losses(loss):
    balanced = class_balanced(loss, np.array([0.5, 1.0, 1.5]))
    first, second = ONE_HOT, ONE_HOT[::-1]
    mixture = 0.7 * balanced(first, LOGITS).numpy() + 0.3 * balanced(second, LOGITS).numpy()
    np.testing.assert_allclose(balanced(0.7 * first + 0.3 * second, LOGITS), mixture)


def test_beta_outside_of_its_range_is_refused():
    with pytest.raises(UserError, match=r"^beta must be a number in \[0, 1\)\. Received: 1\.0$"):
        class_weights(np.array([1, 2]), 1.0)
