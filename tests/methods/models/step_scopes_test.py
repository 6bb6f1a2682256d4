"""Every operation that costs anything in a step carries the name of its part, also after TensorFlow's own naming."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.methods.models.step_scopes import SCOPES, in_scope, scope_of
from ieg_fsr.networks import build_network

pytestmark = pytest.mark.usefixtures("two_blocks")


@pytest.mark.parametrize(
    ("operation", "scope"),
    [
        ("StatefulPartitionedCall/forward/net/conv2d/convolution", "forward"),
        ("StatefulPartitionedCall/gradient_tape/forward/net/conv2d/Conv2DBackpropFilter", "backward"),
        ("gradient_tape/loss_1/sub", "backward"),
        ("loss_1/Softmax", "loss"),
        ("gradient_tape/lookahead/MatMul", "lookahead"),
        ("reward/cond/then/_99/reward/cond/conv2d/convolution", "reward"),
        ("tables/unmixed_forward/net/conv2d/convolution", "unmixed_forward"),
        ("net/forward_head/MatMul", None),
        ("range", None),
    ],
)
def test_scope_of_an_operation(operation, scope):
    assert scope_of(operation) == scope


def test_a_function_in_a_scope_is_called_as_it_is():
    @in_scope("tables")
    def twice(x, *, plus):
        """Doubles."""
        return 2 * x + plus

    graph = tf.function(twice).get_concrete_function(tf.TensorSpec([]), plus=tf.TensorSpec([])).graph
    assert twice.__doc__ == "Doubles."
    assert float(twice(tf.constant(2.0), plus=1.0)) == 5.0
    assert {scope_of(op.name) for op in graph.get_operations() if op.type in ("Mul", "AddV2")} == {"tables"}
    with pytest.raises(AssertionError):
        in_scope("somewhere")


def test_parts_of_a_faithful_step():
    """Convolutions run in the four forwards and backwards; tables, weights and parameters are written in theirs."""
    x, y = np.zeros([200, 8, 8, 1], np.uint8), np.arange(200) % 4
    model = ieg_fsr.FSR(
        build_network("small_cnn", (8, 8, 1), 4), 200, 12, reward_batch_size=8, reweight_warmup_epochs=0,
        pusher="release", reward_interval=1, parameter_average_decay=0.9, weight_decay=0.1, strength="auto",
    )  # fmt: skip
    model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), metrics=["accuracy"], jit_compile=False)
    model.fit(ieg_fsr.examples(x, y, batch_size=10), epochs=1, verbose=0)
    batch = [tf.TensorSpec([10, 8, 8, 1], tf.uint8), tf.TensorSpec([10], tf.int32), tf.TensorSpec([10], tf.int32)]
    step = tf.function(lambda *data: model.train_step(data), autograph=False)
    operations = step.get_concrete_function(*batch).graph.get_operations()

    def scopes(*types):
        return {scope_of(op.name) for op in operations if op.type in types}

    assert scopes("Conv2D") == {"forward", "reward", "unmixed_forward"}
    assert scopes("Conv2DBackpropInput", "Conv2DBackpropFilter") == {"backward"}
    assert scopes("ResourceScatterNdUpdate") == {"tables", "strength"}
    # Batch norm's averages move in the forward; the reward batch is kept where it is made, counts with the tables.
    assert scopes("AssignVariableOp", "AssignAddVariableOp") <= {
        *("forward", "reward", "strength", "tables", "update", "metrics")
    }
    assert scopes("AssignSubVariableOp") == {"update"}
    assert {scope_of(op.name) for op in operations} - {None} == set(SCOPES)
