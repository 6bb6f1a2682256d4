"""Each pusher on two samples, two classes and one feature: cross-entropy is log(1 + exp(other logit - own logit))."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.reweighting.pushers import PUSHERS, PusherInputs

# Sample 0 has class 0, sample 1 has class 1.
# Before the step z = (0.5 h, 0.25); after it z' = (h, 0.5 - h).
INPUTS = PusherInputs(
    losses=tf.constant([0.7, 0.2]),
    features=tf.constant([[2.0], [-2.0]]),
    unmixed_features=tf.constant([[3.0], [-1.0]]),
    own_targets=tf.constant([[1.0, 0.0], [0.0, 1.0]]),
    kernel=tf.constant([[0.5, 0.0]]),
    bias=tf.constant([0.0, 0.25]),
    lookahead_kernel=tf.constant([[1.0, -1.0]]),
    lookahead_bias=tf.constant([0.0, 0.5]),
)
# h = 2: z' = (2, -1.5), own - other = 3.5.   h = -2: z' = (-2, 2.5), own - other = 4.5.
AFTER_MIXED = np.log([1 + np.exp(-3.5), 1 + np.exp(-4.5)])
# h = 3: z' = (3, -2.5), own - other = 5.5.   h = -1: z' = (-1, 1.5), own - other = 2.5.
AFTER_UNMIXED = np.log([1 + np.exp(-5.5), 1 + np.exp(-2.5)])
# h = 3: z = (1.5, 0.25), own - other = 1.25.  h = -1: z = (-0.5, 0.25), own - other = 0.75.
BEFORE_UNMIXED = np.log([1 + np.exp(-1.25), 1 + np.exp(-0.75)])
LOSSES = np.array([0.7, 0.2])

EXPECTED = {
    "lookahead": -AFTER_MIXED,
    "shared": LOSSES - AFTER_MIXED,
    "release": LOSSES - AFTER_UNMIXED,
    "paper": BEFORE_UNMIXED - AFTER_UNMIXED,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_score_by_hand(name):
    np.testing.assert_allclose(PUSHERS[name].score(INPUTS), EXPECTED[name], rtol=1e-5)


def test_own_label_is_what_counts():
    """With the other label the loss after the step grows by the difference of the logits."""
    swapped = INPUTS._replace(own_targets=tf.reverse(INPUTS.own_targets, axis=[1]))
    np.testing.assert_allclose(PUSHERS["lookahead"].score(swapped), -AFTER_MIXED - [3.5, 4.5], rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "needed"), [("lookahead", False), ("shared", False), ("release", True), ("paper", True)]
)
def test_registry_knows_who_needs_the_extra_forward(name, needed):
    assert PUSHERS[name].needs_unmixed_features is needed


@pytest.mark.parametrize("name", ["lookahead", "shared"])
def test_pusher_without_the_extra_forward_does_without_its_features(name):
    score = PUSHERS[name].score(INPUTS._replace(unmixed_features=None))
    np.testing.assert_allclose(score, EXPECTED[name], rtol=1e-5)
