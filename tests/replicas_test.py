"""What replicas exchange, on two logical CPU devices of another process, against values worked out by hand."""

import types

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr import replicas
from ieg_fsr.errors import UserError

SCRIPT = """
import json
import tensorflow as tf
from ieg_fsr import replicas

[cpu] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    table = tf.Variable(tf.zeros([4, 2]))
    counts = tf.Variable(tf.zeros([4]))
    weight = tf.Variable(2.0)
    statistic = tf.Variable(0.0)

# Outside of a step all copies are reached.
replicas.update_rows(table, tf.constant([3]), tf.constant([[7.0, 8.0]]))

def step(x):
    own = replicas.share(x)
    with tf.GradientTape() as tape:
        outputs = replicas.whole(weight * own)
        loss = tf.reduce_sum(tf.constant([1.0, 10.0, 100.0, 1000.0]) * outputs)
    gradient = tape.gradient(loss, weight)
    replicas.update_rows(table, tf.constant([2, 0]), tf.reshape(outputs, [2, 2]))
    replicas.add_to_rows(counts, tf.constant([1, 2]), tf.constant([1.0, 1.0]))
    statistic.assign(own[0])
    replicas.average([statistic])
    odd = replicas.share(tf.range(5))
    whole_of_odd = replicas.whole(odd)
    return own, outputs, gradient, replicas.summed([gradient, 2.0 * gradient]), odd, whole_of_odd, replicas.count()

batches = tf.data.Dataset.range(3).map(lambda i: (tf.fill([2], i), tf.fill([2], -i)))
received = iter(replicas.on_every_replica(batches, strategy))
given = [strategy.experimental_local_results(next(received)) for _ in range(3)]
run = tf.function(lambda x: strategy.run(step, args=(x,)))
results = tf.nest.map_structure(lambda value: value, run(tf.constant([1.0, 2.0, 3.0, 4.0])))
name = "own outputs gradient summed odd whole_of_odd count".split()
values = {
    key: [tf.nest.map_structure(lambda t: t.numpy().tolist(), part) for part in zip(
        *[strategy.experimental_local_results(t) for t in tf.nest.flatten(value)])]
    for key, value in zip(name[:-1], results)
}
values["count"] = [int(results[-1]), replicas.count()]
values["statistic"] = [copy.numpy().tolist() for copy in statistic.values]
values["table"] = [copy.numpy().tolist() for copy in table.values]
values["counts"] = [copy.numpy().tolist() for copy in counts.values]
values["batches"] = [[[part.numpy().tolist() for part in batch] for batch in step] for step in given]
print(json.dumps(values))
"""


@pytest.fixture(scope="module")
def two(printed_json):
    return printed_json(SCRIPT)


def test_each_replica_has_its_share_and_what_all_made(two):
    assert two["own"] == [[[1, 2]], [[3, 4]]]
    assert two["outputs"] == [[[2, 4, 6, 8]]] * 2
    assert two["count"] == [2, 1]


def test_gradient_is_that_of_the_own_share_and_their_sum_that_of_the_whole(two):
    """d/dw of w (1 + 20 + 300 + 4000): 21 of the first half, 4300 of the second."""
    assert two["gradient"] == [[21], [4300]]
    assert two["summed"] == [[4321, 8642]] * 2


def test_rows_that_do_not_divide_recur_at_the_end(two):
    assert two["odd"] == [[[0, 1, 2]], [[3, 4, 0]]]
    assert two["whole_of_odd"] == [[[0, 1, 2, 3, 4, 0]]] * 2


def test_tables_are_the_same_on_all_replicas_within_a_step_and_outside(two):
    assert two["table"] == [[[6, 8], [0, 0], [2, 4], [7, 8]]] * 2
    assert two["counts"] == [[0, 1, 1, 0]] * 2


def test_what_differs_is_averaged(two):
    """The replicas had 1 and 3."""
    assert two["statistic"] == [2, 2]


def test_each_replica_gets_each_whole_batch_in_order(two):
    assert two["batches"] == [[[[i, i], [-i, -i]]] * 2 for i in range(3)]


def test_one_replica_keeps_everything():
    values = tf.constant([1.0, 2.0, 3.0])
    assert replicas.count() == 1
    assert replicas.share(values) is values
    assert replicas.whole(values) is values
    assert replicas.summed([values]) == [values]
    batches = tf.data.Dataset.range(3)
    assert replicas.on_every_replica(batches, tf.distribute.get_strategy()) is batches
    table = tf.Variable(tf.zeros([3]))
    replicas.update_rows(table, tf.constant([2]), tf.constant([5.0]))
    replicas.add_to_rows(table, tf.constant([2, 0]), tf.constant([1.0, 2.0]))
    np.testing.assert_array_equal(table, [2, 0, 6])


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (tf.zeros([15, 2]), r"^batch_size must be a multiple of 2, the replicas that share it\. Received: 15$"),
        (None, r"^dataset must have batches of one size for 2 replicas: .*Received: batches of any size$"),
    ],
)
def test_a_batch_that_the_replicas_do_not_divide_is_refused(batch, message):
    any_size = tf.data.Dataset.from_tensor_slices((tf.zeros([30, 2]), tf.range(30))).batch(15)
    batches = any_size if batch is None else tf.data.Dataset.from_tensors((batch, tf.range(15)))
    with pytest.raises(UserError, match=message):
        replicas.on_every_replica(batches, types.SimpleNamespace(num_replicas_in_sync=2))
