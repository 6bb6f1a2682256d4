"""Exponential moving average of the parameters, kept as a second classifier that can be evaluated and saved."""

import keras
import tensorflow as tf


class ParameterAverage(tf.Module):
    """a <- d a + (1 - d) theta after every step, d = min(decay, (1 + t) / (10 + t)).

    The ramp of d keeps the random initial parameters out of the average of a short run. Batch-norm statistics are not
    averaged: they are running means already, and are taken over as they are when the average is read.
    """

    def __init__(self, classifier: keras.Model, decay: float = 0.999) -> None:
        """Args: classifier: the model to follow. decay: limit of d, in [0, 1)."""
        super().__init__(name="parameter_average")
        self._classifier, self._decay = classifier, decay
        self._average = keras.models.clone_model(classifier)
        self._average.set_weights(classifier.get_weights())

    @property
    def variables(self) -> list[keras.Variable]:
        """All variables of the averaged classifier."""
        return self._average.variables

    def update(self, step: tf.Tensor, pace: tf.Variable | None = None) -> None:
        """Follows the classifier's parameters.

        Args: step: t, scalar, steps made before this one. pace: how many steps it counts as; None: one.
        """
        t = tf.cast(step, tf.float32)
        decay = tf.minimum(self._decay, (1.0 + t) / (10.0 + t))
        keep = 1.0 - (decay if pace is None else decay ** tf.cast(pace, tf.float32))
        for average, value in self._pairs(trainable=True):
            average.value.assign_sub(keep * (average.value - value.value))

    def classifier(self) -> keras.Model:
        """The averaged classifier, with the present batch-norm statistics."""
        for average, value in self._pairs(trainable=False):
            average.assign(value)
        return self._average

    def _pairs(self, trainable: bool) -> list[tuple[keras.Variable, keras.Variable]]:
        """Averages with what they follow. What is trainable may change between two calls of `fit`, the order not."""
        chosen = {id(v) for v in self._classifier.trainable_variables}
        pairs = zip(self._average.variables, self._classifier.variables, strict=True)
        return [(average, value) for average, value in pairs if (id(value) in chosen) == trainable]
