"""Remix on a batch of two classes by hand, against the paper's three cases, and its recipe."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.data.pipeline.mixup import mixup
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.remix import Remix, remix_label_shares

# Class 0 has six times as many examples as class 1.
COUNTS = np.array([60, 10])


def classifier() -> keras.Model:
    return keras.Sequential([keras.Input([1]), keras.layers.Dense(2)])


def test_a_batch_of_two_classes_by_hand():
    """An image is 0 in class 0 and 1 in class 1, so that a mixed one says what share of it is class 1."""
    labels = np.array([0, 1, 0, 1, 1, 0, 1, 0])
    images = tf.constant(labels[:, np.newaxis], tf.float32)
    model = Remix(classifier(), COUNTS)
    mixed, targets = mixup(
        images, tf.one_hot(labels, 2), tf.constant([0, 7]), label_shares=model.mixup_label_shares(tf.constant(labels))
    )
    rare_in_image, rare_in_target = mixed.numpy()[:, 0], targets.numpy()[:, 1]
    pairs = 0
    for label, image, target in zip(labels, rare_in_image, rare_in_target, strict=True):
        if label == 1 and image < 1:
            assert target == 1.0  # the sample is of the rare class, its partner of the frequent one
            pairs += 1
        else:
            assert target == pytest.approx(image)
    assert pairs >= 1
    np.testing.assert_allclose(targets.numpy().sum(axis=1), 1.0)


def paper(share: float, own: float, other: float, kappa: float, tau: float) -> float:
    """The rule as it is printed, for a share in [0, 1]."""
    if own / other >= kappa and share < tau:
        return 0.0
    if own / other <= 1 / kappa and 1 - share < tau:
        return 1.0
    return share


def test_the_papers_rule_from_either_side_of_a_pair():
    """A pair (i, j) with a share below one half is (j, i) here: its label is the same."""
    for kappa, tau in ((3.0, 0.5), (2.0, 0.3), (1.0, 0.0)):
        for own, other in ((10, 60), (60, 10), (30, 10), (20, 10), (7, 7)):
            for share in (0.05, 0.25, 0.45, 0.5, 0.55, 0.75, 0.95):
                expected = paper(share, own, other, kappa, tau)  # of i
                sides = (share, own, other) if share >= 0.5 else (1 - share, other, own)
                [found] = remix_label_shares(*(tf.constant([v], tf.float32) for v in sides), kappa, tau).numpy()
                assert (found if share >= 0.5 else 1 - found) == pytest.approx(expected, abs=1e-6)


def test_the_recipe_mixes_and_weighs_classes_late():
    config = resolve({"method": "remix", "imbalance": 50})
    assert (config.mixup, config.deferred_reweighting, config.drop_epochs[0]) == (True, 80, 80)
    for dataset in ("fashion_mnist", "cifar10", "cifar100", "inaturalist2018"):
        config = resolve({"method": "remix", "dataset": dataset, "imbalance": 50})
        assert config.deferred_reweighting == config.drop_epochs[0] == 0.8 * config.epochs


def test_what_cannot_be_is_refused():
    with pytest.raises(UserError, match=r"^--mixup must be true with --method=remix\. Received: false$"):
        resolve({"method": "remix", "mixup": False})
    for options, message in (
        ({"kappa": 0.5}, r"^kappa must be a number at least 1\. Received: 0\.5$"),
        ({"tau": 0.6}, r"^tau must be a number in \[0, 0\.5\]\. Received: 0\.6$"),
        ({"mixup_alpha": 0.0}, r"^mixup_alpha must be greater than 0 with Remix\. Received: 0$"),
    ):
        with pytest.raises(UserError, match=message):
            Remix(classifier(), COUNTS, **options)
