"""Tests of the choice of members and of the class-balanced draws."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.reweighting.dictionary import RewardDictionary, select_believed, select_members


def select(scores, labels, size, num_classes, seed=0):
    scores, labels = np.array(scores, np.float32), np.array(labels)
    return select_members(scores, labels, size, num_classes, np.random.default_rng(seed))


def test_best_of_each_class_ordered_by_class_best_first():
    members = select([0.1, 0.9, 0.5, -3.0, 0.7, -1.0], [0, 1, 0, 1, 0, 1], size=4, num_classes=2)
    np.testing.assert_array_equal(members, [4, 2, 1, 5])
    assert members.dtype == np.int32


def test_never_visited_comes_last():
    np.testing.assert_array_equal(select([-np.inf, -9.0, -np.inf, -8.0], [0] * 4, 2, 1), [3, 1])


def test_class_with_too_few_has_all_of_them_in_once():
    members = select([1, 2, 3, 4, 5], [0, 0, 0, 0, 1], size=4, num_classes=2)
    np.testing.assert_array_equal(members, [3, 2, 4])


def test_left_over_places_go_to_different_classes():
    """Size 8, three classes: 3, 3 and 2 places; who has only 2 is drawn."""
    labels = np.repeat([0, 1, 2], 10)
    short = set()
    for seed in range(20):
        counts = np.bincount(labels[select(np.zeros(30), labels, 8, 3, seed)], minlength=3)
        assert sorted(counts) == [2, 3, 3]
        short.add(int(counts.argmin()))
    assert short == {0, 1, 2}


def test_fewer_places_than_classes_gives_one_each_to_random_classes():
    labels = np.repeat(np.arange(5), 4)
    seen = set()
    for seed in range(30):
        chosen = labels[select(np.zeros(20), labels, 3, 5, seed)]
        assert len(chosen) == len(set(chosen)) == 3
        seen.update(chosen.tolist())
    assert seen == set(range(5))


def test_ties_are_random_but_seeded():
    labels = np.zeros(50, int)
    draws = [select(np.zeros(50), labels, 5, 1, seed) for seed in range(40)]
    np.testing.assert_array_equal(draws[7], select(np.zeros(50), labels, 5, 1, seed=7))
    # 200 places over 50 ids: each is expected 4 times, and all but a few appear.
    assert len(np.unique(draws)) > 40


# Two classes of ten, best first. Training agrees with 1, 3 and 5 of class 0, thinks something of 0 and 13 as well.
LABELS_OF_20 = np.repeat([0, 1], 10)
SCORES_OF_20 = -np.tile(np.arange(10.0), 2)
AGREED, LIKELY = np.isin(np.arange(20), [1, 3, 5]), np.isin(np.arange(20), [0, 1, 3, 5, 13])
NONE, ALL = np.zeros(20, bool), np.ones(20, bool)


def believed(share, size=4, agreed=AGREED, likely=LIKELY):
    rngs = map(np.random.default_rng, range(200))
    draws = [select_believed(SCORES_OF_20, agreed, likely, LABELS_OF_20, size, 2, share, rng) for rng in rngs]
    assert all(len(set(draw)) == len(draw) for draw in draws)
    return draws, set(np.concatenate(draws).tolist())


def test_members_are_any_of_the_share_of_a_class_that_training_agrees_with():
    draws, ever = believed(1.0)
    assert ever == {1, 3, 5}
    assert all(len(draw) == 2 for draw in draws)
    assert believed(0.4)[1] == {1, 3}
    counts = np.bincount(np.concatenate(draws), minlength=6)[[1, 3, 5]]
    assert counts.min() > 100  # of 400 places, 133 each
    assert draws[0].dtype == np.int32


def test_places_left_over_go_to_likely_ones_best_first():
    assert believed(1.0, size=8)[1] == {0, 1, 3, 5, 13}
    assert believed(0.2, size=4)[1] == {0, 1}
    assert believed(1.0, size=8, likely=AGREED)[1] == {1, 3, 5}


def test_no_share_leaves_the_best_that_fill_the_places():
    assert believed(0.0, agreed=ALL)[1] == {0, 1, 10, 11}


def test_what_a_person_decided_comes_first_whatever_training_thinks():
    labels, scores = np.repeat([0, 1], 6), np.tile(np.arange(6.0), 2)
    nobody, trusted = np.zeros(12, bool), np.isin(np.arange(12), [0, 7])  # the worst of class 0, the second of class 1
    for agreed in (nobody, ~nobody):
        for seed in range(5):
            rng = np.random.default_rng(seed)
            members = select_believed(scores, agreed, agreed, labels, 4, 2, 0.5, rng, trusted)
            assert {0, 7} <= set(members.tolist())
            assert len(members) == (4 if agreed.any() else 2)


def test_where_nothing_is_likely_the_best_fill_the_places():
    assert believed(1.0, agreed=NONE, likely=NONE)[1] == {0, 1, 10, 11}


def test_ties_do_not_mix_unequal_scores():
    members = select([1, 1, 1, 2, 2, 0], [0] * 6, size=4, num_classes=1)
    assert set(members[:2]) == {3, 4}
    assert set(members[2:]) < {0, 1, 2}


def test_classes_that_the_data_lack_get_no_left_over_place():
    """Size 4, three classes, none of class 1: one place each and one left over for class 0 or 2."""
    labels = np.array([0, 0, 0, 2, 2, 2])
    for seed in range(10):
        counts = np.bincount(labels[select(np.zeros(6), labels, 4, 3, seed)], minlength=3)
        assert counts.tolist() in ([2, 0, 1], [1, 0, 2])


def test_size_of_all_examples_takes_all():
    assert sorted(select([3, 1, 2, 0], [0, 1, 0, 1], 4, 2)) == [0, 1, 2, 3]


MEMBER_LABELS = np.array([0] * 4 + [1] * 1 + [3] * 3)  # Class 2 of four is empty, two of the ten slots too.
MEMBER_IDS = np.array([70, 11, 52, 33, 94, 25, 46, 87])


@pytest.fixture(name="dictionary")
def _dictionary():
    dictionary = RewardDictionary(size=10, num_classes=4)
    dictionary.assign(MEMBER_IDS, MEMBER_LABELS)
    return dictionary


def draw(dictionary, size, seed):
    return dictionary.draw(size, tf.constant([seed, 5], tf.int32)).numpy()


def test_members_are_those_assigned(dictionary):
    np.testing.assert_array_equal(dictionary.members(), MEMBER_IDS)
    dictionary.assign(MEMBER_IDS[4:6], MEMBER_LABELS[4:6])
    np.testing.assert_array_equal(dictionary.members(), MEMBER_IDS[4:6])


def assert_balanced(slots, counts):
    """The draws per class differ by one at most among the classes with members, and are none elsewhere."""
    assert 0 <= slots.min() <= slots.max() < sum(counts)
    drawn = np.bincount(np.repeat(np.arange(len(counts)), counts)[slots], minlength=len(counts))
    present = drawn[np.array(counts) > 0]
    assert present.sum() == drawn.sum() == len(slots)
    assert present.max() - present.min() <= 1


@pytest.mark.parametrize("reward_batch_size", [1, 2, 3, 4, 7, 30, 31])
def test_draws_are_balanced_over_the_classes_that_have_members(dictionary, reward_batch_size):
    for seed in range(10):
        slots = draw(dictionary, reward_batch_size, seed)
        assert slots.shape == (reward_batch_size,)
        assert_balanced(slots, counts=[4, 1, 0, 3])


def test_slots_lead_to_ids_and_labels(dictionary):
    slots = draw(dictionary, 60, 0)
    np.testing.assert_array_equal(tf.gather(dictionary.member_labels, slots), MEMBER_LABELS[slots])
    np.testing.assert_array_equal(tf.gather(dictionary.member_ids, slots), MEMBER_IDS[slots])


def test_left_over_draws_go_to_every_class(dictionary):
    first = {int(MEMBER_LABELS[draw(dictionary, 1, seed)[0]]) for seed in range(30)}
    assert first == {0, 1, 3}


def test_members_of_a_class_are_drawn_equally_often(dictionary):
    """9,000 draws: 750 of each of the four members of class 0, 1,000 of each of the three of class 3."""
    counts = np.bincount(draw(dictionary, 9000, 1), minlength=8)
    for slots, expected in ((range(4), 750), (range(5, 8), 1000)):
        deviations = 4 * np.sqrt(expected * (1 - expected / 3000))
        np.testing.assert_allclose(counts[list(slots)], expected, rtol=0, atol=deviations)
    assert counts[4] == 3000


def test_classes_and_members_of_one_draw_are_independent(dictionary):
    """A class that is dealt first must not prefer some of its members."""
    firsts = np.array([draw(dictionary, 1, seed)[0] for seed in range(400)])
    of_class_zero = np.bincount(firsts[firsts < 4], minlength=4)
    expected = of_class_zero.sum() / 4
    np.testing.assert_allclose(of_class_zero, expected, rtol=0, atol=4 * np.sqrt(expected))


def test_draws_follow_the_seed(dictionary):
    np.testing.assert_array_equal(draw(dictionary, 20, 3), draw(dictionary, 20, 3))
    assert np.any(draw(dictionary, 20, 3) != draw(dictionary, 20, 4))


def test_same_draws_inside_a_function_also_after_a_change(dictionary):
    compiled = tf.function(lambda seed: dictionary.draw(30, seed))
    for _ in range(2):
        np.testing.assert_array_equal(compiled(tf.constant([8, 5])), draw(dictionary, 30, 8))
        dictionary.assign(MEMBER_IDS[:5], MEMBER_LABELS[:5])


def test_draws_work_compiled_also_after_a_change(dictionary):
    """Only the random numbers of XLA are its own."""
    compiled = tf.function(lambda seed: dictionary.draw(31, seed), jit_compile=True)
    first = compiled(tf.constant([8, 5])).numpy()
    assert_balanced(first, counts=[4, 1, 0, 3])
    np.testing.assert_array_equal(compiled(tf.constant([8, 5])), first)
    assert np.any(compiled(tf.constant([9, 5])).numpy() != first)
    dictionary.assign(MEMBER_IDS[:5], MEMBER_LABELS[:5])
    assert_balanced(compiled(tf.constant([8, 5])).numpy(), counts=[4, 1, 0, 0])


def test_more_classes_than_places():
    """iNaturalist's sizes: 8142 classes, a long tail, 2000 places, draws of 350."""
    classes, size, reward_batch_size = 8142, 2000, 350
    rng = np.random.default_rng(0)
    labels = np.concatenate([np.arange(classes), rng.zipf(1.3, 30_000) % classes]).astype(np.int32)
    scores = rng.normal(size=len(labels)).astype(np.float32)
    members = select_members(scores, labels, size, classes, np.random.default_rng(1))
    # One best-scored example of each of 2000 classes.
    assert len(members) == len(np.unique(labels[members])) == size
    for member in members[:50]:
        assert scores[member] == scores[labels == labels[member]].max()
    dictionary = RewardDictionary(size, classes)
    dictionary.assign(members, labels[members])
    slots = dictionary.draw(reward_batch_size, tf.constant([0, 1])).numpy()
    drawn = dictionary.member_labels.numpy()[slots]
    assert len(np.unique(drawn)) == reward_batch_size
    np.testing.assert_array_equal(labels[dictionary.members()[slots]], drawn)
    # Another refresh, other classes.
    others = select_members(scores, labels, size, classes, np.random.default_rng(2))
    assert len(np.intersect1d(members, others)) < size / 2


@pytest.mark.parametrize("classes", [10, 8142])
def test_a_million_examples(classes):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, 10**6).astype(np.int32)
    scores = rng.normal(size=10**6).astype(np.float32)
    dictionary = RewardDictionary(2000, classes)
    members = select_members(scores, labels, 2000, classes, rng)
    dictionary.assign(members, labels[members])
    assert len(dictionary.members()) == 2000
