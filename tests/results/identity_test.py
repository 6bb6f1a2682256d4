"""What sets a run apart: names of variants, conditions and protocols, from resolved settings."""

import pytest
from full_strength import resolve

from ieg_fsr.results.identity import Condition, identify


def identity(**given):
    return identify(resolve(given))


@pytest.mark.parametrize(
    ("given", "variant"),
    [
        ({}, "FSR"),
        ({"method": "supervised"}, "supervised"),
        ({"method": "supervised", "mixup": True}, "supervised + MixUp"),
        ({"method": "supervised", "label_smoothing": 0.1}, "supervised, label_smoothing 0.1"),
        ({"pusher": "release"}, "FSR, pusher release"),
        ({"strength": "auto"}, "FSR, strength auto"),
        ({"faithful": True}, "FSR, faithful"),
        ({"mixup": False}, "FSR, no MixUp"),
        ({"mixup": False, "pseudo_label_loss_weight": 0.0}, "FSR, raw"),
        ({"pseudo_label_loss_weight": 0.0}, "FSR, pseudo_label_loss_weight 0.0"),
        ({"imbalance": 50.0}, "FSR"),
        ({"imbalance": 50.0, "reweight_warmup_epochs": 80}, "FSR, deferred"),
        ({"imbalance": 50.0, "reweight_warmup_epochs": 81}, "FSR, reweight_warmup_epochs 81"),
        ({"reweight_warmup_epochs": 80}, "FSR, reweight_warmup_epochs 80"),
        ({"dataset": "cifar10", "noise": 0.2}, "FSR"),
        ({"dataset": "cifar10", "noise": 0.2, "network": "resnet32"}, "FSR, resnet32"),
        ({"dataset": "cifar10", "imbalance": 10.0, "network": "resnet32"}, "FSR"),
    ],
)
def test_variant(given, variant):
    assert identity(**given).variant == variant


def test_what_is_only_watched_or_only_a_place_does_not_count():
    plain = identity(noise=0.4)
    other = identity(
        noise=0.4, seed=7, model_dir="x", data_dir="y", eval_interval=3, jit_compile="true", lookahead_losses=True
    )
    assert plain == other
    assert identity(noise_type="pairflip") == identity()


def test_settings_of_training_make_the_protocol():
    one = identity(dataset="fashion_mnist", train_examples=5000, epochs=40, padding=0, flip=False, pusher="paper")
    assert one.protocol == "train_examples 5000, epochs 40, padding 0, no flip"
    assert one.variant == "FSR, pusher paper"
    assert one.differences == (("pusher", "paper"),)
    assert identity(schedule="steps", drop_epochs=(3, 5)).protocol == "schedule steps, drop_epochs 3,5"
    assert identity().protocol == ""


@pytest.mark.parametrize(
    ("given", "condition", "title", "family"),
    [
        ({}, Condition(), "noise 0", "noise"),
        ({"dataset": "folder:x"}, Condition(doubtful=True), "labels as they are", "noise"),
        ({"dataset": "folder:x", "imbalance": 9.0}, Condition("", 9.0, doubtful=True), "imbalance 9", "imbalance"),
        ({"noise": 0.4}, Condition(noise=0.4), "noise 0.4", "noise"),
        (
            {"noise": 0.2, "noise_type": "pairflip"},
            Condition(noise_type="pairflip", noise=0.2),
            "pairflip 0.2",
            "asymmetric",
        ),
        ({"imbalance": 50.0}, Condition(imbalance=50.0), "imbalance 50", "imbalance"),
        (
            {"imbalance": 10.0, "noise": 0.2},
            Condition(imbalance=10.0, noise=0.2),
            "imbalance 10, noise 0.2",
            "long_tail_noise",
        ),
        ({"labels_file": "/a/humans.csv"}, Condition("humans"), "labels humans", "given_labels"),
        ({"labels_file": "h.npy", "labels_key": "worse"}, Condition("h worse"), "labels h worse", "given_labels"),
        ({"noise_matrix": "b/pairs.npy"}, Condition("pairs"), "labels pairs", "given_labels"),
    ],
)
def test_condition(given, condition, title, family):
    found = identity(**given).condition
    assert (found, found.title, found.family) == (condition, title, family)


def test_clean_images_are_told_of_methods_that_use_them():
    assert identity(method="l2r").label == "L2R (10 clean images a class)"
    assert identity(method="mwn", meta_layers="dense").label == "MWN, final Dense (10 clean images a class)"
    assert identity(method="l2r", dictionary_size=50, pusher="paper") == identity(method="l2r")
    assert identity(clean_per_class=20).clean_per_class == 0
    assert identity(reward_source="holdout").label == "FSR, reward_source holdout (10 clean images a class)"
    assert identity(method="l2r", reward_source="dictionary").label == "L2R, reward_source dictionary"
    assert identity(method="l2r") != identity(method="l2r", clean_per_class=20)


def test_own_data_are_not_read():
    """The recipe is that of the size that fits best: here 16 pixels, as for the digits."""
    values = dict(resolve({"noise": 0.4})) | {"dataset": "npz:/nowhere/at/all.npz"}
    assert identify(values).variant == "FSR"
    assert identify(values).protocol == ""
    assert identify(values | {"pusher": "paper"}).variant == "FSR, pusher paper"
