"""From a config to data and given labels."""

import numpy as np
import pytest

from ieg_fsr.config import resolve
from ieg_fsr.data.datasets import load_dataset
from ieg_fsr.errors import UserError
from ieg_fsr.training.inputs import load_training_data


def test_noise_is_in_the_given_labels_and_not_in_the_true_ones():
    data, given_labels, _ = load_training_data(resolve({"noise": 0.5}))
    np.testing.assert_array_equal(data.train.labels, load_dataset("digits").train.labels)
    # Half of the labels drawn from ten classes: 45 % wrong, within four standard errors.
    wrong = (given_labels != data.train.labels).mean()
    assert wrong == pytest.approx(0.45, abs=4 * np.sqrt(0.45 * 0.55 / 1437))


def test_a_subset_is_seeded_and_keeps_labels_with_their_images():
    whole = load_dataset("digits").train
    parts = [load_training_data(resolve({"train_examples": 500, "seed": seed}))[0].train for seed in (0, 0, 1)]
    images = [part.images(range(500)) for part in parts]
    np.testing.assert_array_equal(images[0], images[1])
    assert (images[0] != images[2]).any()
    lookup = {whole.images([i])[0].tobytes(): whole.labels[i] for i in range(len(whole))}
    assert all(lookup[image.tobytes()] == label for image, label in zip(images[0], parts[0].labels, strict=True))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train_examples": 1438}, "--train_examples must be at most 1437, .*Received: 1438"),
        ({"batch_size": 1438}, "--batch_size must be at most 1437, .*Received: 1438"),
        ({"dictionary_size": 1438}, "--dictionary_size must be at most 1437, .*Received: 1438"),
        ({"train_examples": 150, "dictionary_size": 200}, "--dictionary_size must be at most 150, .*Received: 200"),
    ],
)
def test_sizes_beyond_the_data_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        load_training_data(resolve(settings))


def test_dictionary_size_does_not_matter_to_supervised_training():
    load_training_data(resolve({"method": "supervised", "train_examples": 150}))


def test_noise_comes_after_the_long_tail():
    whole = load_dataset("digits").train
    clean = load_training_data(resolve({"imbalance": 10.0}))
    noisy = load_training_data(resolve({"imbalance": 10.0, "noise": 0.4, "noise_type": "uniform_other"}))
    np.testing.assert_array_equal(noisy.source_ids, clean.source_ids)
    np.testing.assert_array_equal(noisy.data.train.labels, whole.labels[noisy.source_ids])
    np.testing.assert_array_equal(clean.given_labels, clean.data.train.labels)
    largest = np.bincount(whole.labels).max()
    np.testing.assert_allclose(
        np.bincount(noisy.data.train.labels), [largest * 10 ** (-i / 9) for i in range(10)], rtol=0.08, atol=1
    )
    wrong = noisy.given_labels != noisy.data.train.labels
    assert wrong.mean() == pytest.approx(0.4, abs=4 * np.sqrt(0.24 / len(wrong)))


@pytest.mark.parametrize("settings", [{}, {"train_examples": 900}, {"train_examples": 900, "imbalance": 4.0}])
def test_labels_of_a_file_follow_their_examples(settings, tmp_path):
    whole = load_dataset("digits").train
    labels = (whole.labels + np.arange(len(whole)) % 2) % 10  # Odd ids have the next class.
    np.save(tmp_path / "labels.npy", labels)
    training = load_training_data(resolve(settings | {"labels_file": str(tmp_path / "labels.npy")}))
    np.testing.assert_array_equal(training.given_labels, labels[training.source_ids])
    np.testing.assert_array_equal(training.data.train.labels, whole.labels[training.source_ids])
    np.testing.assert_array_equal(training.data.train.images([3]), whole.images(training.source_ids[[3]]))
    without = load_training_data(resolve(settings))
    np.testing.assert_array_equal(training.source_ids, without.source_ids)


def test_noise_of_a_matrix(tmp_path):
    matrix = np.eye(10)[[1, 0, *range(2, 10)]]
    np.savetxt(tmp_path / "swap.csv", matrix, delimiter=",")
    training = load_training_data(resolve({"noise_matrix": str(tmp_path / "swap.csv")}))
    swap = np.array([1, 0, *range(2, 10)])
    np.testing.assert_array_equal(training.given_labels, swap[training.data.train.labels])
