"""Tests of `ieg_fsr.recipes`: complete, valid, and the paper's."""

import dataclasses
import typing

import pytest

from ieg_fsr.config import Config, resolve
from ieg_fsr.data.datasets import DATASETS
from ieg_fsr.recipes import FAITHFUL, RECIPES, recipe

FIELDS = {field.name for field in dataclasses.fields(Config)}
TYPES = typing.get_type_hints(Config)


def test_every_data_set_has_a_recipe():
    assert set(DATASETS) <= set(RECIPES)


@pytest.mark.parametrize("dataset", RECIPES)
@pytest.mark.parametrize("faithful", [False, True])
@pytest.mark.parametrize("method", ["fsr", "supervised"])
def test_every_entry_is_a_setting_and_passes_its_rule(dataset, method, faithful):
    values = recipe(dataset, method, faithful)
    assert set(values) <= FIELDS
    # What is given is checked against the rules, and so the entries are given here.
    config = resolve({"dataset": dataset, "method": method, "faithful": faithful} | values)
    assert {name: getattr(config, name) for name in values} == values
    assert {name: type(value) for name, value in values.items()} == {name: TYPES[name] for name in values}


@pytest.mark.parametrize("dataset", RECIPES)
def test_a_recipe_does_not_choose_data_method_or_place(dataset):
    assert not set(RECIPES[dataset]) & {"mode", "dataset", "data_dir", "model_dir", "model", "method", "seed", "noise"}


@pytest.mark.parametrize("dataset", RECIPES)
def test_mixup_belongs_to_fsr(dataset):
    assert recipe(dataset, "fsr", False)["mixup"] is True
    assert recipe(dataset, "supervised", False)["mixup"] is False


def test_faithful_changes_what_the_released_code_does_and_nothing_else():
    assert FAITHFUL == {"pusher": "release", "reward_features": "forward", "reward_interval": 1}
    plain, faithful = recipe("cifar10", "fsr", False), recipe("cifar10", "fsr", True)
    assert {name: value for name, value in faithful.items() if plain.get(name) != value} == {
        name: value for name, value in FAITHFUL.items() if plain.get(name) != value
    }
    assert FAITHFUL.items() <= faithful.items()
    assert plain.keys() <= faithful.keys()


def test_a_recipe_is_a_copy():
    recipe("digits", "fsr", True)["epochs"] = 1
    assert recipe("digits", "fsr", False)["epochs"] == RECIPES["digits"]["epochs"] != 1


def test_the_digits_recipe_is_the_measured_one():
    # b 100, |R| 200, q 100, warm-up 10, p 2, beta .1, one cosine from 0.1 to 0, pad-1 crop and no flip, 100 epochs.
    digits = recipe("digits", "fsr", False)
    assert digits["network"] == "small_cnn"
    names = ["epochs", "batch_size", "dictionary_size", "reward_batch_size", "reweight_warmup_epochs", "padding"]
    assert [digits[name] for name in names] == [100, 100, 200, 100, 10, 1]
    names = ["learning_rate", "weight_decay", "label_momentum", "pseudo_label_loss_weight"]
    assert [digits[name] for name in names] == [0.1, 5e-4, 0.1, 2.0]
    assert (digits["schedule"], digits["flip"], digits["weight_constraint"]) == ("cosine", False, "clip")
