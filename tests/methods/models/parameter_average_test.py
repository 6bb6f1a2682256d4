"""The moving average against its recursion worked out by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.methods.models.parameter_average import ParameterAverage


def one_weight_classifier(value: float) -> keras.Model:
    inputs = keras.Input([1])
    model = keras.Model(inputs, keras.layers.Dense(1, use_bias=False)(inputs))
    model.set_weights([np.array([[value]], np.float32)])
    return model


def test_average_follows_the_ramped_recursion():
    classifier = one_weight_classifier(4.0)
    average = ParameterAverage(classifier, decay=0.25)
    expected = 4.0
    # d = min(.25, (1 + t) / (10 + t)): .1, 2/11, then .25 from t = 2 on.
    for step, (value, decay) in enumerate([(1.0, 0.1), (2.0, 2 / 11), (3.0, 0.25), (5.0, 0.25)]):
        classifier.set_weights([np.array([[value]], np.float32)])
        average.update(tf.constant(step))
        expected = decay * expected + (1 - decay) * value
        assert average.classifier().get_weights()[0][0, 0] == pytest.approx(expected, rel=1e-6)


def test_a_step_that_counts_as_several_moves_as_far_as_they_do():
    averages = [ParameterAverage(one_weight_classifier(4.0), decay=0.5) for _ in range(2)]
    for average in averages:
        average._classifier.set_weights([np.array([[1.0]], np.float32)])
    averages[0].update(tf.constant(1000), tf.Variable(3.0, dtype=tf.float64))
    for _ in range(3):
        averages[1].update(tf.constant(1000))
    first, second = (average.classifier().get_weights()[0] for average in averages)
    np.testing.assert_allclose(first, second, rtol=1e-6)
    assert 1 < first < 4


def test_batch_norm_statistics_are_taken_over_not_averaged():
    inputs = keras.Input([1])
    classifier = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.BatchNormalization()(inputs)))
    average = ParameterAverage(classifier, decay=0.9)
    normalisation = classifier.layers[1]
    normalisation.moving_mean.assign([7.0])
    normalisation.moving_variance.assign([3.0])
    copy = average.classifier().layers[1]
    np.testing.assert_array_equal(copy.moving_mean, [7.0])
    np.testing.assert_array_equal(copy.moving_variance, [3.0])
    assert copy.gamma is not normalisation.gamma


def test_its_variables_are_the_averages():
    classifier = one_weight_classifier(4.0)
    average = ParameterAverage(classifier, decay=0.25)
    [variable] = average.variables
    variable.assign([[7.0]])
    assert average.classifier().get_weights()[0][0, 0] == 7.0
    assert classifier.get_weights()[0][0, 0] == 4.0


def test_layers_may_be_frozen_and_unfrozen_between_steps():
    """Each of the two kernels by the recursion, d = .1 at t = 0; a frozen one is taken over as it is."""
    layers = [keras.layers.Dense(5, use_bias=False), keras.layers.Dense(4, use_bias=False)]
    classifier = keras.Sequential([keras.Input([3]), *layers])
    layers[0].trainable = False
    average = ParameterAverage(classifier, decay=0.5)
    first, second = classifier.get_weights()
    layers[1].set_weights([second + 1])
    average.update(tf.constant(0))
    for received, expected in zip(average.classifier().get_weights(), [first, second + 0.9], strict=True):
        np.testing.assert_allclose(received, expected, rtol=1e-6)
    layers[0].trainable, layers[1].trainable = True, False
    classifier.set_weights([first + 1, second + 2])
    average.update(tf.constant(0))
    for received, expected in zip(average.classifier().get_weights(), [first + 0.9, second + 2], strict=True):
        np.testing.assert_allclose(received, expected, rtol=1e-6)


def test_fit_before_and_after_a_layer_is_unfrozen():
    layers = [keras.layers.Dense(5), keras.layers.Dense(4)]
    model = ieg_fsr.Supervised(keras.Sequential([keras.Input([3]), *layers]), parameter_average_decay=0.5)
    x, y = np.random.default_rng(0).normal(size=(12, 3)), np.arange(12) % 4
    for trainable in (False, True):
        layers[0].trainable = trainable
        model.compile("sgd")
        before = model.parameter_average.classifier().layers[0].get_weights()[0].copy()
        model.fit(ieg_fsr.examples(x, y, 4), verbose=0)
        moved = np.abs(model.parameter_average.classifier().layers[0].get_weights()[0] - before).max() > 0
        assert moved == trainable
