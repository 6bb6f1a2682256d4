"""Tests of frozen layers: which they are, what training leaves as it is, and none left to train."""

import keras
import numpy as np
import pytest

import ieg_fsr
from ieg_fsr.errors import UserError
from ieg_fsr.networks import build_network
from ieg_fsr.networks.freezing import freeze

LAYERS = keras.layers


def residual():
    x = keras.Input((6,))
    first = LAYERS.Dense(5, name="first")(x)
    beside = LAYERS.Dense(5, name="beside")(first)
    inside = LAYERS.Dense(5, name="inside")(first)
    return keras.Model(x, LAYERS.Dense(3, name="logits")(LAYERS.Add(name="total")([beside, inside])))


@pytest.mark.parametrize(
    ("until", "trained"),
    [
        ("none", ["first", "beside", "inside", "logits"]),
        ("first", ["beside", "inside", "logits"]),
        ("inside", ["beside", "logits"]),
        ("total", ["logits"]),
        ("backbone", ["logits"]),
    ],
)
def test_a_layer_and_all_that_lead_to_it(until, trained):
    classifier = residual()
    freeze(classifier, until)
    assert [layer.name for layer in classifier.layers if layer.trainable_variables] == sorted(
        trained, key=[layer.name for layer in classifier.layers].index
    )


def test_none_left():
    with pytest.raises(UserError, match=r"^--freeze must leave a layer trainable. Received: logits$"):
        freeze(residual(), "logits")


def test_no_such_layer():
    with pytest.raises(UserError, match=r"such as inside, [^\n]* Received: insides$"):
        freeze(residual(), "insides")


def untrainable():
    classifier = residual()
    classifier.trainable = False
    return classifier


@pytest.mark.parametrize("method", [ieg_fsr.Supervised, lambda one: ieg_fsr.FSR(one, 10)])
def test_methods_refuse_a_classifier_that_is_all_frozen(method):
    with pytest.raises(UserError, match=r"^classifier must leave a layer trainable"):
        method(untrainable())


@pytest.mark.parametrize("nested", [False, True])
def test_fsr_leaves_a_frozen_backbone_with_batch_normalisation_as_it_is(nested):
    network = build_network("small_cnn", (8, 8, 1), 3, seed=1)
    body = keras.Model(network.inputs, network.layers[-2].output)
    if nested:
        network = keras.Sequential([keras.Input((8, 8, 1)), body, LAYERS.Dense(3)])
        body.trainable = False
    else:
        freeze(network, "backbone")
    rng = np.random.default_rng(0)
    x, y = rng.normal(100, 50, [20, 8, 8, 1]).astype(np.float32), rng.integers(3, size=20)
    before, features = body.get_weights(), body(x, training=False)
    model = ieg_fsr.FSR(network, 20, 5, reweight_warmup_epochs=1, mixup_alpha=0.0, parameter_average_decay=0.9)
    model.compile(keras.optimizers.SGD(0.1))
    head = network.layers[-1].get_weights()
    model.fit(ieg_fsr.examples(x, y, batch_size=10), epochs=2, verbose=0)
    for one, other in zip(before, body.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    # In training mode too, batch normalisation goes by what it has kept.
    np.testing.assert_allclose(body(x, training=True), features, rtol=1e-5, atol=1e-6)
    assert not np.array_equal(head[0], network.layers[-1].get_weights()[0])
