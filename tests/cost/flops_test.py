"""FLOPs of graphs against counts by hand."""

import keras
import pytest
import tensorflow as tf

from ieg_fsr.cost.flops import count_flops
from ieg_fsr.networks import build_network


def graph(function, *shapes):
    return tf.function(function).get_concrete_function(*(tf.TensorSpec(shape) for shape in shapes)).graph


def test_products_and_convolutions():
    assert count_flops(graph(lambda a, b: a @ b, [2, 3], [3, 5])) == 2 * 2 * 3 * 5
    assert count_flops(graph(lambda a, b: tf.matmul(a, b, transpose_a=True), [3, 2], [3, 5])) == 2 * 2 * 3 * 5
    # 4x4 places, 5 filters of 3x3x2.
    assert count_flops(graph(lambda x, k: tf.nn.conv2d(x, k, 2, "SAME"), [7, 8, 8, 2], [3, 3, 2, 5])) == (
        2 * 7 * 4 * 4 * 5 * 3 * 3 * 2
    )


def test_backward_costs_twice_the_forward_and_nothing_towards_the_images():
    kernel = tf.Variable(tf.zeros([3, 3, 2, 4]))
    second = tf.Variable(tf.zeros([3, 3, 4, 4]))

    def gradients(x):
        with tf.GradientTape() as tape:
            y = tf.nn.conv2d(tf.nn.conv2d(x, kernel, 1, "SAME"), second, 1, "SAME")
        return tape.gradient(y, [kernel.handle, second.handle])

    first, last = 2 * 64 * 4 * 9 * 2, 2 * 64 * 4 * 9 * 4
    # The last forward is not needed for its own gradients.
    assert count_flops(graph(gradients, [1, 8, 8, 2])) == first + first + 2 * last


def test_what_no_result_needs_is_not_counted():
    def product(a):
        tf.matmul(a, a)
        return a

    assert count_flops(graph(product, [4, 4])) == 0


def test_branches_count_by_their_share_and_calls_by_their_function():
    inner = tf.function(lambda a: a @ a)

    def chosen(a, flag):
        return tf.cond(flag > 0, lambda: inner(a) @ a, lambda: inner(a))

    assert count_flops(graph(chosen, [4, 4], []), then_share=0.25) == 2 * 64 * 1.25


def test_shapes_that_are_not_known():
    assert count_flops(graph(lambda a: a @ a, [None, None])) is None


def test_a_network_of_the_literature():
    """ResNet-32 on CIFAR: 69 million multiplications and additions, 0.138 GFLOP."""
    network = build_network("resnet32", (32, 32, 3), 10)
    counted = count_flops(graph(lambda x: network(x, training=True), [1, 32, 32, 3]))
    assert counted == pytest.approx(0.138e9, rel=0.01)
    assert isinstance(network, keras.Model)
