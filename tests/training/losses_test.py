"""From a config to a loss: each method's, with its settings."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.methods.models.supervised import Batch
from ieg_fsr.training.losses import build_loss

# Two classes, three examples of class 0 and one of class 1; odds 1 : 3, so p = (1/4, 3/4), sigmoids 1/2 and 3/4.
GIVEN = np.array([0, 0, 0, 1], np.int32)
LOGITS = tf.math.log([[1.0, 3.0]])
# beta = 1/2: effective numbers 7/4 and 1, weights 2 * (4, 7) / 11.
W0 = 8 / 11


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"method": "gce", "gce_q": 0.5}, 1.0),
        ({"method": "focal", "focal_gamma": 1.0}, 3 / 4 * np.log(4)),
        ({"method": "cb_softmax", "class_balanced_beta": 0.5}, W0 * np.log(4)),
        ({"method": "cb_sigmoid", "class_balanced_beta": 0.5}, W0 * (np.log(2) + np.log(4))),
        (
            {"method": "cb_focal", "class_balanced_beta": 0.5, "focal_gamma": 1.0},
            W0 * (1 / 2 * np.log(2) + 3 / 4 * np.log(4)),
        ),
        # t = 0.2 p: <p, t> = 0.2 * 10 / 16.
        ({"method": "elr", "elr_lambda": 2.0, "elr_momentum": 0.8}, np.log(4) + 2 * np.log(1 - 0.125)),
    ],
)
def test_settings_reach_the_loss(settings, expected):
    images = tf.zeros([1, 1])
    batch = Batch(images, tf.constant([[1.0, 0.0]]), images, tf.constant([0]), tf.constant([2]))
    loss = build_loss(resolve(settings), GIVEN, 2)
    np.testing.assert_allclose(loss(batch, LOGITS), [expected], rtol=1e-4)


@pytest.mark.parametrize("method", ["supervised", "fsr"])
def test_others_train_with_cross_entropy(method):
    assert build_loss(resolve({"method": method}), GIVEN, 2) is None
