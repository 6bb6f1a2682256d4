"""Tests of what is found out about a classifier's input."""

import keras
import pytest

from ieg_fsr.errors import UserError
from ieg_fsr.networks import build_network
from ieg_fsr.networks.inputs import check_single_input, keeps_input_type, takes_tokens

layers = keras.layers


def sequential(*inner, shape=(7,), dtype=None):
    return keras.Sequential([keras.Input(shape, dtype=dtype), *inner, layers.Dense(3)])


def embedded(dtype=None):
    return sequential(layers.Embedding(50, 4), layers.GlobalAveragePooling1D(), dtype=dtype)


def nested():
    inner = keras.Sequential([keras.Input((7,)), layers.Embedding(50, 4), layers.Flatten()])
    return sequential(inner)


def text():
    vectorization = layers.TextVectorization(20, output_sequence_length=5)
    vectorization.adapt(["a b c"])
    return sequential(
        vectorization, layers.Embedding(20, 4), layers.GlobalAveragePooling1D(), shape=(), dtype="string"
    )  # fmt: skip


def embedding_of_something_else():
    """Its index is computed from the features, as a learned position or a cluster is."""
    inputs = keras.Input((7,))
    index = keras.ops.argmax(layers.Dense(4)(inputs), axis=-1)
    return keras.Model(inputs, layers.Dense(3)(layers.Embedding(4, 2)(index)))


@pytest.mark.parametrize(
    ("build", "keeps", "tokens"),
    [
        (sequential, False, False),
        (lambda: build_network("small_cnn", (8, 8, 1), 3), False, False),
        (lambda: sequential(dtype="int32"), True, True),
        (lambda: embedded("int32"), True, True),
        (embedded, False, True),
        (nested, False, True),
        (text, True, True),
        (embedding_of_something_else, False, False),
    ],
)
def test_tokens_are_told_from_numbers(build, keeps, tokens):
    classifier = build()
    assert (keeps_input_type(classifier), takes_tokens(classifier)) == (keeps, tokens)
    check_single_input(classifier)


def test_several_inputs_are_refused():
    one, other = keras.Input((5,)), keras.Input((2,))
    classifier = keras.Model([one, other], layers.Dense(3)(layers.Concatenate()([one, other])), name="both")
    with pytest.raises(UserError, match=r"must have one input: .*Received: Functional 'both' with 2 inputs"):
        check_single_input(classifier)
