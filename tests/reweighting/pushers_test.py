"""Each pusher on two samples, two classes and one feature: cross-entropy is log(1 + exp(other logit - own logit))."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.reweighting.pushers import PUSHERS, PusherInputs

# Sample 0 has class 0, sample 1 has class 1.
# Before the step z = (0.5 h, 0.25); after it z' = (h, 0.5 - h).
INPUTS = PusherInputs(
    losses=tf.constant([0.7, 0.2]),
    features=tf.constant([[2.0], [-2.0]]),
    unmixed_features=tf.constant([[3.0], [-1.0]]),
    own_targets=tf.constant([[1.0, 0.0], [0.0, 1.0]]),
    logits=lambda features, layer: tf.matmul(features, layer[0]) + layer[1],
    parameters=[tf.constant([[0.5, 0.0]]), tf.constant([0.0, 0.25])],
    lookahead_parameters=[tf.constant([[1.0, -1.0]]), tf.constant([0.0, 0.5])],
)
# h = 2: z' = (2, -1.5), own - other = 3.5.   h = -2: z' = (-2, 2.5), own - other = 4.5.
AFTER_MIXED = np.log([1 + np.exp(-3.5), 1 + np.exp(-4.5)])
# h = 3: z' = (3, -2.5), own - other = 5.5.   h = -1: z' = (-1, 1.5), own - other = 2.5.
AFTER_UNMIXED = np.log([1 + np.exp(-5.5), 1 + np.exp(-2.5)])
# h = 2: z = (1, 0.25), own - other = 0.75.  h = -2: z = (-1, 0.25), own - other = 1.25.
BEFORE_MIXED = np.log([1 + np.exp(-0.75), 1 + np.exp(-1.25)])
# h = 3: z = (1.5, 0.25), own - other = 1.25.  h = -1: z = (-0.5, 0.25), own - other = 0.75.
BEFORE_UNMIXED = np.log([1 + np.exp(-1.25), 1 + np.exp(-0.75)])
LOSSES = np.array([0.7, 0.2])

EXPECTED = {
    "lookahead": -AFTER_MIXED,
    "shared": LOSSES - AFTER_MIXED,
    "release": LOSSES - AFTER_UNMIXED,
    "paper": BEFORE_UNMIXED - AFTER_UNMIXED,
    "negative_loss": -BEFORE_MIXED,
    "max_margin": [0.75, 1.25],
    "forgetting": [1.0, 1.0],
    "forgetting_inverse": [1.0, 1.0],
    "area_under_margin": [0.75, 1.25],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_score_by_hand(name):
    np.testing.assert_allclose(PUSHERS[name].score(INPUTS), EXPECTED[name], rtol=1e-5)


def test_own_label_is_what_counts():
    """With the other label the loss after the step grows by the difference of the logits."""
    swapped = INPUTS._replace(own_targets=tf.reverse(INPUTS.own_targets, axis=[1]))
    np.testing.assert_allclose(PUSHERS["lookahead"].score(swapped), -AFTER_MIXED - [3.5, 4.5], rtol=1e-5)


def test_right_is_the_largest_logit_of_the_own_label():
    swapped = INPUTS._replace(own_targets=tf.reverse(INPUTS.own_targets, axis=[1]))
    np.testing.assert_array_equal(PUSHERS["forgetting"].score(swapped), [0.0, 0.0])
    np.testing.assert_allclose(PUSHERS["max_margin"].score(swapped), [-0.75, -1.25])


# Five visits of one example of class 0, of three; the features are its logits before the step, which doubles them.
LOGITS = [[2.0, 0.0, 1.0], [0.0, 3.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.5, 2.0], [0.0, 1.0, 0.0]]
# Its image before MixUp gives the logits of the visit after, the fifth those of the first.
UNMIXED = [*LOGITS[1:], LOGITS[0]]
TRAINED_LOSSES = [0.5, 0.25, 1.0, 2.0, 0.0]
MARGINS = [1.0, -3.0, 1.0, -2.0, -1.0]


def losses_by_hand(visits, factor):
    """Cross-entropy of class 0: log of the sum of exp(other logit - own logit), the own one with 1."""
    return np.array([np.log(sum(np.exp(factor * (z - visit[0])) for z in visit)) for visit in visits])


def running(scores):
    """Running mean with lambda 1/2 after each visit: visit k of n weighs 2^(k-1) of 2^n - 1."""
    scores = np.asarray(scores)
    return [np.dot(2.0 ** np.arange(n), scores[:n]) / (2.0**n - 1) for n in range(1, 6)]


TRACES = {
    "lookahead": running(-losses_by_hand(LOGITS, 2)),
    "shared": running(TRAINED_LOSSES - losses_by_hand(LOGITS, 2)),
    "release": running(TRAINED_LOSSES - losses_by_hand(UNMIXED, 2)),
    "paper": running(losses_by_hand(UNMIXED, 1) - losses_by_hand(UNMIXED, 2)),
    "negative_loss": running(-losses_by_hand(LOGITS, 1)),
    # The last one: (1 - 2 * 3 + 4 * 1 - 8 * 2 - 16 * 1) / 31.
    "max_margin": [1.0, -5 / 3, -1 / 7, -17 / 15, -33 / 31],
    # The last one: (1 - 3 + 1 - 2 - 1) / 5.
    "area_under_margin": [1.0, -1.0, -1 / 3, -3 / 4, -4 / 5],
    # Right, wrong, right, wrong, wrong: two falls.
    "forgetting": [0, 1, 1, 2, 2],
    "forgetting_inverse": [0, -1, -1, -2, -2],
}


@pytest.mark.parametrize("name", PUSHERS)
def test_five_updates_traced_by_hand(name):
    pusher, identity = PUSHERS[name], tf.eye(3)
    table = pusher.table(2, 0.5)
    for visit in range(5):
        inputs = PusherInputs(
            losses=tf.constant([TRAINED_LOSSES[visit]]),
            features=tf.constant([LOGITS[visit]]),
            unmixed_features=tf.constant([UNMIXED[visit]]),
            own_targets=tf.constant([[1.0, 0.0, 0.0]]),
            logits=lambda features, layer: tf.matmul(features, layer[0]),
            parameters=[identity],
            lookahead_parameters=[2.0 * identity],
        )
        table.update(tf.constant([1]), pusher.score(inputs))
        np.testing.assert_allclose(table.read(), [-np.inf, TRACES[name][visit]], rtol=1e-5, err_msg=f"visit {visit}")


@pytest.mark.parametrize("name", PUSHERS)
def test_a_label_that_is_believed_is_trusted_more_than_one_that_is_not_whatever_is_pushed_first(name):
    """Example 0 is right at each visit, example 1 at every other one, example 2 never; 3 has no visit."""
    pusher, identity = PUSHERS[name], tf.eye(3)
    table = pusher.table(4, 0.5)
    for visit in range(6):
        margins = (4.0, 1.0 if visit % 2 == 0 else -3.0, -4.0)
        features = tf.constant([[margin, 0.0, 0.0] for margin in margins])
        inputs = PusherInputs(
            losses=tf.ones(3),
            features=features,
            unmixed_features=features,
            own_targets=tf.constant([[1.0, 0.0, 0.0]] * 3),
            logits=lambda features, layer: tf.matmul(features, layer[0]),
            parameters=[identity],
            lookahead_parameters=[2.0 * identity],
        )
        table.update(tf.constant([0, 1, 2]), pusher.score(inputs))
    right, doubtful, wrong, unseen = pusher.trust(table.read())
    assert right > doubtful > wrong > unseen == -np.inf


def test_the_command_line_knows_them_all():
    for name in PUSHERS:
        assert resolve({"pusher": name}).pusher == name


@pytest.mark.parametrize("name", PUSHERS)
def test_registry_knows_who_needs_the_extra_forward(name):
    assert PUSHERS[name].needs_unmixed_features is (name in ("release", "paper"))


@pytest.mark.parametrize("name", [name for name in PUSHERS if name not in ("release", "paper")])
def test_pusher_without_the_extra_forward_does_without_its_features(name):
    score = PUSHERS[name].score(INPUTS._replace(unmixed_features=None))
    np.testing.assert_allclose(score, EXPECTED[name], rtol=1e-5)
