"""A forward in training mode that leaves nothing behind: no gradient, no averages, no states of random layers."""

import keras
import tensorflow as tf

from ieg_fsr.networks.fused_batch_norm import fused_batch_norms


def frozen_forward(network: keras.Model, inputs: tf.Tensor) -> tf.Tensor:
    """Outputs [B, ...] of a network in training mode, as constants; its variables stay as they are.

    Batch normalisation goes by the statistics of `inputs` [B, ...], dropout by the present state of its seed.
    """
    trainable = [tf.convert_to_tensor(variable) for variable in network.trainable_variables]
    others = [tf.convert_to_tensor(variable) for variable in network.non_trainable_variables]
    with fused_batch_norms(network):
        outputs, _ = network.stateless_call(trainable, others, inputs, training=True)
    return tf.stop_gradient(outputs)
