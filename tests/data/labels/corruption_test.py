"""Tests of the transition matrix and of the labels drawn from it."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

import ieg_fsr
from ieg_fsr.data.labels.corruption import NOISE_TYPES, corrupt_labels, noise_transition_matrix
from ieg_fsr.errors import UserError


def uniform(noise, num_classes=10):
    return noise_transition_matrix("uniform", num_classes, noise)


def balanced_labels(count, num_classes=10):
    return np.arange(count) % num_classes


def test_matrix_by_hand():
    np.testing.assert_allclose(uniform(0.3, 3), [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])


@pytest.mark.parametrize("num_classes", [2, 10, 100])
@pytest.mark.parametrize("noise", [0.0, 0.2, 0.4, 0.8, 1.0])
def test_rows_sum_to_one(noise, num_classes):
    matrix = uniform(noise, num_classes)
    assert matrix.shape == (num_classes, num_classes)
    assert matrix.min() >= 0
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-12)


def test_other_kinds_by_hand():
    np.testing.assert_allclose(
        noise_transition_matrix("uniform_other", 3, 0.3), [[0.7, 0.15, 0.15], [0.15, 0.7, 0.15], [0.15, 0.15, 0.7]]
    )
    np.testing.assert_allclose(
        noise_transition_matrix("pairflip", 3, 0.3), [[0.7, 0.3, 0.0], [0.0, 0.7, 0.3], [0.3, 0.0, 0.7]]
    )


def test_asymmetric_cifar10_by_hand():
    expected = np.eye(10)
    # truck -> automobile, bird -> airplane, cat <-> dog, deer -> horse; the other five classes stay.
    for true_label, mistake in ((9, 1), (2, 0), (3, 5), (5, 3), (4, 7)):
        expected[true_label, true_label], expected[true_label, mistake] = 0.6, 0.4
    np.testing.assert_allclose(noise_transition_matrix("asymmetric", 10, 0.4, "cifar10"), expected)


def test_asymmetric_cifar100_stays_within_the_superclass():
    matrix = noise_transition_matrix("asymmetric", 100, 0.4, "cifar100")
    np.testing.assert_allclose(np.diag(matrix), 0.6)
    # maple, oak, palm, pine, willow tree: 47, 52, 56, 59, 96.
    for true_label, mistake in ((47, 52), (52, 56), (56, 59), (59, 96), (96, 47)):
        assert matrix[true_label, mistake] == pytest.approx(0.4)
    np.testing.assert_allclose(matrix.sum(axis=0), 1.0)


@pytest.mark.parametrize(
    "matrix",
    [
        uniform(0.4),
        noise_transition_matrix("uniform_other", 10, 0.4),
        noise_transition_matrix("uniform_other", 10, 1.0),
        noise_transition_matrix("asymmetric", 10, 0.4, "cifar10"),
        noise_transition_matrix("asymmetric", 100, 0.4, "cifar100"),
        noise_transition_matrix("pairflip", 10, 0.45),
        # Every row different, with zeros at the start, in the middle and at the end.
        np.array([[0.7, 0.3, 0.0], [0.0, 0.9, 0.1], [0.25, 0.0, 0.75]]),
    ],
)
def test_measured_transition_agrees_with_the_matrix(matrix):
    true_labels = balanced_labels(100_000, len(matrix))
    given = corrupt_labels(true_labels, matrix, seed=1)
    counts = np.zeros_like(matrix)
    np.add.at(counts, (true_labels, given), 1)
    sizes = counts.sum(axis=1, keepdims=True)
    # For a probability of 0 or 1 the standard error is 0: the share must be met exactly.
    standard_error = np.sqrt(matrix * (1 - matrix) / sizes)
    assert np.all(np.abs(counts / sizes - matrix) <= 4 * standard_error + 1e-12)


def test_forty_percent_noise_leaves_36_percent_wrong():
    true_labels = balanced_labels(100_000)
    wrong = np.mean(corrupt_labels(true_labels, uniform(0.4), seed=0) != true_labels)
    assert wrong == pytest.approx(0.36, abs=4 * np.sqrt(0.36 * 0.64 / 100_000))


def test_without_noise_nothing_changes():
    true_labels = np.random.default_rng(0).integers(0, 10, 20_000)
    given = corrupt_labels(true_labels, uniform(0.0), seed=0)
    np.testing.assert_array_equal(given, true_labels)
    assert given.dtype == np.int32


def test_full_noise_is_uniform_whatever_the_true_label():
    for label in (0, 9):
        given = corrupt_labels(np.full(50_000, label), uniform(1.0), seed=2)
        np.testing.assert_allclose(np.bincount(given, minlength=10), 5000, rtol=0, atol=4 * np.sqrt(5000 * 0.9))


def test_true_labels_stay_as_they_are():
    true_labels = balanced_labels(100)
    corrupt_labels(true_labels, uniform(1.0), seed=0)
    np.testing.assert_array_equal(true_labels, balanced_labels(100))


def test_same_seed_same_labels_other_seed_other_labels():
    true_labels = balanced_labels(1000)
    first, again, other = (corrupt_labels(true_labels, uniform(0.4), seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    # Two independent corruptions of 36 % agree on .64^2 + .36^2 / 9 = .424 of the labels.
    assert np.mean(first == other) == pytest.approx(0.424, abs=0.07)


def test_the_stream_of_uniform_noise_stays_as_it_was():
    """Runs of every version with one seed have the same labels. By hand: a draw below .64 of row 0 keeps the 0."""
    draws = np.random.default_rng(5).random(200)
    given = corrupt_labels(np.zeros(200, int), uniform(0.4), seed=5)
    np.testing.assert_array_equal(given, np.maximum(0, np.ceil((draws - 0.64) / 0.04)))


@pytest.mark.parametrize("noise_type", [name for name in NOISE_TYPES if name != "instance"])
def test_same_labels_in_another_process(noise_type):
    program = (
        "import numpy as np\n"
        "from ieg_fsr.data.labels.corruption import NOISE_TYPES, corrupt_labels, noise_transition_matrix\n"
        f"matrix = noise_transition_matrix({noise_type!r}, 10, 0.4, 'cifar10')\n"
        "print(*corrupt_labels(np.arange(200) % 10, matrix, 5))\n"
    )
    root = pathlib.Path(ieg_fsr.__file__).parents[1]
    output = subprocess.run(
        [sys.executable, "-c", program], cwd=root, check=True, capture_output=True, text=True
    ).stdout
    matrix = noise_transition_matrix(noise_type, 10, 0.4, "cifar10")
    expected = corrupt_labels(balanced_labels(200), matrix, seed=5)
    np.testing.assert_array_equal([int(label) for label in output.split()], expected)


def test_a_label_depends_on_its_own_place_only():
    true_labels = balanced_labels(500)
    full = corrupt_labels(true_labels, uniform(0.4), seed=6)
    np.testing.assert_array_equal(corrupt_labels(true_labels[:120], uniform(0.4), seed=6), full[:120])
    changed = true_labels.copy()
    changed[50] = 7
    np.testing.assert_array_equal(np.delete(corrupt_labels(changed, uniform(0.4), seed=6), 50), np.delete(full, 50))


def test_what_has_no_label_gets_none_and_others_theirs():
    true_labels = balanced_labels(500)
    some = np.where(np.arange(500) % 7 == 0, -1, true_labels)
    given = corrupt_labels(some, uniform(0.4), seed=6)
    np.testing.assert_array_equal(given, np.where(some < 0, -1, corrupt_labels(true_labels, uniform(0.4), seed=6)))


@pytest.mark.parametrize("noise", [-0.1, 1.4, float("nan")])
def test_noise_out_of_range_is_refused(noise):
    with pytest.raises(UserError, match=rf"--noise must be in \[0, 1\]. Received: {noise:g}"):
        uniform(noise)


def test_unknown_noise_type_is_refused():
    with pytest.raises(UserError, match=r"--noise_type must be one of .*uniform.* Received: salt"):
        noise_transition_matrix("salt", 10, 0.4)


def test_noise_that_depends_on_the_image_is_no_matrix():
    with pytest.raises(UserError, match=r"^--noise_type must be one of .*pairflip for a transition matrix\. "):
        noise_transition_matrix("instance", 10, 0.4)


def test_asymmetric_noise_needs_a_list_of_mistakes():
    message = r"^--noise_type must be one of uniform, .*pairflip, instance for .*digits .*Received: asymmetric$"
    with pytest.raises(UserError, match=message):
        noise_transition_matrix("asymmetric", 10, 0.4, "digits")
