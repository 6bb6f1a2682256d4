"""A mentor that is learned: from the loss of a sample to the probability that its label is right (Jiang et al. 2018).

A student is trained on clean images some of whose labels are made wrong; of each epoch it is recorded which losses
right and wrong labels have.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.data.labels.corruption import corrupt_labels, noise_transition_matrix
from ieg_fsr.data.pipeline.examples import Examples, chunks
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.stateless_random import fold_in, uniform_integers

# Of the released code: hidden units, batches, rate of Adam and its decay, bound of the gradient's norm, and the
# percentile of all recorded losses that stands for the threshold.
_UNITS, _BATCH, _RATE, _DECAY, _DECAY_STEPS, _NORM, _PERCENTILE = 20, 32, 0.1, 0.9, 1000, 5.0, 90
_FEWEST_STEPS = 10  # in an epoch of the student's


class Records(NamedTuple):
    """What a student recorded: one entry for each clean image and epoch, [M] each."""

    losses: np.ndarray  # of the label that it was given, float32
    percents: np.ndarray  # of the epochs, float32 in [0, 100)
    right: np.ndarray  # whether that label was the true one, bool


class Mentor(tf.Module):
    """v = sigmoid(g(l, l - m, e / 100)), g a network of one hidden layer of 20 tanh units.

    In the place of the paper's LSTM: what the architecture is does not matter much, its authors say.
    """

    def __init__(self, seed: int = 0) -> None:
        """Args: seed: of the initial parameters and of the draws of batches."""
        super().__init__(name="mentor")
        self.seed = seed
        start = [keras.initializers.GlorotUniform(2 * seed + layer) for layer in range(2)]
        hidden = keras.layers.Dense(_UNITS, "tanh", kernel_initializer=start[0], dtype="float32")
        out = keras.layers.Dense(1, kernel_initializer=start[1], dtype="float32")
        self.network = keras.Sequential([keras.Input([3]), hidden, out], name="mentor")
        self.learned = tf.Variable(False, trainable=False, name="learned")

    @property
    def variables(self) -> list[Any]:
        """Those of the network, and whether it has learned."""
        return [*self.network.variables, self.learned]

    def logits(self, losses: tf.Tensor, threshold: tf.Tensor | float, percents: tf.Tensor | float) -> tf.Tensor:
        """g, [B]. Args: losses: l, [B]. threshold: m, scalar. percents: e, [B] or scalar."""
        parts = losses, losses - threshold, tf.broadcast_to(tf.cast(percents, tf.float32) / 100.0, tf.shape(losses))
        return self.network(tf.stack(parts, axis=-1))[:, 0]

    def learn(self, records: Records, steps: int) -> None:
        """Learns which labels were right, by so many steps of Adam on the binary cross-entropy."""
        columns = tuple(tf.constant(column, tf.float32) for column in records)
        threshold = float(np.percentile(records.losses, _PERCENTILE))
        optimizer = keras.optimizers.Adam(
            keras.optimizers.schedules.ExponentialDecay(_RATE, _DECAY_STEPS, _DECAY, staircase=True)
        )
        variables = self.network.trainable_variables
        optimizer.build(variables)

        @tf.function
        def all_steps() -> None:
            for step in tf.range(steps):
                ids = uniform_integers([_BATCH], fold_in(tf.constant([self.seed, 0], tf.int32), step), len(columns[0]))
                losses, percents, right = (tf.gather(column, ids) for column in columns)
                with tf.GradientTape() as tape:
                    logits = self.logits(losses, threshold, percents)
                    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(right, logits))
                gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, [v.value for v in variables]), _NORM)
                optimizer.apply(gradients, variables)

        all_steps()
        self.learned.assign(True)


def recorded(student: Supervised, clean: Examples, noise: float, epochs: int, batch_size: int, seed: int) -> Records:
    """Trains a compiled student on clean images with labels made wrong; records losses in test mode each epoch.

    Args: noise: share of the labels drawn anew from all classes. batch_size: at most; an epoch has 10 steps or more.
    """
    matrix = noise_transition_matrix("uniform", student.num_classes, noise)
    labels = corrupt_labels(clean.given_labels, matrix, seed)
    examples = Examples(clean.source, labels, min(batch_size, max(len(labels) // _FEWEST_STEPS, 1)), seed)

    @tf.function(reduce_retracing=True)
    def losses(inputs: tf.Tensor, given: tf.Tensor) -> tf.Tensor:
        logits = tf.cast(student.classifier(inputs, training=False), tf.float32)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(given, logits)

    found: list[np.ndarray] = []

    def record(epoch: int, logs: Any) -> None:
        of_epoch: np.ndarray = np.empty(len(labels), np.float32)
        for ids, inputs in chunks(clean.source):
            of_epoch[ids] = losses(tf.constant(inputs), tf.constant(labels[ids])).numpy()
        found.append(of_epoch)

    callback = keras.callbacks.LambdaCallback(on_epoch_end=record)
    student.fit(examples, epochs=epochs, callbacks=[callback], verbose=0)
    percents: np.ndarray = np.repeat(100 * np.arange(epochs) // epochs, len(labels))
    return Records(np.concatenate(found), percents.astype(np.float32), np.tile(labels == clean.given_labels, epochs))
