"""Tests of what a data set declares: one that is added to the list is known everywhere."""

import dataclasses

import numpy as np
import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.data.labels.corruption import noise_transition_matrix
from ieg_fsr.data.sources.dataset_spec import DataSetSpec, Recipe
from ieg_fsr.data.sources.datasets import CHOICES, SPECS, is_dataset, load_dataset
from ieg_fsr.data.sources.image_source import ArraySource, DataSet
from ieg_fsr.errors import UserError


def load(request):
    source = ArraySource(np.zeros((4, 8, 6, 1), np.uint8), np.arange(4) % 2)
    return DataSet(f"toy of {request.data_dir}", source, source, ("a", "b"))


TOY = DataSetSpec("toy", "for this test", load, lambda side: Recipe({"epochs": 3}, {"epochs": 5}), data_dir="anywhere")


@pytest.fixture
def toy(monkeypatch):
    """Adds the data set, with changes."""

    def add(**changes):
        monkeypatch.setitem(SPECS, "toy", dataclasses.replace(TOY, **changes))

    return add


def test_a_new_data_set_is_its_declaration(toy, tmp_path):
    assert not is_dataset("toy")
    toy()
    assert resolve({"dataset": "toy"}).epochs == 3
    assert resolve({"dataset": "toy", "imbalance": 2.0}).epochs == 5
    assert resolve({"dataset": "toy", "imbalance": 2.0, "noise": 0.2}).epochs == 3
    assert load_dataset("toy", str(tmp_path)).name == f"toy of {tmp_path}"
    with pytest.raises(UserError, match=r"^--data_dir must be given with --dataset=toy: anywhere\. Received: nothing$"):
        load_dataset("toy")
    with pytest.raises(UserError, match=r"^--image_size must be left out: --dataset=toy .* 8x6x1\. Received: 16$"):
        load_dataset("toy", str(tmp_path), image_size=16)
    toy(resizes=True)
    assert load_dataset("toy", str(tmp_path), image_size=16).num_classes == 2


def test_labels_that_are_not_true_serve_no_hold_out(toy):
    settings = {"dataset": "toy", "method": "l2r"}
    toy()
    assert resolve(settings).reward_source == "holdout"
    toy(has_true_labels=False)
    with pytest.raises(UserError, match="true labels are not known"):
        resolve(settings)
    # Those of own data are what is in question, until noise stands in for them.
    toy(place="FILE")
    with pytest.raises(UserError, match="true labels are not known"):
        resolve(settings | {"dataset": "toy:x"})
    assert resolve(settings | {"dataset": "toy:x", "noise": 0.2}).reward_source == "holdout"


def test_asymmetric_noise_is_made_of_its_mistakes(toy):
    toy()
    with pytest.raises(UserError, match=r"asymmetric noise is defined for cifar10 and cifar100;"):
        noise_transition_matrix("asymmetric", 2, 0.4, "toy")
    toy(mistakes=lambda: np.array([1, 1]))
    np.testing.assert_allclose(noise_transition_matrix("asymmetric", 2, 0.4, "toy"), [[0.6, 0.4], [0, 1]])


def test_names_are_distinct():
    assert [spec.usage for spec in SPECS.values()] == CHOICES.split(", ")


def test_the_number_of_classes_is_that_of_the_data():
    assert load_dataset("digits").num_classes == SPECS["digits"].num_classes
