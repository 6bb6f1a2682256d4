"""The reward dictionary: the best-scored examples of each class, renewed after every epoch (paper, section 3.2)."""

import numpy as np
import tensorflow as tf

from ieg_fsr.stateless_random import split, uniform


def select_members(
    scores: np.ndarray, given_labels: np.ndarray, size: int, num_classes: int, rng: np.random.Generator
) -> np.ndarray:
    """Ids [M], int32, of the M <= |R| best-scored examples of each class, ordered by class, best first.

    Every class gets size // C places; the size % C places left over go to randomly drawn classes, so that size < C is a
    random subset of the classes. A class with fewer examples than places has all of them in: fewer members, no repeats.
    Equal scores (at the start, all of them) are ordered at random.

    Args: scores: [N], higher = better. given_labels: [N], int in [0, C). size: |R|. rng: decides ties and left-overs.
    """
    places: np.ndarray = np.full([num_classes], size // num_classes)
    present = np.flatnonzero(np.bincount(given_labels, minlength=num_classes))
    left_over = rng.permutation(present)[: size % num_classes]
    places[left_over] += 1
    order = np.lexsort((rng.random(len(scores)), -scores, given_labels))
    labels_in_order = given_labels[order]
    first_of_class = np.asarray(np.searchsorted(labels_in_order, np.arange(num_classes)))
    rank_in_class = np.arange(len(order)) - first_of_class[labels_in_order]
    return order[rank_in_class < places[labels_in_order]].astype(np.int32)


def select_believed(
    scores: np.ndarray,
    agreed: np.ndarray,
    likely: np.ndarray,
    given_labels: np.ndarray,
    size: int,
    num_classes: int,
    share: float,
    rng: np.random.Generator,
    trusted: np.ndarray | None = None,
) -> np.ndarray:
    """Ids [M], int32, of M <= |R| examples of each class that training believes, drawn at random from the best.

    The best are a share of the class by their scores, and as many as it has places at least. Places go to the best that
    training agrees with, at random; those left to others that are likely, best first. So a class whose given labels
    are mostly wrong fills no places with them, and one without a likely label has no member. Where nothing at all is
    likely the best fill the places. Trusted examples come before all others.

    Args:
        agreed: [N], bool, whether training says the given label too.
        likely: [N], bool, whether it thinks more of it than of a guess.
        share: in [0, 1].
        trusted: [N], bool, whether a person decided the label; None for nobody.
        scores, given_labels, size, num_classes, rng: see `select_members`.
    """  # fmt: skip
    order = np.lexsort((-scores, given_labels))
    counts = np.bincount(given_labels, minlength=num_classes)
    starts = np.cumsum(counts) - counts
    ranks: np.ndarray = np.empty(len(order), int)
    ranks[order] = np.arange(len(order)) - starts[given_labels[order]]
    first = agreed & (ranks < np.maximum(np.ceil(share * counts), size // num_classes)[given_labels])
    order_of_choice = np.where(first, 1, -ranks)
    if trusted is not None:
        first = first | trusted
        order_of_choice = np.where(trusted, 2, order_of_choice)
    members = select_members(order_of_choice, given_labels, size, num_classes, rng)
    chosen = members[(first | likely)[members]]
    return chosen if len(chosen) else members


class RewardDictionary(tf.Module):
    """Members of the dictionary on the device, and class-balanced draws from them.

    Slot m holds one member; the slots of a class are contiguous. Slots behind the last member are empty.
    """

    def __init__(self, size: int, num_classes: int) -> None:
        """Args: size: |R|. num_classes: C."""
        super().__init__(name="reward_dictionary")
        self.size, self.num_classes = size, num_classes
        variable = lambda length, name: tf.Variable(tf.zeros([length], tf.int32), trainable=False, name=name)  # noqa: E731
        self.member_ids, self.member_labels = variable(size, "member_ids"), variable(size, "member_labels")
        self.class_starts = variable(num_classes, "class_starts")
        self.class_counts = variable(num_classes, "class_counts")

    def assign(self, member_ids: np.ndarray, member_labels: np.ndarray) -> None:
        """Replaces all members. Args: member_ids, member_labels: [M], M <= size, ordered by label."""
        counts = np.bincount(member_labels, minlength=self.num_classes)
        empty: np.ndarray = np.zeros(self.size - len(member_ids), np.int32)
        self.member_ids.assign(np.concatenate([member_ids, empty]))
        self.member_labels.assign(np.concatenate([member_labels, empty]))
        self.class_starts.assign(np.cumsum(counts) - counts)
        self.class_counts.assign(counts)

    def members(self) -> np.ndarray:
        """Example ids [M] of the present members."""
        return self.member_ids.numpy()[: int(tf.reduce_sum(self.class_counts))]

    def draw(self, reward_batch_size: int, seed: tf.Tensor) -> tf.Tensor:
        """Slots [Q] of a class-balanced draw with replacement; each class is drawn floor or ceil of Q / C times.

        The classes are shuffled and dealt out in turn, so that Q < C is a random subset of the classes. Classes without
        a member are left out. Args: reward_batch_size: Q >= 1. seed: [2], int32, stateless.
        """
        class_noise, member_noise = split(seed)
        is_empty = tf.cast(tf.equal(self.class_counts, 0), tf.float32)
        # Empty classes get a key above 1 and so come last; `dealt` stops before them.
        keys = uniform([self.num_classes], class_noise) + 2.0 * is_empty
        shuffled_classes = tf.argsort(keys)
        present = self.num_classes - tf.cast(tf.reduce_sum(is_empty), tf.int32)
        dealt = tf.gather(shuffled_classes, tf.range(reward_batch_size) % tf.maximum(present, 1))
        counts = tf.gather(self.class_counts, dealt)
        position = uniform([reward_batch_size], member_noise) * tf.cast(counts, tf.float32)
        # A draw that rounds up to `counts` would leave the class.
        position = tf.minimum(tf.cast(position, tf.int32), tf.maximum(counts - 1, 0))
        return tf.gather(self.class_starts, dealt) + position
