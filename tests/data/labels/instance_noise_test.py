"""Tests of noise that depends on the image: its rate, its distribution by hand, what it looks at."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
from scipy import special, stats

import ieg_fsr
from ieg_fsr.data.labels.instance_noise import flip_rates, instance_labels
from ieg_fsr.errors import UserError


def some_images(count, shape=(5, 4, 2), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def given_labels(images, labels, noise, num_classes=10, seed=3):
    ids = np.arange(len(images))
    return instance_labels(lambda some: images[some], ids, np.asarray(labels), num_classes, noise, seed)


@pytest.mark.parametrize("noise", [0.0, 0.002, 0.05, 0.2, 0.4, 0.9, 1.0])
def test_share_of_wrong_labels(noise):
    labels = np.arange(20_000) % 10
    wrong = np.mean(given_labels(some_images(20_000), labels, noise) != labels)
    assert wrong == pytest.approx(noise, abs=4 * np.sqrt(noise * (1 - noise) / 20_000) + 1e-12)


@pytest.mark.parametrize(("mean", "location"), [(0.4, 0.4), (0.6, 0.6), (0.12876, 0.1)])
def test_rates_are_of_a_truncated_normal(mean, location):
    """Around 0.1 it has the mean 0.1 + 0.1 phi(1) / Phi(1) = 0.12876: what lies above 1 is nothing."""
    rates = flip_rates(np.random.default_rng(0).random(20_000), mean)
    expected = stats.truncnorm(-location / 0.1, (1 - location) / 0.1, location, 0.1)
    assert expected.mean() == pytest.approx(mean, abs=1e-4)
    assert stats.kstest(rates, expected.cdf).pvalue > 0.01


@pytest.mark.parametrize("mean", [1e-6, 0.001, 0.01, 0.03, 0.99, 0.9999])
def test_rates_near_the_ends_have_their_mean(mean):
    rates = flip_rates((np.arange(20_000) + 0.5) / 20_000, mean)
    assert rates.mean() == pytest.approx(mean, rel=1e-3)
    assert 0.0 <= rates.min() <= rates.max() <= 1.0


def test_an_image_decides_what_it_is_mistaken_for():
    """One image many times: the classes come with the frequencies of the softmax that the docstring defines."""
    image, count, seed = some_images(1)[0], 20_000, 3
    given = given_labels(np.broadcast_to(image, (count, *image.shape)), np.full(count, 1), 0.5, 4, seed)
    projection = np.random.default_rng([seed, 4, 1, 1]).standard_normal([40, 4])
    logits = np.array([sum(image.ravel() / 255 * projection[:, c]) for c in range(4)])
    expected = np.zeros(4)
    expected[[0, 2, 3]] = 0.5 * special.softmax(logits[[0, 2, 3]])
    expected[1] = 0.5
    shares = np.bincount(given, minlength=4) / count
    np.testing.assert_allclose(shares, expected, rtol=0, atol=4 * np.sqrt(0.25 / count))


def test_like_images_have_like_mistakes():
    image = some_images(1)[0]
    images = np.stack([image, 255 - image])[np.arange(600) % 2]
    given = given_labels(images, np.zeros(600, int), 1.0)
    first, second = (np.bincount(given[part::2], minlength=10) / 300 for part in (0, 1))
    assert np.abs(first - second).sum() > 0.5, "two images of one class are mistaken for different ones"
    assert not (given == 0).any()


def test_large_images_are_averaged_over_blocks():
    """A side of 70 has blocks of three, 23 of them: what lies in the last row of pixels is left out."""
    small = some_images(300, (23, 2, 1))
    large = np.concatenate([small.repeat(3, axis=1), np.full((300, 1, 2, 1), 7, np.uint8)], axis=1)
    labels = np.arange(300) % 10
    np.testing.assert_array_equal(given_labels(large, labels, 0.7), given_labels(small, labels, 0.7))


def test_images_are_read_in_batches_and_only_those_of_wrong_labels():
    images, labels, read = some_images(3000), np.zeros(3000, int), []
    given = instance_labels(lambda ids: read.append(ids) or images[ids], np.arange(3000), labels, 3, 0.3, 0)
    assert max(map(len, read)) == 250
    np.testing.assert_array_equal(np.sort(np.concatenate(read)), np.flatnonzero(given != labels))


def test_a_label_depends_on_its_own_place_only():
    images, labels = some_images(500), np.arange(500) % 10
    whole = given_labels(images, labels, 0.6)
    np.testing.assert_array_equal(given_labels(images[:123], labels[:123], 0.6), whole[:123])
    changed = np.where(np.arange(500) == 50, 7, labels)
    np.testing.assert_array_equal(np.delete(given_labels(images, changed, 0.6), 50), np.delete(whole, 50))


def test_what_has_no_label_gets_none_and_others_theirs():
    images, labels = some_images(500), np.arange(500) % 10
    some = np.where(np.arange(500) % 7 == 0, -1, labels)
    expected = np.where(some < 0, -1, given_labels(images, labels, 0.6))
    np.testing.assert_array_equal(given_labels(images, some, 0.6), expected)


def test_same_seed_same_labels_in_another_process():
    program = (
        "import numpy as np\n"
        "from ieg_fsr.data.labels.instance_noise import instance_labels\n"
        "images = np.random.default_rng(0).integers(0, 256, (200, 5, 4, 2), np.uint8)\n"
        "print(*instance_labels(lambda ids: images[ids], np.arange(200), np.arange(200) % 10, 10, 0.4, 5))\n"
    )
    root = pathlib.Path(ieg_fsr.__file__).parents[1]
    output = subprocess.run([sys.executable, "-c", program], cwd=root, check=True, capture_output=True, text=True)
    labels = np.arange(200) % 10
    expected = given_labels(some_images(200), labels, 0.4, seed=5)
    np.testing.assert_array_equal([int(label) for label in output.stdout.split()], expected)
    assert np.mean(given_labels(some_images(200), labels, 0.4, seed=6) != expected) > 0.3


def test_projections_of_too_many_classes_are_refused():
    with pytest.raises(UserError, match=r"^--noise_type must be another than instance for more than 1000 classes\. "):
        given_labels(some_images(2), [0, 1000], 0.4, 1001)
