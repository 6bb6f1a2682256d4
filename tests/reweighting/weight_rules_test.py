"""Each rule by hand on three samples; the constraints have their own tests."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.reweighting.weight_rules import DirectWeights, UniformWeights

LOSSES = tf.constant([0.3, 5.0, 0.0])
META_GRADIENT = tf.constant([-3.0, 2.0, -1.0])


@pytest.mark.parametrize(("initial", "expected"), [("uniform", [1 / 3] * 3), ("zero", [0.0] * 3)])
def test_direct_weights(initial, expected):
    rule = DirectWeights("clip", initial)
    np.testing.assert_allclose(rule.virtual_weights(LOSSES), expected, rtol=1e-6)
    np.testing.assert_allclose(rule.sample_weights(LOSSES, META_GRADIENT), [0.75, 0.0, 0.25], rtol=1e-4)


def test_direct_weights_shifted():
    # raw = 1/3 + (3, -2, 1); less its smallest plus 1/3: (16/3, 1/3, 10/3), sum 9.
    weights = DirectWeights("shift").sample_weights(LOSSES, META_GRADIENT)
    np.testing.assert_allclose(weights, np.array([16, 1, 10]) / 27, rtol=1e-4)


def test_uniform_weights_heed_nothing():
    rule = UniformWeights()
    for weights in (rule.virtual_weights(LOSSES), rule.sample_weights(LOSSES, META_GRADIENT)):
        np.testing.assert_allclose(weights, [1 / 3] * 3, rtol=1e-6)
