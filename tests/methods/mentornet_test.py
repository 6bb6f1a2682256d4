"""MentorNet: its weights for five losses by hand, a step written out, and its off-switch, plain training."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.mentornet import MentorNet, kept_mask, nearest_percentile, predefined_weights

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(8, 3)).astype(np.float32), np.arange(8, dtype=np.int32) % 2
LOSSES = tf.constant([0.1, 0.4, 0.5, 0.9, 2.0])
PLAIN = {"burn_in": 100.0, "first_dropout": 0.0, "dropout": 0.0}


def linear():
    start = keras.initializers.GlorotUniform(1)
    return keras.Sequential([keras.Input([3]), keras.layers.Dense(2, kernel_initializer=start)])


def compiled(method=MentorNet, **settings):
    model = method(linear(), **settings)
    model.compile(optimizer=keras.optimizers.SGD(0.1), metrics=["accuracy"], jit_compile=False)
    return model


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        (0, [1, 1, 1, 1, 1]),
        (18, [1, 1, 1, 1, 1]),
        (19, [1, 1, 1, 0, 0]),  # the loss at the threshold is in
        (89, [1, 1, 1, 0, 0]),
        (90, [1, 1, 1, 0.8, 0.25]),  # excesses 0.4 and 1.5, over gamma = 2
        (99, [1, 1, 1, 0.8, 0.25]),
    ],
)
def test_weights_of_five_losses_by_hand(percent, expected):
    weights = predefined_weights(LOSSES, tf.constant(0.5), tf.constant(float(percent)), gamma=2.0)
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_a_loss_beyond_gamma_weighs_nothing_in_the_end():
    weights = predefined_weights(LOSSES, tf.constant(0.5), tf.constant(95.0), gamma=1.0)
    np.testing.assert_allclose(weights, [1, 1, 1, 0.6, 0], rtol=1e-6)


@pytest.mark.parametrize("percentile", [0.0, 10.0, 50.0, 75.0, 99.0, 100.0])
@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_the_percentile_is_that_of_numpy(percentile, size):
    values = RNG.normal(size=size).astype(np.float32)
    expected = np.percentile(values, percentile, method="nearest")
    assert nearest_percentile(tf.constant(values), percentile).numpy() == expected


def test_the_share_that_is_kept_is_exact_and_each_sample_has_the_same_chance():
    masks = np.stack([kept_mask(20, tf.constant(0.65), tf.constant([seed, 0])).numpy() for seed in range(400)])
    assert set(masks.sum(axis=1)) == {13}
    # 400 draws of probability 0.65: a standard error of 0.024.
    np.testing.assert_allclose(masks.mean(axis=0), 0.65, atol=0.1)


def test_shares_and_percents_of_the_epochs():
    model = compiled(first_dropout=0.4, dropout=0.1)
    model.course.lay_out(200)
    found = []
    for epoch in (0, 33, 34, 199):
        model.set_epoch(epoch)
        found.append((float(model.percent), float(model.kept_share)))
    np.testing.assert_allclose(found, [(0, 0.6), (16, 0.6), (17, 0.9), (99, 0.9)], rtol=1e-6)


def test_a_step_by_hand():
    """The weights divide by the batch, not by their sum; weight decay has their mean as a factor."""
    model = compiled(percentile=50.0, dropout=0.0, weight_decay=0.3, burn_in=0.0)
    model.threshold.assign(0.2)
    kernel = model.classifier.get_weights()[0].astype(np.float64)
    model.fit(ieg_fsr.examples(X, Y, batch_size=8), epochs=2, initial_epoch=1, verbose=0)  # at 50 %
    powers = np.exp(X @ kernel)
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    losses = -np.log(probabilities[np.arange(8), Y])
    threshold = 0.5 * 0.2 + 0.5 * np.sort(losses)[4]  # rank 3.5 of 0..7, to even
    weights = losses <= threshold
    assert 0 < weights.sum() < 8
    error = weights[:, None] * (probabilities - np.eye(2)[Y]) / 8
    expected = kernel - 0.1 * (X.T @ error + weights.mean() * 0.3 * kernel)
    np.testing.assert_allclose(model.classifier.get_weights()[0], expected, atol=1e-6)
    assert float(model.threshold) == pytest.approx(threshold, rel=1e-5)


def test_weights_of_one_are_plain_training_bit_for_bit():
    shared = {"weight_decay": 0.01, "parameter_average_decay": 0.9}
    models = compiled(**PLAIN, **shared), compiled(ieg_fsr.Supervised, **shared)
    for model in models:
        model.fit(ieg_fsr.examples(X, Y, batch_size=4), epochs=3, verbose=0)
    for one, other in zip(models[0].classifier.get_weights(), models[1].classifier.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_threshold_is_part_of_a_checkpoint():
    model = compiled()
    assert model.checkpoint_parts()["threshold"] is model.threshold


@pytest.mark.parametrize(
    ("name", "value"),
    [("percentile", 101.0), ("burn_in", -1.0), ("gamma", 0.0), ("first_dropout", 1.0), ("dropout", -0.1)],
)
def test_numbers_out_of_range_are_refused(name, value):
    with pytest.raises(UserError, match=rf"^{name} must be a number .*Received: {value}$"):
        MentorNet(linear(), **{name: value})


def test_mixed_samples_are_refused():
    with pytest.raises(UserError, match=r"^mixup_alpha must be 0 with MentorNet\. Received: 1$"):
        MentorNet(linear(), mixup_alpha=1.0)
