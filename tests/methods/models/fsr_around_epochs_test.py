"""The order of what FSR does around epochs, told by its own methods."""

import keras
import numpy as np
import pytest

import ieg_fsr


@pytest.fixture
def heard():
    return []


@pytest.fixture
def model(heard):
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model = ieg_fsr.FSR(network, 12, dictionary_size=6, reward_batch_size=3, reweight_warmup_epochs=1)
    model.compile(keras.optimizers.SGD(0.1))
    model.set_epoch = lambda epoch: heard.append(f"phase {epoch}")
    model.renew_dictionary = lambda epoch: heard.append(f"dictionary for {epoch}")
    model.keep_dictionary = lambda epoch: heard.append(f"dictionary of {epoch}")
    model.mean_weights.update = lambda weights: heard.append("mean")
    return model


def fit(model, **place):
    x = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    model.fit(ieg_fsr.examples(x, np.arange(12) % 3, batch_size=6), verbose=0, **place)


ROUNDS = ["phase 3", "dictionary for 4", "phase 4", "dictionary for 5"]


def test_dictionary_is_there_before_the_first_epoch_and_renewed_after_each(model, heard):
    fit(model, initial_epoch=3, epochs=5)
    assert heard == ["dictionary for 3", *ROUNDS]


def test_within_an_epoch_the_dictionary_is_that_of_the_checkpoint(model, heard):
    fit(model, initial_epoch=3, first_step=1, epochs=5)
    assert heard == ["dictionary of 3", *ROUNDS]


def test_a_second_fit_goes_on_with_the_count(model, heard):
    fit(model, epochs=1)
    heard.clear()
    fit(model, epochs=1)
    assert heard == ["dictionary for 1", "phase 1", "dictionary for 2"]


def test_the_mean_takes_in_the_weights_of_epochs_of_re_weighting_only(model, heard):
    model.end_epoch(0)
    model.reweighting = True
    model.end_epoch(1)
    assert heard == ["dictionary for 1", "mean", "dictionary for 2"]
    assert model.epochs_done == 2


def test_training_that_ends_in_warmup_is_said_at_the_place_of_the_call(model, recwarn):
    model.reweight_warmup_epochs = 20
    fit(model, initial_epoch=20, epochs=21)
    assert not recwarn
    with pytest.warns(UserWarning, match=r"reweight_warmup_epochs is 20 and training ends after 20: weights stay unif"):
        fit(model, initial_epoch=19, epochs=20)
