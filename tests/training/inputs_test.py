"""From a config to data and given labels."""

import numpy as np
import pytest

from ieg_fsr.config import resolve
from ieg_fsr.data.datasets import load_dataset
from ieg_fsr.errors import UserError
from ieg_fsr.training.inputs import load_training_data


def test_noise_is_in_the_given_labels_and_not_in_the_true_ones():
    data, given_labels = load_training_data(resolve({"noise": 0.5}))
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
        ({"train_examples": 150}, "--dictionary_size must be at most 150, .*Received: 200"),
    ],
)
def test_sizes_beyond_the_data_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        load_training_data(resolve(settings))


def test_dictionary_size_does_not_matter_to_supervised_training():
    load_training_data(resolve({"method": "supervised", "train_examples": 150}))
