"""Tests of `cut_classifier`: the parts make up the whole, and what stands in the way of a cut is said."""

import keras
import numpy as np
import pytest

from ieg_fsr.errors import UserError
from ieg_fsr.networks import build_network
from ieg_fsr.networks.cut import cut_classifier

layers = keras.layers


def inputs(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def residual():
    """Dense "first", a block (two Dense around which the input is added), Dense "last", logits."""
    x = keras.Input((6,))
    first = layers.Dense(5, name="first")(x)
    residual = layers.Dense(5, name="second")(layers.Dense(5, name="inside")(first))
    total = layers.Add(name="total")([first, residual])
    return keras.Model(x, layers.Dense(3, name="logits")(layers.Dense(4, name="last")(total)))


def sequential():
    return keras.Sequential([keras.Input((6,)), layers.Dense(5), layers.ReLU(), layers.Dense(4), layers.Dense(3)])


@pytest.mark.parametrize(
    ("meta_layers", "names"),
    [
        ("dense", ["logits"]),
        ("logits", ["logits"]),
        ("-1", ["logits"]),
        ("last", ["last", "logits"]),
        ("total", ["last", "logits"]),
        ("inside", ["inside", "second", "last", "logits"]),
        ("2", ["inside", "second", "last", "logits"]),
        ("first", ["first", "inside", "second", "last", "logits"]),
        ("0", ["first", "inside", "second", "last", "logits"]),
        ("all", ["first", "inside", "second", "last", "logits"]),
    ],
)
def test_meta_part_has_the_layers_from_there_up(meta_layers, names):
    classifier, x = residual(), inputs(7, 6)
    below, above = cut_classifier(classifier, meta_layers)
    expected = [v.path for name in names for v in classifier.get_layer(name).trainable_variables]
    assert sorted(v.path for v in above.trainable_variables) == sorted(expected)
    shared = {id(v) for v in classifier.trainable_variables}
    assert {id(v) for v in (*below.trainable_variables, *above.trainable_variables)} == shared
    np.testing.assert_allclose(above(below(x)), classifier(x), rtol=1e-6)


@pytest.mark.parametrize("meta_layers", ["all", "0", "2", "-1", "dense"])
def test_sequential_models(meta_layers):
    classifier, x = sequential(), inputs(7, 6)
    below, above = cut_classifier(classifier, meta_layers)
    np.testing.assert_allclose(above(below(x)), classifier(x), rtol=1e-6)
    counts = {"all": 6, "0": 6, "2": 4, "-1": 2, "dense": 2}
    assert len(above.trainable_variables) == counts[meta_layers]


def test_training_a_part_trains_the_classifier():
    classifier = residual()
    cut_classifier(classifier, "last").above.trainable_variables[0].assign(np.zeros([5, 4]))
    np.testing.assert_array_equal(classifier.get_layer("last").kernel, np.zeros([5, 4]))


def test_inside_a_block_the_neighbours_are_named():
    with pytest.raises(UserError, match=r"input alone feeds .* such as inside or last next to it. Received: second$"):
        cut_classifier(residual(), "second")


@pytest.mark.parametrize("name", ["third", "7", "-8", "1.5"])
def test_an_unknown_layer_is_answered_with_the_usable_ones(name):
    with pytest.raises(UserError, match=rf"in 0..6 or one of first, inside, last, logits. Received: {name}$"):
        cut_classifier(residual(), name)


def test_a_layer_that_is_used_below_as_well_cannot_be_cut_off():
    x, twice = keras.Input((5,)), layers.Dense(5, name="twice")
    middle = layers.Dense(5, name="middle")(twice(x))
    classifier = keras.Model(x, layers.Dense(3, name="logits")(twice(middle)))
    with pytest.raises(UserError, match=r"such as twice or logits next to it. Received: middle"):
        cut_classifier(classifier, "middle")
    assert len(cut_classifier(classifier, "twice").above.trainable_variables) == 6


@pytest.mark.parametrize(
    ("network", "block", "convolutions"),
    [("small_cnn", "block4", 2), ("resnet32", "stage3_block1", 8), ("wrn28_2", "stage2_block4", 9)],
)
def test_a_named_block_is_below_the_meta_part(network, block, convolutions):
    """Behind stage 3, block 1 of ResNet-32: four blocks of two; behind stage 2, block 4 of WRN-28: four and a 1x1."""
    above = cut_classifier(build_network(network, (8, 8, 1), 4), block).above
    assert sum(len(v.shape) == 4 for v in above.trainable_variables) == convolutions


@pytest.mark.parametrize("network", ["small_cnn", "resnet32", "wrn28_2"])
def test_the_networks_here_can_be_cut_at_their_blocks(network):
    classifier = build_network(network, (8, 8, 1), 4)
    x = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1)).astype(np.float32)
    convolutions = [i for i, layer in enumerate(classifier.layers) if isinstance(layer, layers.Conv2D)]
    expected, cuts = classifier(x), 0
    for position in convolutions:
        try:
            below, above = cut_classifier(classifier, str(position))
        except UserError:
            continue
        cuts += 1
        np.testing.assert_allclose(above(below(x)), expected, rtol=1e-4, atol=1e-5)
    # Every convolution; the first one and the first of each of 15 blocks; the first one, and the first of each of 12
    # blocks or, where the activated input passes both, its two: those of the three groups' first blocks.
    assert cuts == {"small_cnn": 6, "resnet32": 16, "wrn28_2": 7}[network]
