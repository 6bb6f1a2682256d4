"""Tests of MixUp on images that show who was mixed into them."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.data.pipeline.mixup import mixup

BATCH = 2000


def mixing_matrix(alpha=1.0, seed=0, batch_size=BATCH):
    """[B, B]: row i holds the shares of all samples in mixed sample i, read off the mixed unit vectors."""
    unit_vectors = tf.reshape(tf.eye(batch_size), [batch_size, batch_size, 1, 1])
    images, _ = mixup(unit_vectors, tf.zeros([batch_size, 2]), tf.constant([seed, 1]), alpha)
    return images.numpy().reshape(batch_size, batch_size)


def own_shares(alpha):
    """Shares of the samples whose partner is another one."""
    matrix = mixing_matrix(alpha)
    own = np.diag(matrix)
    has_partner = np.count_nonzero(matrix, axis=1) == 2
    assert has_partner.mean() > 0.99
    return own[has_partner].astype(np.float64)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_sample_keeps_its_identity(alpha):
    matrix = mixing_matrix(alpha, batch_size=300)
    assert np.diag(matrix).min() >= 0.5
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-6)
    assert np.count_nonzero(matrix, axis=1).max() == 2


def test_each_sample_is_partner_of_exactly_one():
    matrix = mixing_matrix(batch_size=300)
    partners = matrix - np.diag(np.diag(matrix))
    # A sample drawn as its own partner has neither.
    np.testing.assert_array_equal(np.count_nonzero(partners, axis=0), np.diag(matrix) < 1 - 1e-6)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_images_and_targets_are_mixed_alike(alpha):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(50, 3, 2, 4)).astype(np.float32)
    targets = rng.dirichlet(np.ones(5), 50).astype(np.float32)
    mixed_images, mixed_targets = mixup(tf.constant(images), tf.constant(targets), tf.constant([0, 1]), alpha)
    matrix = mixing_matrix(alpha, batch_size=50)
    assert mixed_images.shape == images.shape
    np.testing.assert_allclose(mixed_images, np.tensordot(matrix, images, axes=1), atol=1e-6)
    np.testing.assert_allclose(mixed_targets, matrix @ targets, atol=1e-6)
    np.testing.assert_allclose(tf.reduce_sum(mixed_targets, axis=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_share_is_distributed_as_the_larger_part_of_a_beta_variate(alpha):
    """m = max(u, 1 - u), u ~ Beta(a, a): E m = 1/2 + 1 / (4^a a B(a, a)), E (m - 1/2)^2 = Var u = 1 / (4 (2a + 1)).

    For a = 1 these are 3/4 and 1/12.
    """
    shares = own_shares(alpha)
    beta = math.gamma(alpha) ** 2 / math.gamma(2 * alpha)
    mean, variance = 0.5 + 1 / (4**alpha * alpha * beta), 1 / (4 * (2 * alpha + 1))
    standard_error = np.sqrt((variance - (mean - 0.5) ** 2) / len(shares))
    assert shares.mean() == pytest.approx(mean, abs=4 * standard_error)
    assert np.mean(np.square(shares - 0.5)) == pytest.approx(variance, rel=0.1)


def test_share_and_partner_are_independent():
    """Under a common noise u the partners, ordered by u, would have shares max(u, 1 - u) that fall, then rise."""
    matrix = mixing_matrix()
    own = np.diag(matrix)
    partner = (matrix - np.diag(own)).argmax(axis=1)
    distance_from_middle = np.abs(np.arange(BATCH) - BATCH / 2)
    assert abs(np.corrcoef(distance_from_middle, own[partner])[0, 1]) < 4 / np.sqrt(BATCH)


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_follows_the_seed(alpha):
    first = mixing_matrix(alpha, seed=3, batch_size=20)
    np.testing.assert_array_equal(mixing_matrix(alpha, seed=3, batch_size=20), first)
    assert np.any(mixing_matrix(alpha, seed=4, batch_size=20) != first)


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_is_the_same_compiled(alpha):
    def mixed(images, targets, seed):
        return mixup(images, targets, seed, alpha)

    arguments = tf.reshape(tf.eye(30), [30, 30, 1, 1]), tf.eye(30), tf.constant([7, 7])
    for received, expected in zip(tf.function(mixed, jit_compile=True)(*arguments), mixed(*arguments), strict=True):
        np.testing.assert_allclose(received, expected, atol=1e-5)
