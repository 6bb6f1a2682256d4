"""The moving average against its recursion worked out by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.methods.parameter_average import ParameterAverage


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
