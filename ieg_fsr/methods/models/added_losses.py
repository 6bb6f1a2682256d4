"""The losses that the layers of a network add to that of the samples, as those of regularizers."""

import keras
import tensorflow as tf

from ieg_fsr.replicas import count


def added_losses(network: keras.Model) -> tf.Tensor | float:
    """Their sum, after a forward. Its gradient is this replica's part: the optimizer takes the sum."""
    if not network.losses:
        return 0.0
    total = tf.add_n([tf.cast(loss, tf.float32) for loss in network.losses])
    return total / count() + tf.stop_gradient(total - total / count())
