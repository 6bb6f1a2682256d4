"""Training data from a `tf.data` pipeline of the user's own."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from ieg_fsr.data.pipeline.array_checks import checked_class_numbers
from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.errors import UserError, refusal

_HOW_TO_NUMBER = "number the examples before they are shuffled: .enumerate().map(lambda i, xy: (*xy, i))"


class DatasetExamples(Examples):
    """Batches (x, y, example_id) of a `tf.data.Dataset`, in its own order and sizes; see `examples_from_dataset`."""

    random_access = False

    def __init__(self, dataset: tf.data.Dataset, given_labels: np.ndarray, batches: int, batch_size: int) -> None:
        """Args: given_labels: [N]. batches: of one pass. batch_size: of the largest batch."""
        self._dataset = dataset
        super().__init__(_OnePass(dataset, len(given_labels)), given_labels, batch_size)
        self.steps_per_epoch = batches

    def batches(self, start_step: int, stop_step: int) -> tf.data.Dataset:
        """As many batches as there are steps; the dataset alone knows its order, so that any start begins a pass."""

        def typed(x: tf.Tensor, y: tf.Tensor, ids: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            return x, tf.cast(tf.reshape(y, [-1]), tf.int32), tf.cast(ids, tf.int32)

        return self._dataset.map(typed).repeat().take(stop_step - start_step)

    def visiting(self, ids: np.ndarray, factors: np.ndarray | None = None) -> Examples:
        """Raises: UserError: always, as the dataset alone knows its order."""
        access = "random access, ieg_fsr.examples or ieg_fsr.examples_from_directory"
        rule = f"be given examples with {access}, where an epoch visits a part of them"
        raise refusal("fit", rule, "a tf.data.Dataset")

    def for_evaluation(self) -> tf.data.Dataset:
        """Inputs and labels as one pass brings them."""
        return self._dataset.map(lambda x, y, _: (x, y))

    def member_images(self, epoch: int, members: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Collects the members in one pass, or less of it, and keeps them."""
        inputs = self.source.images(members)
        row_of: np.ndarray = np.zeros(len(self.source), np.int64)
        row_of[members] = np.arange(len(members))
        return lambda ids: inputs[row_of[ids]]


class _OnePass:
    """Random access by passing over the dataset until all that is asked for was met."""

    def __init__(self, dataset: tf.data.Dataset, num_examples: int) -> None:
        self._dataset, self._num_examples = dataset, num_examples

    def __len__(self) -> int:
        return self._num_examples

    def chunks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Ids and inputs as one pass brings them."""
        return ((ids, x) for x, _, ids in self._dataset.as_numpy_iterator())

    def images(self, ids: np.ndarray) -> np.ndarray:
        """Inputs [len(ids), ...]."""
        wanted = np.unique(ids)
        found: dict[int, Any] = {}
        for x, _, batch_ids in self._dataset.as_numpy_iterator():
            found |= {int(batch_ids[row]): x[row] for row in np.flatnonzero(np.isin(batch_ids, wanted))}
            if len(found) == len(wanted):
                break
        inputs = np.stack([found[int(one)] for one in ids])
        return inputs.astype(np.bytes_) if inputs.dtype == object else inputs


def examples_from_dataset(dataset: tf.data.Dataset) -> Examples:
    """Training data from batches (x, y, example_id) of a finite `tf.data.Dataset`; `FSR.fit` takes the dataset as well.

    The dataset shuffles and augments itself, and repeats by being iterated again. It is passed over once here, for the
    labels, and once more, at most, whenever the dictionary is renewed (after every epoch, once warm-up is over): that
    reads the inputs of the members, |R| at once in memory, as the dataset augments them. `examples` and
    `examples_from_directory` have random access and need no such passes.

    Args:
        dataset: x [b, ...], y [b] class numbers, ids [b]: each of 0..N-1 once a pass. Numbered before shuffling:
            `dataset.enumerate().map(lambda i, xy: (*xy, i)).shuffle(n).batch(b)`.

    Raises:
        UserError: batches of another form, an endless dataset, ids that are not 0..N-1 once each, no class numbers.
    """
    _check_form(dataset)
    batches = [(checked_class_numbers(y), ids) for _, y, ids in dataset.as_numpy_iterator()]
    if not batches:
        raise UserError("dataset must hold at least one batch. Received: none")
    labels, ids = zip(*batches, strict=True)
    all_ids = np.concatenate(ids)
    if not np.array_equal(np.sort(all_ids), np.arange(len(all_ids))):
        rule = f"bring each example_id 0..{len(all_ids) - 1} once a pass (no repeat, no drop_remainder)"
        span = f"{len(np.unique(all_ids))} ids, {all_ids.min()}..{all_ids.max()}"
        raise refusal("dataset", rule, f"{len(all_ids)} examples with {span}")
    given_labels: np.ndarray = np.empty(len(all_ids), np.int32)
    given_labels[all_ids] = np.concatenate(labels)
    return DatasetExamples(dataset, given_labels, len(ids), max(map(len, ids)))


def _check_form(dataset: tf.data.Dataset) -> None:
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) != 3:
        received = f"{len(spec)} parts" if isinstance(spec, tuple | dict) else type(spec).__name__
        raise UserError(f"dataset must bring batches (x, y, example_id): {_HOW_TO_NUMBER}. Received: {received}")
    if not all(isinstance(part, tf.TensorSpec) for part in spec):
        kinds = ", ".join(type(part).__name__ for part in spec)
        raise refusal("dataset", "bring x, y and example_id as one tensor each: put several inputs together", kinds)
    if spec[2].shape.rank != 1 or not spec[2].dtype.is_integer:
        ids = f"example_id {spec[2].dtype.name} {list(spec[2].shape)}"
        raise refusal("dataset", "be batched, with integer example_id [b]", ids)
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise UserError("dataset must end after a pass: fit repeats it. Received: an endless dataset")
