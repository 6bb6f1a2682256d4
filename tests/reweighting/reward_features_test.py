"""Tests of both sources of reward features with a network that returns what it sees."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.reweighting.dictionary import RewardDictionary
from ieg_fsr.reweighting.reward_features import ForwardFeatures, HistoryFeatures

NUM_EXAMPLES, NUM_CLASSES, NUM_FEATURES = 40, 4, 2


def images(ids):
    """Images [n, 2, 2, 1] of which every pixel is the id; example i has class i // 10."""
    return np.broadcast_to(np.asarray(ids, np.float32)[:, None, None, None], [len(ids), 2, 2, 1]).copy()


class CountingForward:
    """features = (mean pixel, mean pixel of the whole batch); counts calls on the device."""

    def __init__(self):
        self.calls = tf.Variable(0)
        self.largest_batch = tf.Variable(0)
        self.seed = tf.Variable([0, 0])

    def __call__(self, batch, seed):
        self.calls.assign_add(1)
        self.largest_batch.assign(tf.maximum(self.largest_batch, tf.shape(batch)[0]))
        self.seed.assign(seed)
        means = tf.reduce_mean(batch, axis=[1, 2, 3])
        return tf.stack([means, tf.fill(tf.shape(means), tf.reduce_mean(means))], axis=1)


@pytest.fixture(name="forward")
def _forward():
    return CountingForward()


@pytest.fixture(name="dictionary")
def _dictionary():
    """Ten slots for two members of each class: the last two slots are empty."""
    dictionary = RewardDictionary(10, NUM_CLASSES)
    dictionary.assign(*members([3, 7, 15, 11, 29, 20, 30, 38]))
    return dictionary


def members(ids):
    return np.array(ids, np.int32), np.array(ids) // 10


def seed(step):
    return tf.constant([step, 0], tf.int32)


def history(dictionary, forward, reward_batch_size=5):
    return HistoryFeatures(dictionary, forward, NUM_EXAMPLES, (NUM_FEATURES,), reward_batch_size)


def test_forwards_every_kth_step_and_at_once_after_renewal(dictionary, forward):
    source = ForwardFeatures(dictionary, forward, (NUM_FEATURES,), reward_batch_size=5, interval=3)
    step = tf.function(source.batch)
    calls = []
    source.renew(images, seed(0))
    for number in range(8):
        step(seed(number))
        calls.append(int(forward.calls))
    assert calls == [1, 1, 1, 2, 2, 2, 3, 3]
    source.renew(images, seed(0))
    for number in range(8, 12):
        step(seed(number))
        calls.append(int(forward.calls))
    assert calls[8:] == [4, 4, 4, 5]


def test_interval_one_forwards_every_step(dictionary, forward):
    source = ForwardFeatures(dictionary, forward, (NUM_FEATURES,), reward_batch_size=5)
    source.renew(images, seed(0))
    step = tf.function(source.batch)
    for number in range(4):
        step(seed(number))
        assert int(forward.calls) == number + 1


@pytest.mark.parametrize("interval", [1, 3])
def test_forwarded_features_and_labels_belong_together(dictionary, forward, interval):
    source = ForwardFeatures(dictionary, forward, (NUM_FEATURES,), reward_batch_size=8, interval=interval)
    source.renew(images, seed(0))
    step = tf.function(source.batch)
    seen = []
    for number in range(12):
        features, labels = (value.numpy() for value in step(seed(number)))
        ids = features[:, 0].astype(int)
        np.testing.assert_array_equal(labels, ids // 10)
        np.testing.assert_array_equal(np.bincount(labels, minlength=4), [2, 2, 2, 2])
        assert set(ids) <= set(dictionary.members())
        seen.append(tuple(ids))
    assert len(set(seen)) == 12 // interval
    assert set(np.ravel(seen)) == set(dictionary.members())


def test_forward_serves_the_new_members_after_renewal(dictionary, forward):
    source = ForwardFeatures(dictionary, forward, (NUM_FEATURES,), reward_batch_size=4, interval=5)
    source.renew(images, seed(0))
    step = tf.function(source.batch)
    step(seed(0))
    dictionary.assign(*members([1, 12, 23, 34]))
    source.renew(images, seed(0))
    features, labels = step(seed(1))
    assert sorted(features[:, 0].numpy()) == [1, 12, 23, 34]
    np.testing.assert_array_equal(labels, features[:, 0].numpy() // 10)


def test_each_forward_is_augmented_with_its_own_seed(dictionary, forward):
    source = ForwardFeatures(dictionary, forward, (NUM_FEATURES,), reward_batch_size=4)
    source.renew(images, seed(0))
    seeds = set()
    for number in range(3):
        source.batch(seed(number))
        seeds.add(tuple(forward.seed.numpy()))
    assert len(seeds) == 3


def test_forward_source_learns_nothing_from_training(dictionary, forward):
    source = ForwardFeatures(dictionary, forward, (NUM_FEATURES,), reward_batch_size=4, interval=2)
    source.renew(images, seed(0))
    before = source.batch(seed(0))[0].numpy()
    source.observe(tf.constant(dictionary.members()), tf.fill([8, 2], -1.0))
    np.testing.assert_array_equal(source.batch(seed(1))[0], before)


def slot_features(source, count=8):
    return source.features.numpy()[:count]


def test_history_renewal_fills_every_member(dictionary, forward):
    source = history(dictionary, forward)
    source.renew(images, seed(0))
    np.testing.assert_array_equal(slot_features(source)[:, 0], dictionary.members())


def test_history_renewal_forwards_chunks_of_mixed_classes(dictionary, forward):
    """Eight members in chunks of at most five, two chunks: each has one member of every class, mean id near 19."""
    source = history(dictionary, forward, reward_batch_size=5)
    source.renew(images, seed(0))
    assert int(forward.calls) == 2
    assert int(forward.largest_batch) == 4
    np.testing.assert_array_equal(np.unique(slot_features(source)[:, 1]), [19.0, 19.25])


def test_history_observes_exactly_the_members_seen(dictionary, forward):
    source = history(dictionary, forward)
    source.renew(images, seed(0))
    expected = slot_features(source)
    # Ids 11 (slot 3) and 30 (slot 6) are members, the others are not.
    tf.function(source.observe)(tf.constant([0, 11, 39, 30, 8]), tf.reshape(tf.range(100.0, 110.0), [5, 2]))
    expected[3], expected[6] = [102, 103], [106, 107]
    np.testing.assert_array_equal(slot_features(source), expected)


def test_history_ignores_non_members(dictionary, forward):
    source = history(dictionary, forward)
    source.renew(images, seed(0))
    before = slot_features(source)
    source.observe(tf.constant([0, 1, 2, 39]), tf.fill([4, 2], np.nan))
    np.testing.assert_array_equal(slot_features(source), before)
    for number in range(20):
        assert np.all(np.isfinite(source.batch(seed(number))[0]))


def test_history_draws_features_with_the_labels_of_their_members(dictionary, forward):
    source = history(dictionary, forward, reward_batch_size=8)
    source.renew(images, seed(0))
    calls = int(forward.calls)
    step = tf.function(source.batch)
    seen = set()
    for number in range(12):
        features, labels = (value.numpy() for value in step(seed(number)))
        np.testing.assert_array_equal(labels, features[:, 0] // 10)
        np.testing.assert_array_equal(np.bincount(labels, minlength=4), [2, 2, 2, 2])
        seen.update(features[:, 0].astype(int).tolist())
    assert seen == set(dictionary.members())
    assert int(forward.calls) == calls


def test_history_forgets_former_members(dictionary, forward):
    source = history(dictionary, forward)
    source.renew(images, seed(0))
    dictionary.assign(*members([1, 12, 23, 34]))
    source.renew(images, seed(1))
    former = [3, 7, 15, 11, 29, 20, 30, 38]
    source.observe(tf.constant(former), tf.fill([8, 2], -1.0))
    np.testing.assert_array_equal(slot_features(source, 4)[:, 0], [1, 12, 23, 34])
    assert sorted(source.batch(seed(2))[0][:4, 0].numpy()) == [1, 12, 23, 34]


def test_history_works_compiled(dictionary, forward):
    source = history(dictionary, forward, reward_batch_size=8)
    source.renew(images, seed(0))

    @tf.function(jit_compile=True)
    def step(ids, features, step_seed):
        source.observe(ids, features)
        return source.batch(step_seed)

    features, labels = step(tf.constant([0, 11, 12]), tf.fill([3, 2], 13.0), seed(0))
    ids = features[:, 0].numpy().astype(int)
    np.testing.assert_array_equal(labels, ids // 10)
    assert 11 not in ids


def test_images_stay_bytes_on_the_device(dictionary, forward):
    source = ForwardFeatures(dictionary, forward, (NUM_FEATURES,), reward_batch_size=5)
    source.renew(lambda ids: images(ids).astype(np.uint8), seed(0))
    assert source.images.dtype == tf.uint8
    np.testing.assert_array_equal(source.images[:8, 0, 0, 0], dictionary.members())


def test_a_source_that_is_taken_up_in_between_goes_on_as_the_first(dictionary, forward):
    """State and dictionary are copied, images are loaded: the draws that follow are the same, without a renewal."""
    for made in (
        lambda: ForwardFeatures(dictionary, forward, (NUM_FEATURES,), reward_batch_size=5, interval=3),
        lambda: history(dictionary, forward),
    ):
        first, second = made(), made()
        first.renew(images, seed(100))
        for step in range(2):
            first.batch(seed(step))
            first.observe(tf.constant([3, 29, 5]), tf.constant([[step, 7.0], [8.0, step], [0.0, 0.0]], tf.float32))
        for variable, saved in zip(second.state(), first.state(), strict=True):
            variable.assign(saved)
        calls = int(forward.calls)
        second.load(images)
        assert int(forward.calls) == calls
        for step in range(2, 6):
            for left, right in zip(first.batch(seed(step)), second.batch(seed(step)), strict=True):
                np.testing.assert_array_equal(left, right)
