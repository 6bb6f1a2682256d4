"""The running mean against the mean."""

import numpy as np
import tensorflow as tf

from ieg_fsr.reweighting.weight_mean import WeightMean


def test_uniform_before_the_first_epoch():
    np.testing.assert_array_equal(WeightMean(3).read(), [1, 1, 1])


def test_mean_of_all_epochs():
    weights = np.random.default_rng(0).random((7, 5)).astype(np.float32)
    table = WeightMean(5)
    for epoch in weights:
        table.update(tf.Variable(epoch))
    np.testing.assert_allclose(table.read(), weights.mean(axis=0), rtol=1e-5)
