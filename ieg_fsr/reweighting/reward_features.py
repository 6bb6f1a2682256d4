"""Where the features of the reward batch come from: a forward of dictionary images, or what training left behind.

Both sources offer: `renew(images, seed)` after the dictionary changed, `batch(seed)` -> features [Q, ...] and labels
[Q] for the step, `observe(example_ids, features)` with what the step just computed for its own batch. A checkpoint
within an epoch holds the dictionary and `state()`; `load(images)` works out the rest.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ieg_fsr.replicas import share, update_rows, whole
from ieg_fsr.reweighting.dictionary import RewardDictionary
from ieg_fsr.stateless_random import fold_in, split

# Images and the seed of their augmentation -> features, without gradient and without touching batch-norm averages.
Forward = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
# Example ids [M] -> images [M, ...], as they are before augmentation.
MemberImages = Callable[[np.ndarray], np.ndarray]


class ForwardFeatures(tf.Module):
    """Forwards a fresh, freshly augmented draw every `interval` steps and keeps its features in between."""

    def __init__(
        self,
        dictionary: RewardDictionary,
        forward: Forward,
        feature_shape: tuple[int, ...],
        reward_batch_size: int,
        interval: int = 1,
    ) -> None:
        """Args: forward: images [Q, ...], seed [2] -> features of this replica's share. reward_batch_size: Q."""
        super().__init__(name="forward_features")
        self.dictionary, self.forward, self.interval = dictionary, forward, interval
        self.reward_batch_size = reward_batch_size
        self.images: tf.Variable | None = None
        kept = reward_batch_size if interval > 1 else 0
        self.features = tf.Variable(tf.zeros([kept, *feature_shape]), trainable=False, name="features")
        self.labels = tf.Variable(tf.zeros([kept], tf.int32), trainable=False, name="labels")
        # Steps since the last forward; 0 = due. A renewed dictionary is always due.
        self.age = tf.Variable(0, trainable=False, name="age")

    def renew(self, member_images: MemberImages, seed: tf.Tensor) -> None:
        """Takes over the images of the new members. Args: member_images: ids [M] -> images [M, ...]. seed: unused."""
        self.load(member_images)
        self.age.assign(0)

    def state(self) -> list[tf.Variable]:
        """What changes from step to step: the draw that is kept, and its age."""
        return [self.features, self.labels, self.age]

    def load(self, member_images: MemberImages) -> None:
        """Takes over the images of the present members. Args: member_images: ids [M] -> images [M, ...]."""
        images = member_images(self.dictionary.members())
        filled: np.ndarray = np.zeros([self.dictionary.size, *images.shape[1:]], images.dtype)
        filled[: len(images)] = images
        if self.images is None:
            # One for all replicas of a machine, as it is made outside of their scope: workers cannot exchange bytes.
            self.images = tf.Variable(filled, trainable=False, name="images")
        self.images.assign(filled)

    def batch(self, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Features [Q, ...] and labels [Q] of the current draw. Args: seed: [2], int32, of this step."""
        if self.interval == 1:
            part, labels = self._forward_draw(seed)
            return self._of_all_replicas(part), labels
        # An exchange between replicas cannot be part of a `tf.cond`: each gives its part of what is kept, too.
        part, labels = tf.cond(tf.equal(self.age, 0), lambda: self._forward_draw(seed), self._part_of_kept)
        features = self._of_all_replicas(part)
        self.features.assign(features)
        self.labels.assign(labels)
        self.age.assign((self.age + 1) % self.interval)
        return features, labels

    def observe(self, example_ids: tf.Tensor, features: tf.Tensor) -> None:
        """Nothing to learn from the training batch."""

    def _forward_draw(self, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        draw_seed, forward_seed = split(seed)
        slots = self.dictionary.draw(self.reward_batch_size, draw_seed)
        features = self.forward(tf.gather(self.images, slots), forward_seed)
        return features, tf.gather(self.dictionary.member_labels, slots)

    def _of_all_replicas(self, features: tf.Tensor) -> tf.Tensor:
        rows = whole(features)
        return rows if rows.shape[0] == self.reward_batch_size else rows[: self.reward_batch_size]

    def _part_of_kept(self) -> tuple[tf.Tensor, tf.Tensor]:
        return share(self.features.read_value()), self.labels.read_value()


class HistoryFeatures(tf.Module):
    """Keeps the features of each member, so that a reward batch is a gather, without a forward.

    They are those that the member had when the dictionary was renewed, or when it was last trained on since, unmixed.
    4 bytes per member and feature, and 4 per training example for the way from example to slot.
    """

    def __init__(
        self,
        dictionary: RewardDictionary,
        forward: Forward,
        num_examples: int,
        feature_shape: tuple[int, ...],
        reward_batch_size: int,
    ) -> None:
        """Args: forward: images [M, ...], seed [2] -> [M, *feature_shape], used when the dictionary is renewed."""
        super().__init__(name="history_features")
        self.dictionary, self.reward_batch_size = dictionary, reward_batch_size
        self.forward = tf.function(forward, reduce_retracing=True)
        # One row more than there are slots: the features of examples outside the dictionary land in it, unread.
        self.features = tf.Variable(tf.zeros([dictionary.size + 1, *feature_shape]), trainable=False, name="features")
        self.slot_of = tf.Variable(tf.fill([num_examples], dictionary.size), trainable=False, name="slot_of")

    def renew(self, member_images: MemberImages, seed: tf.Tensor) -> None:
        """Forwards the new members once. Args: member_images: ids [M] -> images [M, ...]. seed: [2], int32.

        Members are forwarded in chunks of mixed classes, because batch-norm uses the chunk's statistics.
        """
        self.load(member_images)
        ids = self.dictionary.members()
        chunks = -(-len(ids) // self.reward_batch_size)
        for chunk in range(chunks):
            slots = np.arange(chunk, len(ids), chunks)
            chunk_seed = fold_in(seed, chunk)
            features = self.forward(tf.constant(member_images(ids[slots])), chunk_seed)
            update_rows(self.features, slots, features)

    def state(self) -> list[tf.Variable]:
        """What changes from step to step: the features."""
        return [self.features]

    def load(self, member_images: MemberImages) -> None:
        """Finds the slots of the present members. Args: member_images: unused, the features are there."""
        ids = self.dictionary.members()
        slot_of = np.full(self.slot_of.shape, self.dictionary.size, np.int32)
        slot_of[ids] = np.arange(len(ids))
        self.slot_of.assign(slot_of)

    def batch(self, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Features [Q, ...] and labels [Q] of a fresh draw. Args: seed: [2], int32, of this step."""
        slots = self.dictionary.draw(self.reward_batch_size, seed)
        return tf.gather(self.features, slots), tf.gather(self.dictionary.member_labels, slots)

    def observe(self, example_ids: tf.Tensor, features: tf.Tensor) -> None:
        """Remembers the features of those examples that are members. Args: example_ids: [B]. features: [B, ...]."""
        slots = tf.gather(self.slot_of, example_ids)
        update_rows(self.features, slots, features)
