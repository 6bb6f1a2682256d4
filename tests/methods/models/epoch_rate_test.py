"""Rates by epochs: which factor holds when, and that a step traced once takes the rate of the day."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.methods.models.epoch_rate import EpochRate, factor_of_epoch


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [(10, [4, 4, 4, 4, 4, 2, 2, 2, 1, 1]), (2, [4, 2]), (1, [4])],
)
def test_factors_hold_up_to_their_shares(epochs, expected):
    factors = ((0.5, 4.0), (0.75, 2.0), (1.0, 1.0))
    assert [factor_of_epoch(factors, done, epochs) for done in range(epochs)] == expected


def test_a_traced_step_takes_the_present_rate():
    rate, weight = tf.Variable(0.5), keras.Variable([0.0])
    optimizer = keras.optimizers.SGD(EpochRate(rate))
    optimizer.build([weight])
    step = tf.function(lambda: optimizer.apply([tf.ones([1])], [weight]))
    values = []
    for value in (0.5, 0.25, 2.0):
        rate.assign(value)
        step()
        values.append(float(weight[0]))
    np.testing.assert_allclose(values, [-0.5, -0.75, -2.75])
