"""Mates of the same given class, the distribution of the share, and batches that are mixed with them."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.data.pipeline.class_mates import ClassMates
from ieg_fsr.data.pipeline.encoded_images import EncodedImages
from ieg_fsr.data.pipeline.examples import Examples, examples

LABELS = np.array([2, 0, 1, 0, -1, 2, 0, 1], np.int32)


def test_each_member_of_the_class_is_drawn_as_often():
    mates, labels = ClassMates(LABELS, seed=0), tf.constant([0] * 3000 + [2] * 2000 + [1] * 2000)
    drawn, _ = mates.draw(labels, tf.constant(5, tf.int64))
    np.testing.assert_array_equal(LABELS[drawn], labels)
    # Expected 1000 each, with a standard deviation of 26 at most.
    counts = np.bincount(drawn, minlength=8)
    assert counts[4] == 0
    np.testing.assert_allclose(counts[[0, 1, 2, 3, 5, 6, 7]], 1000, atol=130)


def test_shares_are_beta_distributed():
    """P(lambda <= x) = 1 - (1 - x)^0.1, as far as float32 tells x from 1."""
    mates = ClassMates(LABELS, seed=3)
    draw = tf.function(mates.draw)
    shares = np.sort([float(draw(tf.constant([0]), tf.constant(step))[1]) for step in range(2000)])
    places = (np.arange(2000) + 0.5) / 2000
    told = shares < 1 - 1e-5
    assert told.sum() > 1200
    assert np.abs(1 - (1 - shares) ** 0.1 - places)[told].max() < 1.63 / 2000**0.5  # Kolmogorov, at 1 %
    assert shares.mean() == pytest.approx(10 / 11, abs=0.02)


def batches(data, first=0):
    return [tuple(np.asarray(part) for part in batch) for batch in data.batches(first, 4)]


def test_batches_of_a_part_are_mixed_with_mates_from_all():
    """Images are the squares of their ids: what is mixed in, and how much, follows from them."""
    x = (np.arange(8, dtype=np.float32) ** 2)[:, None]
    data = examples(x, LABELS, batch_size=2).with_class_mates()
    for images, labels, ids in batches(data):
        np.testing.assert_array_equal(images, x[ids])  # all are visited: nothing is mixed
        np.testing.assert_array_equal(labels, LABELS[ids])
    part = data.visiting(np.array([0, 1, 2, 4]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert part.steps_per_epoch == 1
    for step, (images, labels, ids, factors) in enumerate(batches(part)):
        mates, share = data._mates.draw(tf.constant(labels), tf.constant(step, tf.int64))
        np.testing.assert_array_equal(LABELS[mates], labels)
        np.testing.assert_allclose(images, share * x[ids] + (1 - share) * x[mates], rtol=1e-6)
        np.testing.assert_array_equal(factors, np.array([1.0, 2.0, 3.0, 0, 0])[ids])
    for one, other in zip(batches(part)[2], batches(part, first=2)[0], strict=True):
        np.testing.assert_array_equal(one, other)


def test_encoded_images_are_mixed_with_mates_too():
    """Images of one colour each, which every crop leaves as it is."""
    colours = np.arange(0, 160, 20)
    contents = [tf.io.encode_png(np.full((12, 12, 3), colour, np.uint8)).numpy() for colour in colours]
    source = EncodedImages(contents, np.zeros(8, int), 8, in_files=False)
    data = Examples(source, LABELS, 2, seed=1).with_class_mates()
    images, labels, ids = batches(data)[0]
    np.testing.assert_array_equal(images[:, 0, 0, 0], colours[ids])
    images, labels, ids = batches(data.visiting(np.array([0, 1, 2, 3])))[1]
    mates, share = data._mates.draw(tf.constant(labels), tf.constant(1, tf.int64))
    np.testing.assert_allclose(images[:, 0, 0, 0], share * colours[ids] + (1 - share) * colours[mates], rtol=1e-5)
    assert images.dtype == np.float32
