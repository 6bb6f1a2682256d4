"""A forward in training mode that leaves nothing behind: no gradient, no moving averages, no states of random layers.

Without a gradient nothing has to be kept of a batch normalisation, and TensorFlow's fused kernel takes its place: the
same function in fewer passes over memory than Keras' own formula, whose intermediate results a gradient would need.
"""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

# Below it the fused kernel takes its own: that of cuDNN.
_SMALLEST_EPSILON = 1e-5


def frozen_forward(network: keras.Model, inputs: tf.Tensor) -> tf.Tensor:
    """Outputs [B, ...] of a network in training mode, as constants; its variables stay as they are.

    Batch normalisation goes by the statistics of `inputs` [B, ...], dropout by the present state of its seed.
    """
    trainable = [tf.convert_to_tensor(variable) for variable in network.trainable_variables]
    others = [tf.convert_to_tensor(variable) for variable in network.non_trainable_variables]
    with _fused_batch_norms(network):
        outputs, _ = network.stateless_call(trainable, others, inputs, training=True)
    return tf.stop_gradient(outputs)


@contextlib.contextmanager
def _fused_batch_norms(network: keras.Model) -> Iterator[None]:
    """In this context the batch normalisations of a network, nested ones too, are called by `_fused_call`.

    Those with a `call` of their own are left alone: somebody else's, or another replica's that is being traced beside.
    """
    norms = [layer for layer in network._flatten_layers() if type(layer) is keras.layers.BatchNormalization]
    layers = [layer for layer in norms if "call" not in vars(layer)]
    for layer in layers:
        vars(layer)["call"] = functools.partial(_fused_call, layer)
    try:
        yield
    finally:
        for layer in layers:
            del vars(layer)["call"]


def _fused_call(
    layer: keras.layers.BatchNormalization, inputs: tf.Tensor, training: Any = None, mask: Any = None
) -> Any:
    """Keras' `call` of a layer, by the fused kernel where it computes the same."""
    if not training or mask is not None or not _is_fusible(layer, inputs):
        return keras.layers.BatchNormalization.call(layer, inputs, training=training, mask=mask)
    channels = inputs.shape[-1]
    gamma = tf.convert_to_tensor(layer.gamma) if layer.scale else tf.ones([channels])
    beta = tf.convert_to_tensor(layer.beta) if layer.center else tf.zeros([channels])
    inputs = tf.cast(inputs, tf.float32)  # as Keras: statistics of 16 bits are too coarse
    outputs, _, _ = tf.compat.v1.nn.fused_batch_norm(inputs, gamma, beta, epsilon=layer.epsilon, is_training=True)
    return tf.cast(outputs, layer.compute_dtype)


def _is_fusible(layer: keras.layers.BatchNormalization, inputs: tf.Tensor) -> bool:
    """Whether images [B, H, W, c] are normalised by their own statistics over all but the last axis, in float32."""
    by_batch = layer.trainable and not layer.renorm and not layer.synchronized
    of_images = inputs.shape.rank == 4 and layer.axis in (-1, 3) and inputs.dtype != tf.float64
    return by_batch and of_images and layer.variable_dtype == "float32" and layer.epsilon >= _SMALLEST_EPSILON
