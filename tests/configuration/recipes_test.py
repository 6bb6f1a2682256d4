"""Tests of `ieg_fsr.configuration.recipes`: complete, valid, and the paper's."""

import pytest

from ieg_fsr.configuration.recipes import recipe, settings_of_recipes
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.configuration.settings import settings_for
from ieg_fsr.data.sources import own_data
from ieg_fsr.data.sources.datasets import DATASETS, SPECS
from ieg_fsr.methods.registry import METHODS

FAITHFUL = METHODS["fsr"].presets["faithful"]


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize(
    ("method", "presets"),
    [(name, ()) for name in METHODS] + [(name, (one,)) for name in METHODS for one in METHODS[name].presets],
)
@pytest.mark.parametrize("corruption", [{}, {"long_tailed": True}, {"long_tailed": True, "noisy": True}])
def test_every_entry_is_a_setting_and_passes_its_rule(dataset, method, presets, corruption):
    values, known = recipe(dataset, method, presets, **corruption), settings_for(method)
    assert set(values) <= set(known)
    if (dataset, values.get("reward_source")) == ("webvision_mini", "holdout"):
        return  # Its true labels are not known.
    # What is given is checked against the rules, and so the entries are given here.
    config = resolve({"dataset": dataset, "method": method} | dict.fromkeys(presets, True) | values)
    assert {name: getattr(config, name) for name in values} == values
    assert all(type(value) is known[name].type for name, value in values.items())


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("side", [None, 8, 32, 100])
def test_a_recipe_does_not_choose_data_method_or_place(spec, side):
    places = {"mode", "dataset", "data_dir", "model_dir", "model", "method", "seed"}
    corruption = {"noise", "noise_type", "noise_matrix", "labels_file", "labels_key", "imbalance", "train_examples"}
    for settings in spec.recipe(side):
        assert not set(settings or ()) & (places | corruption)
        assert set(settings or ()) <= settings_of_recipes()


@pytest.mark.parametrize("dataset", DATASETS)
def test_mixup_and_smoothed_labels_belong_to_fsr(dataset):
    assert recipe(dataset, "fsr")["mixup"] is (dataset != "inaturalist2018")
    for corruption in ({}, {"long_tailed": True}, {"long_tailed": True, "noisy": True}):
        plain = recipe(dataset, "supervised", (), **corruption)
        assert (plain["mixup"], plain["label_smoothing"]) == (False, 0.0)


def test_faithful_changes_what_the_released_code_does_and_nothing_else():
    assert FAITHFUL == {"strength": "1", "pusher": "release", "reward_features": "forward", "reward_interval": 1}
    plain, faithful = recipe("cifar10", "fsr"), recipe("cifar10", "fsr", ("faithful",))
    assert {name: value for name, value in faithful.items() if plain.get(name) != value} == {
        name: value for name, value in FAITHFUL.items() if plain.get(name) != value
    }
    assert FAITHFUL.items() <= faithful.items()
    assert plain.keys() <= faithful.keys()


@pytest.mark.parametrize(("dataset", "settings"), [("cifar10", (3.0, 0.7)), ("cifar100", (7.0, 0.9))])
def test_early_learning_regularisation_has_its_papers_settings(dataset, settings):
    config = resolve({"dataset": dataset, "method": "elr", "noise": 0.4})
    assert (config.elr_lambda, config.elr_momentum) == settings


def test_a_recipe_is_a_copy():
    recipe("digits", "fsr", ("faithful",))["epochs"] = 1
    assert recipe("digits", "fsr")["epochs"] == 100


def test_the_digits_recipe_is_the_measured_one():
    # b 100, |R| 200, q 100, warm-up 10, p 2, beta .1, one cosine from 0.1 to 0, pad-1 crop and no flip, 100 epochs.
    digits = recipe("digits", "fsr")
    assert digits["network"] == "small_cnn"
    names = ["epochs", "batch_size", "dictionary_size", "reward_batch_size", "reweight_warmup_epochs", "padding"]
    assert [digits[name] for name in names] == [100, 100, 200, 100, 10, 1]
    names = ["learning_rate", "weight_decay", "label_momentum", "pseudo_label_loss_weight"]
    assert [digits[name] for name in names] == [0.1, 5e-4, 0.1, 2.0]
    assert (digits["schedule"], digits["flip"], digits["weight_constraint"]) == ("cosine", False, "clip")


LONG_TAILED = {
    "network": "resnet32",
    "batch_size": 100,
    "dictionary_size": 3000,
    "reward_batch_size": 800,
    "reweight_warmup_epochs": 20,
    "mixup": False,
    "label_smoothing": 0.1,
    "pseudo_label_loss_weight": 0.0,
    "weight_constraint": "shift",
    "weight_decay": 5e-4,
    "epochs": 200,
    "schedule": "steps",
    "drop_epochs": (160, 180),
    "padding": 4,
}
LONG_TAILED_WITH_NOISE = LONG_TAILED | {
    "batch_size": 128,
    "reward_batch_size": 200,
    "label_momentum": 0.1,
    "pseudo_label_loss_weight": 2.0,
    "reweight_warmup_epochs": 160,
    "mixup": True,
    "weight_constraint": "clip",
}


@pytest.mark.parametrize(
    ("corruption", "row"),
    [
        ({"imbalance": 200.0}, LONG_TAILED),
        ({"imbalance": 200.0, "noise": 0.2}, LONG_TAILED_WITH_NOISE),
        ({"imbalance": 200.0, "noise_matrix": "m.npy"}, LONG_TAILED_WITH_NOISE),
        ({"imbalance": 200.0, "labels_file": "l.csv"}, LONG_TAILED_WITH_NOISE),
    ],
)
@pytest.mark.parametrize("dataset", ["cifar10", "cifar100"])
def test_cifar_with_a_long_tail_is_the_papers_row(dataset, corruption, row):
    for of_the_paper in ({"strength": "1"}, {"faithful": True}):
        config = resolve({"dataset": dataset} | corruption | of_the_paper)
        assert {name: getattr(config, name) for name in row} == row
        assert config.logit_adjustment_tau == 0


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_a_strength_that_tunes_itself_takes_half_of_logit_adjustment_on_a_long_tail(noise):
    tail = {"dataset": "cifar10", "noise": noise, "imbalance": 50.0}
    of = lambda **given: (lambda one: (one.weight_constraint, one.logit_adjustment_tau))(resolve(tail | given))  # noqa: E731
    # It looks for what is memorised after a tenth of the training; with noise the paper's waits for a drop.
    assert resolve(tail).reweight_warmup_epochs == 20
    assert of() == ("clip", 0.5)
    assert of(logit_adjustment_tau=1.0) == ("clip", 1.0)
    assert of(imbalance=1.0) == of(deferred_reweighting=160) == of(logit_adjustment_after=1.0) == ("clip", 0)
    assert of(weight_constraint="shift") == ("shift", 0.5)
    assert "tau" not in resolve(tail).model_dir
    assert resolve(tail | {"method": "logit_adjustment"}).logit_adjustment_tau == 1.0


@pytest.mark.parametrize(("dataset", "drops"), [("digits", (80, 90)), ("fashion_mnist", (48, 54))])
def test_small_long_tails_are_cifars_in_small(dataset, drops):
    noise, tail = recipe(dataset, "fsr"), recipe(dataset, "fsr", (), long_tailed=True)
    assert tail["drop_epochs"] == drops == (0.8 * noise["epochs"], 0.9 * noise["epochs"])
    changed = {name for name in tail if tail[name] != noise.get(name)}
    cifar = {name for name in LONG_TAILED if LONG_TAILED[name] != recipe("cifar10", "fsr").get(name)}
    assert changed <= cifar
    both = recipe(dataset, "fsr", (), long_tailed=True, noisy=True)
    assert (both["reweight_warmup_epochs"], both["weight_constraint"], both["mixup"]) == (drops[0], "clip", True)


def test_noise_without_a_tail_has_one_recipe():
    assert resolve({"dataset": "cifar10", "imbalance": 1.0}) == resolve({"dataset": "cifar10"})
    assert recipe("cifar10", "fsr", (), noisy=True) == recipe("cifar10", "fsr")


def test_a_data_set_without_a_long_tail_of_its_own_uses_what_it_has():
    noise = recipe("webvision_mini", "fsr")
    assert recipe("webvision_mini", "fsr", long_tailed=True) == noise
    assert recipe("webvision_mini", "fsr", long_tailed=True, noisy=True) == noise


def test_the_run_of_an_unknown_data_set_is_read_as_one_of_own_data():
    everywhere = {"mixup": True, "parameter_average_decay": 0.999}
    kept = {"reward_features": "history", "reward_interval": 4, "logit_adjustment_tau": 0.0}
    assert recipe("of_another_program", "fsr") == everywhere | kept | own_data.recipe(None).noise


def chosen(names, *arguments):
    values = recipe(*arguments)
    return [values[name] for name in names.split()]


def test_webvision_is_the_papers_row():
    names = "network batch_size dictionary_size reward_batch_size label_momentum pseudo_label_loss_weight mixup"
    row = ["resnet50", 16 * 8, 5000, 200, 0.1, 1.0, True]
    assert chosen(names, "webvision_mini", "fsr") == row
    names = "reweight_warmup_epochs weight_constraint weight_decay schedule learning_rate_warmup_epochs epochs"
    assert chosen(names, "webvision_mini", "fsr") == [20, "clip", 1e-4, "cosine_restarts", 3, 127 + 3]


def test_inaturalist_is_the_papers_row():
    names = "network batch_size dictionary_size reward_batch_size mixup label_smoothing weight_constraint weight_decay"
    assert chosen(names, "inaturalist2018", "fsr") == ["resnet50", 32, 2000, 350, False, 0.1, "shift", 1e-4]
    assert chosen("epochs learning_rate", "inaturalist2018", "fsr") == [90, 0.1]


@pytest.mark.parametrize(
    ("dataset", "side", "network", "image_size"),
    [
        ("npz:x", 16, "small_cnn", None),
        ("npz:x", 17, "resnet32", None),
        ("tfds:x", 64, "resnet32", None),
        ("npz:x", 65, "resnet50", None),
        ("folder:x", None, "resnet50", 224),
        ("folder:x", 32, "resnet32", None),
    ],
)
def test_own_data_by_the_side_of_their_images(dataset, side, network, image_size):
    values = recipe(dataset, "fsr", (), side)
    assert (values["network"], values.get("image_size")) == (network, image_size)
    # Small enough for small data sets.
    assert values["dictionary_size"] == 200
