"""The mean weight of each example over the epochs of re-weighting, on the device."""

import numpy as np
import tensorflow as tf


class WeightMean(tf.Module):
    """Mean of what `update` was given, 1 (uniform) before. 4 bytes per example; moved once an epoch, not in a step."""

    def __init__(self, num_examples: int) -> None:
        """Args: num_examples: N."""
        super().__init__(name="weight_mean")
        self.mean = tf.Variable(tf.ones([num_examples]), trainable=False, name="mean_weights")
        self.epochs = tf.Variable(0.0, trainable=False, name="epochs")

    def update(self, weights: tf.Tensor) -> None:
        """Takes in one epoch. Args: weights: [N], relative to uniform."""
        self.epochs.assign_add(1.0)
        self.mean.assign_add((tf.convert_to_tensor(weights) - self.mean) / self.epochs)

    def read(self) -> np.ndarray:
        """Means [N], float32."""
        return self.mean.numpy()
