"""FSR with examples that a person decided about: never weighted down, no monitors, first in the dictionary."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.errors import UserError
from ieg_fsr.reweighting.trusted_examples import TrustedExamples

N, CLASSES = 240, 3
RNG = np.random.default_rng(0)
TRUE = np.arange(N) % CLASSES
X = (RNG.normal(size=[N, 6]) + 2.0 * np.eye(6)[TRUE]).astype(np.float32)
GIVEN = np.where(RNG.random(N) < 0.3, (TRUE + 1) % CLASSES, TRUE)
# A person corrected some of the wrong ones, and kept some others.
TRUSTED = np.sort(np.concatenate([np.flatnonzero(GIVEN != TRUE)[:20], np.flatnonzero(GIVEN == TRUE)[:4]]))
LABELS = GIVEN.copy()
LABELS[TRUSTED] = TRUE[TRUSTED]


def fsr(ids, **options):
    keras.utils.set_random_seed(1)
    inputs = keras.Input([6])
    network = keras.Model(inputs, keras.layers.Dense(CLASSES)(keras.layers.Dense(16, "relu")(inputs)))
    settings = {"dictionary_size": 24, "reward_batch_size": 12, "reweight_warmup_epochs": 1}
    return ieg_fsr.FSR(network, N, trusted_ids=ids, **(settings | options))


def trained(ids, **options):
    model = fsr(ids, **options)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9))
    model.fit(ieg_fsr.examples(X, LABELS, batch_size=24), epochs=3, verbose=0)
    return model


@pytest.fixture(scope="module", params=["auto", 1])
def model(request):
    return trained(TRUSTED, strength=request.param)


def test_their_weights_are_uniform_at_least(model):
    report = model.label_report()
    assert report.weight[TRUSTED].min() >= 1 - 1e-6
    assert model.last_weights.numpy()[TRUSTED].min() >= 1 - 1e-6
    assert report.weight.min() < 0.5  # of others
    assert not report.suspect[TRUSTED].any()


def test_they_are_members_before_all_others(model):
    members = model.dictionary.members()
    for label in range(CLASSES):
        of_class = TRUSTED[LABELS[TRUSTED] == label]
        assert np.isin(of_class, members).sum() == min(len(of_class), 8)


def test_they_are_no_monitors():
    model = fsr(TRUSTED)
    model.strength.begin(model.trusted.leave_out(LABELS))
    monitors = model.strength.monitors.numpy()
    assert (monitors >= 0).sum() > 10
    assert not np.isin(TRUSTED, monitors).any()


def test_without_them_some_weigh_less():
    assert trained(()).label_report().weight[TRUSTED].min() < 0.9


def test_weights_by_hand():
    trusted = TrustedExamples([4, 2, 2], 6)
    assert trusted.ids.tolist() == [2, 4]
    weights = trusted.at_least_uniform(tf.constant([0, 2, 4, 5]), tf.constant([0.0, 0.1, 0.9, 0.0]))
    np.testing.assert_allclose(weights, [0.0, 0.25, 0.9, 0.0])
    assert trusted.leave_out(np.arange(6)).tolist() == [0, 1, -1, 3, -1, 5]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([0, N], rf"in \[0, {N}\), the example ids. Received: {N}"),
        ([-1], "Received: -1"),
        ([0.5], r"whole numbers \[n\]. Received: float64 \[1\]"),
        ([[1]], r"whole numbers \[n\]. Received: int64 \[1, 1\]"),
        ([True, False], r"whole numbers \[n\]. Received: bool \[2\]"),
    ],
)
def test_bad_ids_are_named(ids, message):
    with pytest.raises(UserError, match=f"trusted_ids must be {message}|trusted_ids must be .*{message}"):
        TrustedExamples(ids, N)
