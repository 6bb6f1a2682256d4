"""Several replicas share a training step: what each of them forwards, and how it learns the others' part.

Every replica has the whole batch and its own copy of all tables. It forwards its share of the images; the outputs of
all replicas are put together (`whole`), and everything from there on, losses, lookahead, weights, scores, is computed
from them on every replica alike. So a step means what it means on one replica, and tables need no exchange at all.

With one replica, and outside of a training step, each function here gives back what it is given.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from ieg_fsr.errors import refusal


def count() -> int:
    """Replicas that share the present step, on all machines; 1 outside of a step."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def share(values: tf.Tensor) -> tf.Tensor:
    """The rows of this replica, [ceil(B / replicas), ...] of [B, ...]; where that does not divide, first rows recur."""
    replicas = count()
    if replicas == 1:
        return values
    rows = -(-values.shape[0] // replicas)
    if rows * replicas > values.shape[0]:
        values = tf.gather(values, tf.range(rows * replicas) % values.shape[0])
    first = _replica_id() * rows
    return values[first : first + rows]


def whole(part: tf.Tensor, rows: int | None = None) -> tf.Tensor:
    """The rows of all replicas in order, [replicas * B, ...] of [B, ...], or of these the first `rows`.

    The gradient is that of this replica's rows: each replica has the loss of the whole batch and sends its own share
    back through the network, so that the sum over the replicas is the gradient of that loss.
    """
    replicas = count()
    if replicas == 1:
        return part

    @tf.custom_gradient
    def joined(rows: tf.Tensor) -> tuple:
        before, after = _replica_id(), replicas - 1 - _replica_id()
        nothing = tf.zeros_like(rows)
        # A sum with zeros is exact, needs no order of the devices, and every engine has it.
        placed = tf.concat([nothing] * before + [rows] + [nothing] * after, axis=0)
        return summed([placed])[0], share

    return joined(part)[:rows]


def summed(parts: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """The sum over all replicas of each tensor."""
    if count() == 1 or not parts:
        return list(parts)
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, list(parts))


def update_rows(variable: tf.Variable, indices: tf.Tensor, rows: tf.Tensor) -> None:
    """Puts rows [B, ...] at distinct indices [B]: on this replica within a step, where all do the same; else on all."""
    for copy in _copies(variable):
        copy.scatter_nd_update(indices[:, tf.newaxis], rows)


def add_to_rows(variable: tf.Variable, indices: tf.Tensor, rows: tf.Tensor) -> None:
    """Adds rows [B, ...] at distinct indices [B], as `update_rows` puts them."""
    for copy in _copies(variable):
        copy.scatter_nd_add(indices[:, tf.newaxis], rows)


def average(variables: Sequence[tf.Variable]) -> None:
    """Gives all replicas their mean of each float, which each moves by its own share; integers are the same on all."""
    if count() > 1:
        floats = [variable for variable in variables if variable.dtype.is_floating]
        for variable, total in zip(floats, summed([tf.identity(v) for v in floats]), strict=True):
            variable.assign(total / count())


def on_every_replica(batches: tf.data.Dataset, strategy: tf.distribute.Strategy) -> tf.data.Dataset:
    """Batches for `fit` under a strategy: each replica gets each whole batch.

    Without end, as the steps of an epoch are counted: workers would have to agree before every batch that there is one.

    Raises:
        UserError: the replicas do not divide a batch.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return batches
    size = batches.element_spec[1].shape[0]
    if size is None:
        how = ".batch(size, drop_remainder=True) of a size that divides the examples"
        raise refusal("dataset", f"have batches of one size for {replicas} replicas: {how}", "batches of any size")
    if size % replicas:
        raise refusal("batch_size", f"be a multiple of {replicas}, the replicas that share it", size)

    def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
        # A worker deals out its elements to its replicas in turn.
        copies = context.num_replicas_in_sync // context.num_input_pipelines
        return batches.flat_map(lambda *batch: tf.data.Dataset.from_tensors(batch).repeat(copies)).repeat()

    return strategy.distribute_datasets_from_function(of_worker)


def reducible(results: dict[str, Any]) -> dict[str, Any]:
    """Scalars as Keras takes their mean over the workers: as vectors of one. All replicas have the same."""
    if not isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy):
        return results
    return {name: tf.reshape(value, [1]) for name, value in results.items()}


def _replica_id() -> int:
    """0..replicas - 1, over all machines."""
    return int(tf.get_static_value(tf.distribute.get_replica_context().replica_id_in_sync_group))


def _copies(variable: tf.Variable) -> Sequence[tf.Variable]:
    """Where an update has to go."""
    if not isinstance(variable, tf.distribute.DistributedValues):
        return [variable]
    copies = variable.values
    return copies if count() == 1 else [copies[_replica_id() % len(copies)]]
