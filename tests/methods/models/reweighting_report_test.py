"""What FSR tells of its tables: declared figures only, and none that needs the truth where nobody knows it."""

import keras
import numpy as np
import pytest

import ieg_fsr
from ieg_fsr.reweighting.strength import SelfTuningStrength

RIGHT = np.arange(12) >= 3


def trained(**options):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 4)).astype(np.float32), np.arange(12) % 3
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    options = {"dictionary_size": 6, "reward_batch_size": 3, "reweight_warmup_epochs": 1} | options
    model = ieg_fsr.FSR(network, 12, lookahead_losses=True, **options)
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(ieg_fsr.examples(x, y, batch_size=6), epochs=2, verbose=0)
    return model


@pytest.fixture(scope="module")
def model():
    return trained()


def test_all_that_is_declared_is_measured_in_its_order(model):
    figures = model.figures(RIGHT)
    tuned = {"strength_used", "agreement", "memorised", "generalised", "memorised_error", "memorised_since"}
    assert list(figures) == [figure.name for figure in model.declared_figures if figure.name not in tuned]
    strength = SelfTuningStrength(12, 3, seed=0)
    assert list(strength.figures()) == [figure.name for figure in model.declared_figures if figure.name in tuned]
    assert figures["dictionary_purity"] == RIGHT[model.dictionary.members()].mean()
    assert figures["weight_clean"] == pytest.approx(model.last_weights.numpy()[RIGHT].mean())
    assert figures["loss_before_noisy"] == pytest.approx(model.last_losses.numpy()[~RIGHT, 0].mean())


def test_without_the_truth_there_is_less_to_tell(model):
    assert list(model.figures()) == ["zero_weight_ratio", "zero_weight_batches"]
    assert list(model.histograms()) == ["weights/all"]
    assert list(model.histograms(RIGHT)) == ["weights/all", "weights/clean", "weights/wrong"]


def test_pictures_are_of_the_present_dictionary_and_the_lowest_scores(model):
    grids = model.example_grids()
    shown = grids["dictionary/members"].ids
    assert shown[shown >= 0].tolist() == model.dictionary.members().tolist()
    assert (shown.reshape(3, 10)[:, 0] % 3).tolist() == [0, 1, 2]  # a class a row
    assert grids["suspects/worst"].ids[0] == model.scores.read().argmin()


def test_what_was_forgotten_most_is_the_worst():
    forgetful = trained(pusher="forgetting")
    [worst, *_] = forgetful.example_grids()["suspects/worst"].ids
    assert forgetful.pusher.trust(forgetful.scores.read()).argmin() == worst


def test_a_hold_out_has_neither_dictionary_nor_scores():
    clean = ieg_fsr.examples(np.eye(3, 4, dtype=np.float32), np.arange(3), 1)
    model = trained(dictionary_size=None, clean_examples=clean)
    assert "dictionary_purity" not in model.figures(RIGHT)
    assert model.example_grids() == {}


def test_the_share_of_wrong_labels_is_estimated_once_weights_are_learned(model):
    assert 0 <= model.label_report().estimated_noise_rate <= 1
    report = trained(reweight_warmup_epochs=2).label_report()
    assert report.estimated_noise_rate is None
    assert report.score.shape == (12,)


def test_layers_are_measured_by_the_model(model):
    [row] = model.layer_gradients(1)
    assert row["parameters"] == 15
