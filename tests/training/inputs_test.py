"""From a config to data and given labels."""

import numpy as np
import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.data.labels.instance_noise import instance_labels
from ieg_fsr.data.sources.datasets import load_dataset
from ieg_fsr.errors import UserError
from ieg_fsr.methods.coteaching import forget_rate
from ieg_fsr.methods.forward_correction import known_matrix
from ieg_fsr.training.inputs import load_training_data


def test_noise_is_in_the_given_labels_and_not_in_the_true_ones():
    data, given_labels, *_ = load_training_data(resolve({"noise": 0.5}))
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
        ({"method": "l2r", "clean_per_class": 134}, "--clean_per_class must leave .*at most 133, .*Received: 134"),
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
    right = load_training_data(resolve({"imbalance": 10.0}))
    noisy = load_training_data(resolve({"imbalance": 10.0, "noise": 0.4, "noise_type": "uniform_other"}))
    np.testing.assert_array_equal(noisy.source_ids, right.source_ids)
    np.testing.assert_array_equal(noisy.data.train.labels, whole.labels[noisy.source_ids])
    np.testing.assert_array_equal(right.given_labels, right.data.train.labels)
    largest = np.bincount(whole.labels).max()
    np.testing.assert_allclose(
        np.bincount(noisy.data.train.labels), [largest * 10 ** (-i / 9) for i in range(10)], rtol=0.08, atol=1
    )
    wrong = noisy.given_labels != noisy.data.train.labels
    assert wrong.mean() == pytest.approx(0.4, abs=4 * np.sqrt(0.24 / len(wrong)))


def test_noise_that_depends_on_the_image_looks_at_the_images_of_the_run():
    settings = {"noise": 0.4, "noise_type": "instance", "train_examples": 900, "imbalance": 2.0}
    training = load_training_data(resolve(settings))
    labels, wrong = training.data.train.labels, training.given_labels != training.data.train.labels
    assert wrong.mean() == pytest.approx(0.4, abs=4 * np.sqrt(0.24 / len(labels)))
    train = training.data.train
    again = instance_labels(train.images, np.arange(len(train)), labels, 10, 0.4, 0)
    np.testing.assert_array_equal(training.given_labels, again)
    # A hold-out leaves the labels of the others as they are.
    held_out = load_training_data(resolve(settings | {"imbalance": 1.0, "method": "l2r", "clean_per_class": 5}))
    without = load_training_data(resolve(settings | {"imbalance": 1.0}))
    places = np.searchsorted(without.source_ids, held_out.source_ids)
    np.testing.assert_array_equal(held_out.given_labels, without.given_labels[places])


@pytest.mark.parametrize("settings", [{}, {"train_examples": 700}, {"imbalance": 4.0}])
def test_clean_images_leave_the_training_set_with_their_true_labels(settings):
    whole = load_dataset("digits").train
    settings = settings | {"noise": 0.4, "clean_per_class": 7}
    training, without = (load_training_data(resolve(settings | {"method": name})) for name in ("l2r", "fsr"))
    holdout, train = training.data.holdout, training.data.train
    np.testing.assert_array_equal(np.bincount(holdout.labels), np.full(10, 7))
    label_of = {whole.images([i])[0].tobytes(): whole.labels[i] for i in range(len(whole))}
    assert all(
        label_of[image.tobytes()] == label
        for image, label in zip(holdout.images(range(70)), holdout.labels, strict=True)
    )
    trained_on = {image.tobytes() for image in train.images(range(len(train)))}
    assert not trained_on & {image.tobytes() for image in holdout.images(range(70))}
    np.testing.assert_array_equal(train.labels, whole.labels[training.source_ids])
    assert without.data.holdout is None
    if "imbalance" in settings:
        # Of 156 - 7 in class 1 the tail leaves a quarter in class 9; class 0 has 154 - 7, fewer than 149.
        np.testing.assert_array_equal(np.bincount(train.labels)[[0, 9]], [147, 37])
        return
    # The others keep the labels that they have without a hold-out.
    assert len(train) == len(without.data.train) - 70
    places = np.searchsorted(without.source_ids, training.source_ids)
    np.testing.assert_array_equal(training.given_labels, without.given_labels[places])
    assert set(training.source_ids) < set(without.source_ids)


def test_clean_images_of_relabelled_data_have_the_labels_of_the_source(tmp_path):
    whole = load_dataset("digits").train
    np.save(tmp_path / "labels.npy", (whole.labels + 1) % 10)
    training = load_training_data(resolve({"method": "l2r", "labels_file": str(tmp_path / "labels.npy")}))
    assert (len(training.data.holdout), len(training.given_labels)) == (100, len(whole) - 100)
    np.testing.assert_array_equal(np.bincount(training.data.holdout.labels), np.full(10, 10))
    np.testing.assert_array_equal(training.given_labels, (training.data.train.labels + 1) % 10)


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


def test_unlabelled_examples_of_a_file_are_counted_and_told(tmp_path):
    whole = load_dataset("digits").train
    np.save(tmp_path / "labels.npy", np.where(np.arange(len(whole)) % 10 == 3, -1, whole.labels))
    settings = {"labels_file": str(tmp_path / "labels.npy")}
    training = load_training_data(resolve(settings | {"batch_size": 1293}))
    np.testing.assert_array_equal(training.given_labels, np.load(tmp_path / "labels.npy"))
    np.testing.assert_array_equal(training.data.train.labels, whole.labels)
    assert training.data.notes == ("144 of 1437 training examples have no given label",)
    with pytest.raises(UserError, match=r"^--batch_size must be at most 1293, .*Received: 1294"):
        load_training_data(resolve(settings | {"batch_size": 1294}))


@pytest.mark.parametrize("noise_type", ["uniform", "instance"])
def test_unlabelled_examples_of_the_data_stay_unlabelled(tmp_path, noise_type):
    """Thirty of each of two classes, every fifth of all unlabelled; a tail of 24 and 6, and two of each held out."""
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)
    labels = np.where(np.arange(60) % 5 == 0, -1, np.arange(60) % 2)
    arrays = {"x_train": images, "y_train": labels, "x_test": images[:9], "y_test": np.arange(9) % 2}
    np.savez(tmp_path / "d.npz", **arrays)
    settings = {"dataset": f"npz:{tmp_path}/d.npz", "noise": 0.4, "noise_type": noise_type, "batch_size": 20}
    plain = load_training_data(resolve(settings))
    assert plain.data.notes == ("12 of 60 training examples have no given label",)
    np.testing.assert_array_equal(plain.given_labels == -1, labels == -1)
    assert 0.1 < np.mean((plain.given_labels != labels)[labels >= 0]) < 0.6
    held_out = load_training_data(resolve(settings | {"method": "l2r", "clean_per_class": 2, "imbalance": 4.0}))
    np.testing.assert_array_equal(np.bincount(held_out.data.holdout.labels), [2, 2])
    kept = held_out.data.train.labels
    np.testing.assert_array_equal([np.sum(kept == label) for label in (-1, 0, 1)], [12, 22, 5])
    np.savez(tmp_path / "d.npz", **(arrays | {"y_test": np.arange(9) % 3 - 1}))
    with pytest.raises(
        UserError, match=r"^--dataset=npz:.* must have a label for each image to test on\. Received: 3 "
    ):
        load_training_data(resolve(settings))


def test_noise_of_a_matrix(tmp_path):
    matrix = np.eye(10)[[1, 0, *range(2, 10)]]
    np.savetxt(tmp_path / "swap.csv", matrix, delimiter=",")
    training = load_training_data(resolve({"noise_matrix": str(tmp_path / "swap.csv")}))
    swap = np.array([1, 0, *range(2, 10)])
    np.testing.assert_array_equal(training.given_labels, swap[training.data.train.labels])


def correction_matrix(**settings):
    return known_matrix(resolve({"method": "forward_correction"} | settings), load_dataset("digits"))


def test_matrix_of_forward_correction(tmp_path):
    assert correction_matrix(noise=0.4) is None
    pairflip = correction_matrix(noise=0.4, noise_type="pairflip", correction_matrix="true")
    with pytest.raises(UserError, match=r"^--correction_matrix must be estimated or a file with --noise_type=instance"):
        correction_matrix(noise=0.4, noise_type="instance", correction_matrix="true")
    np.testing.assert_allclose(pairflip, 0.6 * np.eye(10) + 0.4 * np.roll(np.eye(10), 1, axis=1))
    np.save(tmp_path / "m.npy", pairflip)
    for settings in ({"correction_matrix": "true", "noise_matrix": str(tmp_path / "m.npy")},
                     {"correction_matrix": str(tmp_path / "m.npy"), "noise": 0.1}):  # fmt: skip
        np.testing.assert_array_equal(correction_matrix(**settings), pairflip)


def test_a_bad_matrix_of_forward_correction_is_said_with_the_data(tmp_path):
    np.save(tmp_path / "m.npy", np.eye(3))
    settings = {"method": "forward_correction", "correction_matrix": str(tmp_path / "m.npy")}
    with pytest.raises(UserError, match=r"^--correction_matrix must be of shape \[10, 10\]. Received: \[3, 3\]"):
        load_training_data(resolve(settings))


def test_share_that_coteaching_forgets(tmp_path):
    matrix = np.eye(10)
    matrix[0, :2] = 0.5
    np.save(tmp_path / "m.npy", matrix)
    expected = [
        ({"noise": 0.4}, 0.4),
        ({"noise": 0.4, "noise_type": "uniform_other"}, 0.4),
        ({"noise": 0.3, "noise_type": "instance"}, 0.3),
        ({"noise_type": "instance"}, 0.0),
        ({"noise": 0.4, "coteaching_forget_rate": 0.1}, 0.1),
        ({"noise_matrix": str(tmp_path / "m.npy")}, 0.05),  # one of ten classes, half of it
        ({}, 0.0),
    ]
    for settings, share in expected:
        config = resolve({"method": "coteaching"} | settings)
        assert forget_rate(config, load_dataset("digits")) == pytest.approx(share)


def test_steps_to_trace_must_be_in_the_run():
    """1437 images in batches of 100: 14 steps an epoch."""
    load_training_data(resolve({"epochs": 2, "profile_steps": (28, 28)}))
    with pytest.raises(UserError, match=r"--profile_steps must end by the last step of the run, 28\. Received: 5,29"):
        load_training_data(resolve({"epochs": 2, "profile_steps": (5, 29)}))
