"""Forward correction by hand and with the identity; the estimate of its matrix against a hand-made table."""

import numpy as np
import tensorflow as tf

from ieg_fsr.methods.class_balanced import softmax_cross_entropy
from ieg_fsr.methods.models.forward_correction import estimate_transition_matrix, forward_corrected_cross_entropy

RNG = np.random.default_rng(0)


def test_by_hand():
    # p = (1/4, 3/4); given 0 with 1/4 * 0.9 + 3/4 * 0.2 = 0.375, given 1 with 0.625.
    logits = np.log([[1.0, 3.0], [1.0, 3.0], [1.0, 3.0]])
    matrix = np.array([[0.9, 0.1], [0.2, 0.8]])
    targets = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    expected = [-np.log(0.375), -np.log(0.625), -0.5 * np.log(0.375 * 0.625)]
    np.testing.assert_allclose(forward_corrected_cross_entropy(targets, logits, matrix), expected)


def test_identity_is_cross_entropy():
    logits, targets = RNG.normal(size=(5, 4)) * 5, RNG.dirichlet(np.ones(4), 5)
    expected = softmax_cross_entropy(targets, logits)
    np.testing.assert_allclose(forward_corrected_cross_entropy(targets, logits, np.eye(4)), expected)


def test_the_true_probabilities_are_where_the_gradient_over_noisy_labels_vanishes():
    matrix = RNG.dirichlet(np.ones(3), 3)
    true = RNG.dirichlet(np.ones(3), 1)
    logits = tf.constant(np.log(true))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = forward_corrected_cross_entropy(true @ matrix, logits, matrix)
    np.testing.assert_allclose(tape.gradient(loss, logits), np.zeros((1, 3)), atol=1e-12)


def test_an_impossible_label_has_a_finite_loss_and_gradient():
    logits = tf.constant([[200.0, -200.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = forward_corrected_cross_entropy(tf.constant([[0.0, 1.0]]), logits, tf.eye(2))
    assert np.isfinite(loss.numpy()).all()
    assert np.isfinite(tape.gradient(loss, logits).numpy()).all()


def test_estimate_takes_the_row_of_the_surest_example_that_is_no_outlier():
    probabilities = np.array([[0.99, 0.01], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6], [0.1, 0.9]])
    # Four examples are called 0, of which floor(1.2) = 1 is skipped; one is called 1, of which none is.
    np.testing.assert_array_equal(estimate_transition_matrix(probabilities, np.array([4, 1])), probabilities[[1, 4]])


def test_with_ten_even_classes_the_anchor_is_below_the_97th_percentile():
    probabilities = RNG.dirichlet(np.ones(10), 1000)
    estimated = estimate_transition_matrix(probabilities, np.full(10, 100))
    for i in range(10):
        outliers = np.percentile(probabilities[:, i], 97, method="higher")
        inner = np.where(probabilities[:, i] < outliers, probabilities[:, i], 0.0)
        np.testing.assert_allclose(estimated[i], probabilities[inner.argmax()])


def test_a_network_that_knows_the_noise_gives_the_matrix_back():
    matrix = 0.6 * np.eye(5) + 0.4 / 5
    labels = np.arange(500) % 5
    np.testing.assert_array_equal(estimate_transition_matrix(matrix[labels], np.full(5, 100)), matrix)
