"""Tests of `split_classifier`."""

import keras
import numpy as np
import pytest

from ieg_fsr.errors import UserError
from ieg_fsr.networks import build_network
from ieg_fsr.networks.split import Cut, split_classifier

layers = keras.layers


def random_inputs(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def trunk():
    inputs = keras.Input((6,))
    return keras.Model(inputs, layers.Dense(5, activation="relu")(inputs), name="trunk")


def small_cnn():
    return build_network("small_cnn", (8, 8, 1), 4)


def sequential():
    return keras.Sequential([keras.Input((6,)), layers.Dense(5, activation="relu"), layers.Dense(4)])


def sequential_built_late():
    model = keras.Sequential([layers.Dense(5, activation="relu"), layers.Dense(4)])
    model(random_inputs(2, 6))
    return model


def nested_trunk():
    return keras.Sequential([keras.Input((6,)), trunk(), layers.Dense(4)])


def nested_head():
    """The last layer is a model whose last layer is a model that ends in the Dense layer."""
    inner = keras.Sequential([keras.Input((5,)), layers.BatchNormalization(), layers.Dense(4)])
    middle_inputs = keras.Input((5,))
    middle = keras.Model(middle_inputs, inner(layers.Dropout(0.5)(middle_inputs)))
    inputs = keras.Input((6,))
    return keras.Model(inputs, middle(trunk()(inputs)))


def only_dense():
    return keras.Sequential([keras.Input((6,)), layers.Dense(4)])


def only_dense_nested():
    inputs = keras.Input((6,))
    return keras.Model(inputs, only_dense()(inputs))


def several_uses_of_a_model():
    """The model at the end was called before, elsewhere: the call that counts is the classifier's."""
    head = only_dense()
    head(keras.Input((6,)))
    inputs = keras.Input((6,))
    return keras.Model(inputs, head(layers.BatchNormalization()(inputs)))


SINGLE_INPUT = [
    sequential,
    sequential_built_late,
    nested_trunk,
    nested_head,
    only_dense,
    only_dense_nested,
    several_uses_of_a_model,
]


def assert_same_function(classifier, inputs):
    shared, head = split_classifier(classifier)
    np.testing.assert_array_equal(head(shared(inputs)), classifier(inputs))
    assert isinstance(head, keras.layers.Dense)
    assert len(shared.output.shape) == 2
    parts = {id(variable) for variable in [*shared.variables, *head.variables]}
    assert parts == {id(variable) for variable in classifier.variables}


@pytest.mark.parametrize("build", SINGLE_INPUT)
def test_parts_compose_to_the_classifier(build):
    assert_same_function(build(), random_inputs(3, 6))


def test_small_cnn():
    classifier = small_cnn()
    assert_same_function(classifier, np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), dtype=np.uint8))
    split = split_classifier(classifier)
    assert isinstance(split, Cut)
    assert split.above is classifier.get_layer("logits")
    assert split.below.output_shape == (None, 64)
    assert any(layer is classifier.layers[2] for layer in split.below.layers)


def test_several_inputs():
    image, extra = keras.Input((6,), name="image"), keras.Input((2,), name="extra")
    logits = layers.Dense(3)(layers.Concatenate()([image, layers.Dense(4)(extra)]))
    assert_same_function(keras.Model([image, extra], logits), [random_inputs(3, 6), random_inputs(3, 2)])
    by_name = keras.Model({"image": image, "extra": extra}, logits)
    assert_same_function(by_name, {"image": random_inputs(3, 6), "extra": random_inputs(3, 2)})


def test_only_dense_leaves_the_identity():
    inputs = random_inputs(3, 6)
    np.testing.assert_array_equal(split_classifier(only_dense()).below(inputs), inputs)


def test_training_a_part_trains_the_classifier():
    classifier = nested_head()
    head = split_classifier(classifier).above
    head.kernel.assign(np.zeros(head.kernel.shape))
    head.bias.assign([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(classifier(random_inputs(2, 6)), [[1, 2, 3, 4]] * 2)


def test_batch_norm_of_the_shared_part_is_the_classifiers():
    classifier = small_cnn()
    norm = next(layer for layer in classifier.layers if isinstance(layer, layers.BatchNormalization))
    before = norm.moving_mean.numpy()
    split_classifier(classifier).below(np.full((2, 8, 8, 1), 200, np.uint8), training=True)
    assert not np.array_equal(norm.moving_mean.numpy(), before)


def test_loaded_classifier(tmp_path):
    nested_head().save(tmp_path / "model.keras")
    assert_same_function(keras.saving.load_model(tmp_path / "model.keras"), random_inputs(3, 6))


def ending(*last_layers):
    return keras.Sequential([keras.Input((6,)), *last_layers])


def two_outputs():
    inputs = keras.Input((6,))
    return keras.Model(inputs, [layers.Dense(2)(inputs), layers.Dense(3)(inputs)])


def scaled_logits():
    inputs = keras.Input((6,))
    return keras.Model(inputs, layers.Dense(2)(inputs) / 2.0)


def dense_used_twice():
    dense = layers.Dense(6)
    return ending(dense, dense)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, inputs):
        return self.dense(inputs)


def subclassed_at_the_end():
    return ending(Subclassed())


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ending(layers.Dense(2, activation="softmax")), "activation=None.*with activation softmax"),
        (lambda: ending(layers.Dense(2, activation="relu")), "activation=None.*with activation relu"),
        (lambda: ending(layers.Dense(2), layers.Softmax()), "end in a Dense.*Softmax"),
        (lambda: ending(layers.Dense(2), layers.Activation("softmax")), "end in a Dense.*Activation"),
        (lambda: ending(layers.Dense(2), layers.Dropout(0.1)), "end in a Dense.*Dropout"),
        (lambda: ending(layers.Reshape((2, 3)), layers.Dense(2)), r"\[batch, width\].*\(None, 2, 3\)"),
        (lambda: ending(only_dense(), layers.Dense(2), ending_in_softmax()), "with activation softmax"),
        (scaled_logits, "end in a Dense"),
        (two_outputs, "one output.*with 2"),
        (dense_used_twice, "once.*used twice"),
        (subclassed_at_the_end, "end in a Dense.*Subclassed"),
        (lambda: ending(layers.Dense(1)), "two for a yes and a no.*with one unit"),
        (Subclassed, r"make it keras.Model\(inputs, outputs\)\. .*subclassed"),
        (lambda: keras.Sequential([layers.Dense(2)]), r"start it with keras.Input\(shape\)\. .*not built"),
        (lambda: layers.Dense(2), "keras.Model. Received: Dense"),
    ],
)
def test_errors_are_one_line(build, message):
    with pytest.raises(UserError, match=message) as caught:
        split_classifier(build())
    text = str(caught.value)
    assert "\n" not in text
    assert ". Received: " in text


def ending_in_softmax():
    return keras.Sequential([keras.Input((2,)), layers.Dense(2, activation="softmax")])
