"""What a training of several stages cannot be given: one line each."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.stages import Stage, Visits
from ieg_fsr.methods.models.supervised import Supervised

X, Y, IDS = np.eye(12, 3, dtype=np.float32), np.arange(12) % 2, np.array([1, 2, 5, 7, 8, 10, 11])


def staged(*stages, optimizer="sgd"):
    model = Supervised(keras.Sequential([keras.Input([3]), keras.layers.Dense(2)]))
    model.stages = lambda epochs: list(stages)
    model.compile(optimizer, metrics=["accuracy"])
    return model


def test_data_without_random_access_are_refused():
    part = Stage("part", 1, visits=lambda model, epoch: Visits(IDS))
    for stages, given in [([Stage("a", 1), Stage("b", 0)], "a 1, b 0"), ([part], "part 1")]:
        with pytest.raises(UserError) as error:
            staged(*stages).fit(X, Y, verbose=0)
        expected = f"fit must be given ieg_fsr.examples(x, y) for stages ({given}). Received: ndarray"
        assert str(error.value) == expected
    numbered = tf.data.Dataset.from_tensor_slices((X, Y, np.arange(12))).batch(4)
    with pytest.raises(UserError, match=r"^fit must be given examples with random access, .* Received: a tf.data.Data"):
        staged(part).fit(ieg_fsr.examples_from_dataset(numbered), verbose=0)


def test_an_average_in_the_optimizer_and_a_lost_place_are_refused():
    average = keras.optimizers.SGD(0.1, use_ema=True, name="mean")
    with pytest.raises(UserError, match=r"^optimizer must not use_ema .* Received: mean with use_ema=True$"):
        staged(Stage("a", 1), Stage("b", 1), optimizer=average).fit(ieg_fsr.examples(X, Y, batch_size=4), epochs=2)
    part = Stage("part", 2, visits=lambda model, epoch: Visits(IDS))
    data = ieg_fsr.examples(X, Y, batch_size=2)
    with pytest.raises(UserError, match=r"^first_step must be 0 without the visits of epoch 2, .* Received: 1$"):
        staged(part).fit(data, epochs=2, initial_epoch=1, first_step=1)
