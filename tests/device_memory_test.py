"""What the device's allocator counts."""

import gc

import tensorflow as tf

from ieg_fsr.device_memory import memory_in_use, release_kernels


def test_released_kernels_hold_nothing_of_a_gradient_of_a_gradient():
    """Without that, the activations of two convolutions stay, and are counted for whatever is measured next."""

    @tf.function
    def gradient_of_a_gradient(images, filters):
        with tf.GradientTape() as outer:
            outer.watch(filters)
            with tf.GradientTape() as inner:
                inner.watch(filters)
                hidden = tf.nn.relu(tf.nn.conv2d(images, filters, 1, "SAME"))
                loss = tf.reduce_sum(tf.nn.relu(tf.nn.conv2d(hidden, filters, 1, "SAME")))
            norm = tf.reduce_sum(inner.gradient(loss, filters) ** 2)
        return outer.gradient(norm, filters)

    images, filters = tf.ones([50, 32, 32, 16]), tf.ones([3, 3, 16, 16])
    before = memory_in_use()
    gradient_of_a_gradient(images, filters)
    gc.collect()
    release_kernels()
    assert memory_in_use() <= before
