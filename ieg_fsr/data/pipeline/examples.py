"""Batches as a pure function of the global step: the same step gives the same batch, in any process, from any start."""

import copy
import functools
import math
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from ieg_fsr.data.pipeline.array_checks import checked_class_numbers, checked_inputs
from ieg_fsr.data.pipeline.class_mates import ClassMates, mix
from ieg_fsr.data.pipeline.encoded_images import EncodedImages
from ieg_fsr.errors import UserError
from ieg_fsr.stateless_random import fold_in, permuted
from ieg_fsr.unlabelled import labelled

_PARALLEL_IMAGES = os.cpu_count() or 1
_PARALLEL_BATCHES = 2
_CHUNK = 250  # examples read together where the order does not matter
# Random numbers of the crops are none of those that the methods draw with the same seed.
_TRAINING_CROP_STREAM, _MEMBER_CROP_STREAM = 5, 6


class Source(Protocol):
    """Inputs with random access by dense example id."""

    def __len__(self) -> int: ...

    def images(self, ids: np.ndarray) -> np.ndarray:
        """Inputs [len(ids), ...] of the examples `ids`, not augmented."""


class _Arrays:
    """A source over an array of any kind, for users' own data."""

    def __init__(self, x: np.ndarray) -> None:
        self._x = x

    def __len__(self) -> int:
        return len(self._x)

    def images(self, ids: np.ndarray) -> np.ndarray:
        return self._x[ids]


class Examples:
    """Training data as the methods' `fit` takes it: shuffled batches of (x, given_label, example_id).

    Unlabelled examples are there, with their ids, but no epoch visits them; see `with_unlabelled`.

    Attributes:
        source: random access to the inputs; the dictionary fetches its members from it.
        given_labels: [N], int32; -1 of an unlabelled one.
        batch_size: B.
        steps_per_epoch: whole batches in an epoch; each epoch leaves out another remainder.
        class_names: names of the labels, where the data have some; else None.
        random_access: whether an epoch can visit any part.
    """

    random_access = True

    def __init__(self, source: Source, given_labels: np.ndarray, batch_size: int, seed: int = 0) -> None:
        """Args: source: of N inputs. given_labels: [N]. batch_size: 1 up to the labelled ones. seed: of the shuffle."""
        if len(source) != len(given_labels):
            raise UserError(f"x and y must have the same length. Received: {len(source)} and {len(given_labels)}")
        visited: np.ndarray = np.flatnonzero(labelled(given_labels)).astype(np.int32)
        if not 1 <= batch_size <= len(visited):
            raise UserError(f"batch_size must be in 1..{len(visited)} (the labelled examples). Received: {batch_size}")
        self.class_names: Sequence[str] | None = None
        self.source, self.batch_size, self.seed = source, batch_size, seed
        self.given_labels = np.asarray(given_labels, np.int32)
        self.steps_per_epoch = len(visited) // batch_size
        self._visited: np.ndarray = visited
        self._factors: np.ndarray | None = None
        # Whom an epoch that visits a part mixes its images with, and whether this is one.
        self._mates: ClassMates | None = None
        self._mixes = False
        # What stands behind the visited ones: U unlabelled examples a batch, from all of them.
        self._beside = 0
        self._unlabelled: np.ndarray = np.flatnonzero(~labelled(given_labels)).astype(np.int32)

    def with_unlabelled(self) -> "Examples":
        """The same, where unlabelled examples stand behind the others: x and ids are [B + U], the rest stays [B].

        U is B times their number over that of the labelled, rounded up, and at most B: an epoch sees each about once,
        or where they are the majority a part of them, another one each time.
        """
        if not len(self._unlabelled):
            return self
        share = len(self._unlabelled) / (len(self.given_labels) - len(self._unlabelled))
        part = copy.copy(self)
        part._beside = min(math.ceil(self.batch_size * share), self.batch_size, len(self._unlabelled))
        return part

    def with_class_mates(self) -> "Examples":
        """The same, where epochs that visit a part mix each image with one of all examples of its given class."""
        part = copy.copy(self)
        part._mates = ClassMates(self.given_labels, self.seed)
        return part

    def visiting(self, ids: np.ndarray, factors: np.ndarray | None = None) -> "Examples":
        """The same examples, of which an epoch visits those of `ids` [M], distinct, that it visited so far.

        At first these are all that are labelled; there must be one. If they are fewer than a batch, one batch holds
        them all. `factors` [M] are a fourth column of the batches.
        """
        part, kept = copy.copy(self), np.isin(ids, self._visited)
        part._mixes = self._mates is not None
        part._visited = np.asarray(ids, np.int32)[kept]
        part._factors = None if factors is None else np.asarray(factors, np.float32)[kept]
        if not len(part._visited):
            raise UserError(f"visits must hold at least one labelled example. Received: {len(ids)} without a label")
        part.batch_size = min(self.batch_size, len(part._visited))
        part.steps_per_epoch = len(part._visited) // part.batch_size
        return part

    @property
    def visited(self) -> np.ndarray:
        """Example ids, ascending, that an epoch visits."""
        return self._visited

    def batch_ids(self, step: tf.Tensor) -> tf.Tensor:
        """Example ids [B] of a global step (scalar int64): epoch e walks through its own permutation of all visited."""
        return tf.gather(self._visited, self._places(step)[: self.batch_size])

    def batches(self, start_step: int, stop_step: int) -> tf.data.Dataset:
        """The batches of the global steps start_step..stop_step - 1: x [B, ...], given_labels [B], example_ids [B].

        And unlabelled examples, if there are to be some.
        """
        if isinstance(self.source, EncodedImages):
            return self._decoded_batches(self.source, start_step, stop_step)
        within_an_epoch = start_step // self.steps_per_epoch == (stop_step - 1) // self.steps_per_epoch
        if within_an_epoch and not self._beside and not self._mixes:
            return self._batches_of_one_epoch(start_step, stop_step)
        with tf.device("CPU:0"):
            # By place, or where they are mixed by id, of all.
            others, ids = self._columns(), np.arange(len(self.source)) if self._mixes else self._all_ids()
            inputs = tf.constant(self.source.images(ids))

        def batch(step: tf.Tensor) -> tuple[tf.Tensor, ...]:
            places = self._places(step)
            columns = [tf.gather(column, places) for column in others]
            if self._mates is None or not self._mixes:
                return self._cut(tf.gather(inputs, places), *columns)
            mates, share = self._mates.draw(columns[0], step)
            return self._cut(mix(tf.gather(inputs, columns[1]), tf.gather(inputs, mates), share), *columns)

        steps = tf.data.Dataset.range(start_step, stop_step)
        return _prefetched(steps.map(batch, num_parallel_calls=_PARALLEL_BATCHES, deterministic=True))

    def _batches_of_one_epoch(self, start_step: int, stop_step: int) -> tf.data.Dataset:
        """The same batches within an epoch, put together at once: without a graph, which takes as long as small steps.

        An epoch that chooses what it visits has batches of its own.
        """
        steps, size = stop_step - start_step, self.batch_size
        with tf.device("CPU:0"):
            first = start_step % self.steps_per_epoch * size
            places = tf.range(first, first + steps * size, dtype=tf.int64)
            epoch = tf.constant(start_step // self.steps_per_epoch, tf.int64)
            places = permuted(places, len(self._visited), self.seed, epoch).numpy()
            ids = self._visited[places]
            columns = [self.source.images(ids), self.given_labels[ids], ids]
            columns += [] if self._factors is None else [self._factors[places]]
            batches = tuple(np.reshape(column, (steps, size, *np.shape(column)[1:])) for column in columns)
            return _prefetched(tf.data.Dataset.from_tensor_slices(batches))

    def _places(self, step: tf.Tensor) -> tf.Tensor:
        """Places [B + U] of a global step in what an epoch visits, and behind that in what is unlabelled."""
        places = self._shuffled(step, len(self._visited), self.batch_size)
        if not self._beside:
            return places
        return tf.concat([places, len(self._visited) + self._shuffled(step, len(self._unlabelled), self._beside)], 0)

    def _shuffled(self, step: tf.Tensor, count: int, size: int) -> tf.Tensor:
        """Those [size] of `count` places that a global step comes to, in the permutation of its pass through them."""
        steps = count // size
        places = step % steps * size + tf.range(size, dtype=tf.int64)
        shuffled = permuted(places, count, self.seed, step // steps)
        return tf.ensure_shape(tf.cast(shuffled, tf.int32), [size])

    def _cut(self, x: tf.Tensor, labels: tf.Tensor, ids: tf.Tensor, *factors: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Columns [B + U] of a batch, without what unlabelled examples do not have."""
        if not self._beside:
            return x, labels, ids, *factors
        return x, labels[: self.batch_size], ids, *(column[: self.batch_size] for column in factors)

    def _all_ids(self) -> np.ndarray:
        """Example ids by place."""
        return np.concatenate([self._visited, self._unlabelled]) if self._beside else self._visited

    def _columns(self) -> list[tf.Tensor]:
        """What goes with the inputs, by place: given labels, ids, and factors where there are any."""
        ids = self._all_ids()
        columns = [self.given_labels[ids], ids]
        if self._factors is not None:
            columns.append(np.concatenate([self._factors, np.ones(len(ids) - len(self._factors), np.float32)]))
        return [tf.constant(column) for column in columns]

    def for_evaluation(self) -> tf.data.Dataset:
        """Inputs [n, ...], not augmented, and given labels [n] of every example once."""
        first = self.source.images(np.arange(1))
        inputs = tf.TensorSpec([None, *first.shape[1:]], tf.as_dtype(first.dtype))
        parts = tf.data.Dataset.from_generator(
            lambda: ((part, self.given_labels[ids]) for ids, part in chunks(self.source)),
            output_signature=(inputs, tf.TensorSpec([None], tf.int32)),
        )
        return parts.apply(tf.data.experimental.assert_cardinality(-(-len(self.source) // _CHUNK)))

    def member_images(self, epoch: int, members: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """How the dictionary fetches inputs: ids [M] -> inputs [M, ...]; encoded images are cropped anew each epoch.

        Args: members: all ids that will be asked for, for data that are better read at once.
        """
        if not isinstance(self.source, EncodedImages):
            return self.source.images
        seed = fold_in(tf.constant([self.seed, _MEMBER_CROP_STREAM], tf.int32), epoch)
        return functools.partial(self.source.random_crops, seed=seed)

    def _decoded_batches(self, source: EncodedImages, start_step: int, stop_step: int) -> tf.data.Dataset:
        """Batches of random crops, decoded in parallel while earlier ones are trained on.

        A crop depends on the seed, the epoch and the example id: not on the start, nor on who decodes first.
        """
        with tf.device("CPU:0"):
            columns, size = self._columns(), self.batch_size + self._beside

        def places_and_epochs(step: tf.Tensor) -> tuple[tf.Tensor, ...]:
            places = self._places(step)
            found = places, tf.fill([size], step // self.steps_per_epoch)
            if self._mates is None or not self._mixes:
                return found
            mates, share = self._mates.draw(tf.gather(columns[0], places), step)
            return *found, mates, tf.fill([size], share)

        def example(place: tf.Tensor, epoch: tf.Tensor, *mate_and_share: tf.Tensor) -> tuple[tf.Tensor, ...]:
            seed = fold_in(tf.constant([self.seed, _TRAINING_CROP_STREAM], tf.int32), epoch)
            others = [tf.gather(column, place) for column in columns]
            crop = source.random_crop(others[1], seed)
            if mate_and_share:
                crop = mix(crop, source.random_crop(mate_and_share[0], seed), mate_and_share[1])
            return crop, *others

        places = tf.data.Dataset.range(start_step, stop_step).map(places_and_epochs).unbatch()
        crops = places.map(example, num_parallel_calls=_PARALLEL_IMAGES, deterministic=True)
        return _prefetched(crops.batch(size, drop_remainder=True).map(self._cut))


def chunks(source: Source) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Ids [n] and inputs [n, ...], not augmented, of every example of a source once, in the order that costs least."""
    if hasattr(source, "chunks"):
        yield from source.chunks()
        return
    for start in range(0, len(source), _CHUNK):
        ids = np.arange(start, min(start + _CHUNK, len(source)))
        yield ids, source.images(ids)


def _prefetched(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Two batches ahead. Without tf.data's autotuning: its thread holds up the end of `fit` for seconds."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.prefetch(2).with_options(options)


def examples(x: Any, y: Any, batch_size: int = 100, seed: int = 0) -> Examples:
    """Training data from arrays, for `FSR.fit`. They are held in memory.

    Args:
        x: [N, ...], inputs of the classifier: images, a table, token ids or texts. float64 becomes float32.
        y: [N], given labels: class numbers 0..C-1; -1 of an unlabelled example, which FSR trains on its pseudo
            label and other methods leave out.
        batch_size: B.
        seed: of the shuffle.

    Raises:
        UserError: x holds several inputs, NaN or infinity; y holds no class numbers; lengths differ; the batch is empty
            or larger than the labelled data.
    """
    return Examples(_Arrays(checked_inputs(x)), checked_class_numbers(y, unlabelled=True), batch_size, seed)
