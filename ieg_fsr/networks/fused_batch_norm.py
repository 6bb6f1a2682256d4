"""Batch normalisation in training by TensorFlow's fused kernel.

Keras' layer spells its formula out in small operations, each a pass over memory forward and another one backward. The
kernel and its gradient compute the same in fewer.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext

# That of cuDNN's kernel.
_SMALLEST_EPSILON = 1e-5


@contextlib.contextmanager
def fused_batch_norms(network: keras.layers.Layer) -> Iterator[None]:
    """In this context the batch normalisations of a network, nested ones too, are called by the kernel.

    It computes what Keras' layer does: outputs, gradients of first and second order, moving averages. The layers stay
    as they are, and what the kernel does not cover is left to them; so are layers with a `call` of somebody else's.
    """
    norms = [layer for layer in network._flatten_layers() if type(layer) is keras.layers.BatchNormalization]
    calls = [vars(layer).setdefault("call", _FusedCall(layer)) for layer in norms]
    calls = [call for call in calls if isinstance(call, _FusedCall)]
    for call in calls:
        call.contexts += 1
    try:
        yield
    finally:
        for call in calls:
            call.contexts -= 1
            if not call.contexts:
                del vars(call.layer)["call"]


class _FusedCall:
    """The `call` of a layer, in any number of contexts: replicas are traced side by side."""

    def __init__(self, layer: keras.layers.BatchNormalization) -> None:
        self.layer, self.contexts = layer, 0

    def __call__(self, inputs: tf.Tensor, training: Any = None, mask: Any = None) -> tf.Tensor:
        """Keras' `call`, by the kernel where it computes the same."""
        layer = self.layer
        if not training or mask is not None or not _is_fusible(layer, inputs):
            return keras.layers.BatchNormalization.call(layer, inputs, training=training, mask=mask)
        inputs = tf.cast(inputs, tf.float32)  # as Keras: statistics of 16 bits are too coarse
        outputs, mean, variance = _normalised(layer, inputs)
        keep = layer.momentum
        for average, new in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            average.assign(tf.convert_to_tensor(average) * keep + new * (1.0 - keep))
        return tf.cast(outputs, layer.compute_dtype)


def _normalised(layer: keras.layers.BatchNormalization, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Images [B, H, W, c] normalised, and the mean and the variance, [c] each, by which they were."""
    channels = images.shape[-1]
    gamma = tf.convert_to_tensor(layer.gamma) if layer.scale else tf.ones([channels])
    beta = tf.convert_to_tensor(layer.beta) if layer.center else tf.zeros([channels])
    # Not by tf.nn: it raises an epsilon of 1e-5.
    outputs, mean, unbiased, *_ = tf.raw_ops.FusedBatchNormV3(
        x=images, scale=gamma, offset=beta, mean=[], variance=[], epsilon=layer.epsilon, is_training=True
    )
    count = tf.cast(tf.size(images) // channels, tf.float32)
    return outputs, mean, unbiased * ((count - 1.0) / count)  # Bessel's correction taken back: Keras has none


def _is_fusible(layer: keras.layers.BatchNormalization, inputs: tf.Tensor) -> bool:
    """Whether images [B, H, W, c] are normalised by their own statistics over all but the last axis, in float32."""
    by_batch = layer.trainable and not layer.renorm and not layer.synchronized
    of_images = inputs.shape.rank == 4 and layer.axis in (-1, 3)
    in_float32 = layer.variable_dtype == "float32" and inputs.dtype != tf.float64
    # XLA computes the kernel's variance by E[x^2] - E[x]^2, which is too coarse, and fuses Keras' operations anyway.
    compiled = GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())
    return by_batch and of_images and in_float32 and layer.epsilon >= _SMALLEST_EPSILON and not compiled
