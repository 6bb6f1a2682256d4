"""Tests of crop and flip against all crops, made by slicing."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.data.pipeline.augmentation import pad_crop_flip

HEIGHT, WIDTH, CHANNELS = 5, 4, 2


def random_images(count, dtype=np.uint8, seed=0):
    """Pixels in 1..255: black appears only as padding."""
    pixels = np.random.default_rng(seed).integers(1, 256, (count, HEIGHT, WIDTH, CHANNELS))
    return pixels.astype(dtype)


def all_outcomes(image, padding, flip):
    """Every (row offset, column offset, mirrored) -> image."""
    padded = np.pad(image, [(padding, padding), (padding, padding), (0, 0)])
    offsets = range(2 * padding + 1)
    crops = {(r, c, False): padded[r : r + HEIGHT, c : c + WIDTH] for r in offsets for c in offsets}
    mirrored = {(r, c, True): crop[:, ::-1] for (r, c, _), crop in crops.items()}
    return crops | mirrored if flip else crops


def outcomes_of(images, augmented, padding, flip):
    """Which outcome each augmented image is; fails unless it is exactly one."""
    found = []
    for image, result in zip(images, augmented, strict=True):
        matches = [key for key, crop in all_outcomes(image, padding, flip).items() if np.array_equal(crop, result)]
        assert len(matches) == 1
        found.append(matches[0])
    return found


def augment(images, padding, flip, seed=0):
    return pad_crop_flip(tf.constant(images), tf.constant([seed, 1]), padding, flip).numpy()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize(("padding", "flip"), [(1, True), (1, False), (2, True), (0, True)])
def test_every_output_is_a_crop_and_all_of_them_occur(padding, flip, dtype):
    images = random_images(600, dtype)
    augmented = augment(images, padding, flip)
    assert augmented.dtype == np.float32
    assert augmented.shape == images.shape
    found = outcomes_of(images, augmented, padding, flip)
    assert set(found) == set(all_outcomes(images[0], padding, flip))


def test_outcomes_are_equally_likely():
    """1,800 copies of one image, 18 outcomes: 100 each, standard deviation 9.7."""
    images = np.repeat(random_images(1), 1800, axis=0)
    found = outcomes_of(images, augment(images, 1, flip=True), 1, flip=True)
    _, counts = np.unique(found, axis=0, return_counts=True)
    np.testing.assert_allclose(counts, np.full(18, 100), rtol=0, atol=4 * 9.7)


def test_without_crop_and_flip_it_is_a_cast():
    images = random_images(7)
    augmented = augment(images, 0, flip=False)
    np.testing.assert_array_equal(augmented, images)
    assert augmented.dtype == np.float32


def test_follows_the_seed():
    images = random_images(50)
    np.testing.assert_array_equal(augment(images, 1, True, seed=3), augment(images, 1, True, seed=3))
    assert np.any(augment(images, 1, True, seed=3) != augment(images, 1, True, seed=4))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_same_result_inside_a_function(jit_compile):
    images = random_images(20)
    compiled = tf.function(pad_crop_flip, jit_compile=jit_compile)
    actual = compiled(tf.constant(images), tf.constant([9, 1]), padding=2, flip=True)
    np.testing.assert_array_equal(actual, augment(images, 2, flip=True, seed=9))


def test_takes_a_batch_of_unknown_size():
    signature = [tf.TensorSpec([None, HEIGHT, WIDTH, CHANNELS], tf.uint8), tf.TensorSpec([2], tf.int32)]
    compiled = tf.function(lambda images, seed: pad_crop_flip(images, seed, 1, True), input_signature=signature)
    images = random_images(6)
    np.testing.assert_array_equal(compiled(images, tf.constant([2, 1])), augment(images, 1, flip=True, seed=2))
