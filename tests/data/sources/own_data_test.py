"""Recipes of own data against those of the data sets that they resemble."""

import pytest

from ieg_fsr.data.sources import cifar, digits, own_data, webvision


@pytest.mark.parametrize("of", [own_data.recipe, own_data.recipe_of_arrays])
def test_small_images_are_as_digits_and_cifar(of):
    assert of(16).noise == digits.RECIPE.noise
    changed = {name: value for name, value in of(64).noise.items() if cifar.RECIPE.noise[name] != value}
    assert changed == {"dictionary_size": 200, "reward_batch_size": 100, "schedule": "cosine", "network": "resnet32"}


def test_large_images_are_as_webvision():
    large = own_data.recipe(65).noise
    assert large == own_data.recipe(None).noise == own_data.recipe_of_arrays(None).noise
    changed = {name for name, value in large.items() if webvision.RECIPE.noise[name] != value}
    assert changed == {
        *("dictionary_size", "reward_batch_size", "schedule", "epochs", "batch_size", "pseudo_label_loss_weight")
    }


def test_large_arrays_keep_their_size_and_are_padded():
    of_files, of_arrays = own_data.recipe(100).noise, own_data.recipe_of_arrays(100).noise
    assert of_arrays == {name: value for name, value in of_files.items() if name != "image_size"} | {"padding": 12}
