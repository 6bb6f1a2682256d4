"""Weights and targets of a step at a strength, given or tuned, against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.data.pipeline.mixup import mixup
from ieg_fsr.reweighting.strength import FixedStrength, Samples, SelfTuningStrength

N, B, C, D = 12, 6, 3, 4
RNG = np.random.default_rng(0)
IDS = np.array([3, 0, 7, 11, 5, 2], np.int32)
LABELS = np.array([0, 1, 2, 0, 1, 2], np.int32)
FEATURES = RNG.normal(size=[B, D]).astype(np.float32)
LOGITS = RNG.normal(size=[B, C]).astype(np.float32)
TARGETS = np.eye(C, dtype=np.float32)[LABELS]
REWARD_WEIGHTS = np.array([0.5, 0, 0.25, 0.25, 0, 0], np.float32)
SAMPLES = Samples(*map(tf.constant, (IDS, LABELS, TARGETS, LOGITS)))
MONITOR = 7  # example id; row 2


def softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits)
    return e / e.sum(axis=1, keepdims=True)


@pytest.fixture
def tuning() -> SelfTuningStrength:
    strength = SelfTuningStrength(N, C, seed=0)
    strength.monitors.assign([MONITOR, *[-1] * (strength.monitors.shape[0] - 1)])
    return strength


@pytest.mark.parametrize("value", [1.0, 0.25])
def test_a_given_strength_lies_between_plain_and_reward_weights(value):
    weights = FixedStrength(value).weights(SAMPLES, tf.constant(REWARD_WEIGHTS), True)
    np.testing.assert_allclose(weights.applied, (1 - value) / B + value * REWARD_WEIGHTS, rtol=1e-6)
    np.testing.assert_array_equal(weights.told, REWARD_WEIGHTS)


def test_weights_are_those_of_the_formula_and_none_for_a_monitor(tuning):
    tuning.strength.assign(0.75)
    targets = tuning.targets(SAMPLES)
    np.testing.assert_allclose(targets, np.where(IDS[:, None] == MONITOR, softmax(LOGITS), TARGETS), rtol=1e-6)
    weights = tuning.weights(SAMPLES._replace(targets=targets), tf.constant(REWARD_WEIGHTS), True)
    used = (IDS != MONITOR).astype(float)
    probabilities = softmax(LOGITS)
    confidence = (probabilities[np.arange(B), LABELS] / probabilities.max(axis=1)) ** 3 * used
    assert 0 < confidence.min(initial=1, where=confidence > 0) < confidence.max() == 1
    told = 2 / 3 * confidence / confidence.sum() + 1 / 3 * REWARD_WEIGHTS
    np.testing.assert_allclose(weights.told, told, rtol=1e-5)
    np.testing.assert_allclose(weights.applied, (0.25 / B + 0.75 * told) * used, rtol=1e-5)


def test_a_monitors_target_has_no_gradient(tuning):
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        targets = tuning.targets(SAMPLES._replace(logits=logits))
        loss = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
    gradient = tape.gradient(loss, logits).numpy()
    np.testing.assert_allclose(gradient[IDS == MONITOR], 0, atol=1e-7)
    np.testing.assert_allclose(gradient[IDS != MONITOR], (softmax(LOGITS) - TARGETS)[IDS != MONITOR], atol=1e-6)


def test_a_monitor_is_no_partner_in_mixup(tuning):
    tuning.strength.assign(0.5)
    seed, images = tf.constant([1, 2]), tf.constant(FEATURES)
    own = np.eye(B, dtype=np.float32)  # whose share is whose
    full, half = (mixup(images, tf.constant(own), seed, reach=reach)[1] for reach in (None, tuning.reach(SAMPLES[0])))
    others = (full - np.diag(np.diag(full))) * 0.5
    others = np.where(IDS[None, :] == MONITOR, 0, others)
    np.testing.assert_allclose(half, others + np.diag(1 - others.sum(axis=1)), atol=1e-6)
    assert others.any()


def test_labels_that_are_contradicted_first_and_memorised_later_keep_it_at_full_strength():
    """A training of 10 epochs by hand: 6 of 12 labels are contradicted, half of these are monitors."""
    tuning = SelfTuningStrength(40, C, seed=0)
    contradicted = np.arange(40) < 20
    tuning.monitors = tf.Variable(np.arange(0, 40, 2, np.int32))
    spread = np.linspace(-0.01, 0.01, 40)
    trained_only = contradicted & (np.arange(40) % 2 == 1)
    for epoch in range(10):
        rise = 0.1 * epoch * trained_only
        tuning.given.assign(np.where(contradicted, -1, 1) * (0.1 + rise + spread * (epoch > 1)))
        tuning.decide(epoch, 10, warmup_epochs=2, falling=False)
    figures = tuning.figures()
    assert figures["strength_used"] == 1
    assert figures["agreement"] == 0.5
    assert tuning.share_to_draw_from == 1
    assert figures["memorised_since"] == 3
    # The monitors are released for the last quarter: what is known is that of the seventh epoch.
    assert figures["memorised"] == pytest.approx(0.6 - 0.05, abs=0.01)
    assert (tuning.monitors.numpy() == -1).all()


def test_it_fades_to_plain_training_where_nothing_is_contradicted():
    tuning = SelfTuningStrength(40, C, seed=0)
    tuning.begin(np.arange(40) % C)
    for epoch in range(10):
        tuning.decide(epoch, 10, warmup_epochs=2, falling=False)
    assert tuning.figures()["strength_used"] == 0
    assert tuning.figures()["memorised_since"] is None
