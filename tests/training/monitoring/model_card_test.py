"""Tests of the model card: that it says what the run's files say, that its code runs, that names cannot break it."""

import json
import re

import keras
import numpy as np
import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.methods.reweighting_figures import REWEIGHTING_FIGURES
from ieg_fsr.training.monitoring.model_card import write_model_card
from ieg_fsr.training.run import train
from ieg_fsr.training.survival.run_directory import RunDirectory

pytestmark = pytest.mark.usefixtures("two_blocks")

CONFIG = {
    "variant": "FSR", "dataset": "folder:photos", "method": "fsr", "network": "resnet50", "num_classes": 2,
    "training_examples": 90, "test_examples": 10, "corrupt_images": 3, "measured_imbalance": 1.25, "noise": 0.0,
    "noise_type": "uniform", "noise_matrix": None, "labels_file": None, "measured_noise_rate": 0.0, "clean_images": 0,
    "image_size": 64, "epochs": 5, "batch_size": 32, "learning_rate": 0.1, "schedule": "cosine", "mixup": True,
    "label_smoothing": 0.0, "seed": 7, "versions": {"ieg_fsr": "1.2.3"}, "started": "2026-01-02T03:04:05Z",
    "command": "python -m ieg_fsr.main --dataset=folder:photos",
}  # fmt: skip
SUMMARY = {
    "saved_network": "the only one", "test_accuracy": 0.5, "test_accuracy_ema": 0.25, "test_top5": 1.0,
    "dictionary_purity": 1.0, "weight_clean": 1.0, "weight_noisy": None, "zero_weight_ratio": 0.125,
}  # fmt: skip


def card(directory, config=None, summary=None, class_names=("cat", "dog"), shape=(64, 64, 3)):
    write_model_card(
        directory, CONFIG | (config or {}), SUMMARY | (summary or {}), class_names, shape, REWEIGHTING_FIGURES
    )
    assert [path.name for path in directory.iterdir()] == ["model_card.md"]
    return (directory / "model_card.md").read_text(encoding="utf-8")


def rows(text):
    return dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text, flags=re.MULTILINE))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    settings = {"noise": 0.4, "epochs": 2, "train_examples": 400, "dictionary_size": 50, "reweight_warmup_epochs": 1}
    return directory, train(resolve(settings | {"model_dir": str(directory)}), lambda text: None)


def test_a_run_says_what_its_files_say(run):
    directory, summary = run
    text = (directory / "model_card.md").read_text(encoding="utf-8")
    config = json.loads((directory / "config.json").read_text())
    assert text.startswith("# FSR, dictionary_size 50, reweight_warmup_epochs 1, strength auto on digits\n")
    found = rows(text)
    assert found["accuracy"] == f"{summary['test_accuracy']:.4f}"
    assert found["accuracy (parameter average)"] == f"{summary['test_accuracy_ema']:.4f}"
    assert found["label among the five likeliest"] == f"{summary['test_top5']:.4f}"
    assert found["right labels in the dictionary (share)"] == f"{summary['dictionary_purity']:.4f}"
    assert found["training examples"] == "400"
    share = f"{summary['measured_noise_rate']:.2%}"
    assert found["training labels that are not the data set's own"] == share
    wrong = f"{share}, if the data set's own are all right; by an estimate of training's, "
    assert found["wrong training labels"] == f"{wrong}{summary['estimated_noise_rate']:.2%}"
    assert "Its labels are those of the data" not in text
    assert f"ieg_fsr {config['versions']['ieg_fsr']}" in found["versions"]
    assert config["command"] in text


def test_its_code_loads_the_classifier_without_ieg_fsr(run, monkeypatch):
    directory, _ = run
    [code] = re.findall(r"```python\n(.*?)```", (directory / "model_card.md").read_text(), flags=re.DOTALL)
    assert "ieg_fsr" not in code
    monkeypatch.chdir(directory)
    names: dict = {}
    exec(code, names)
    assert names["images"].shape == (1, 8, 8, 1)
    assert names["logits"].shape == (1, 10)
    np.testing.assert_allclose(keras.ops.sum(names["probabilities"], axis=1), 1.0, rtol=1e-6)


def test_a_new_run_in_the_place_removes_it(tmp_path):
    card(tmp_path)
    RunDirectory(tmp_path).clear()
    assert list(tmp_path.iterdir()) == []


def test_of_own_data_nothing_is_claimed_about_wrong_labels(tmp_path):
    text = card(tmp_path, {"measured_noise_rate": None})
    assert rows(text)["wrong training labels"] == "not known"
    assert rows(text)["training labels"] == "the data set's own, as they are"
    assert "Its labels are those of the data, right or wrong." in text
    assert "right labels in the dictionary" not in text
    assert "mean weight" not in text
    assert rows(text)["training samples of weight zero (share)"] == "0.1250"
    assert "brought to 64x64" in text
    assert "Wrong labels in the test part" in text


def test_a_labels_file_is_named_without_its_place(tmp_path):
    """They are as much in question as the data's own: what they changed is known."""
    given = {"labels_file": "some/where/labels.csv", "measured_noise_rate": 0.125}
    found = rows(card(tmp_path, given, {"weight_noisy": 0.5, "estimated_noise_rate": 0.25}))
    assert found["training labels that are not the data set's own"] == "12.50%"
    assert found["where those come from"] == "`--labels_file=labels.csv`"
    assert found["wrong training labels"] == "not known; by an estimate of training's, 25.00%"
    assert found["mean weight of training samples with changed labels"] == "0.500"
    assert found["unchanged labels in the dictionary (share)"] == "1.0000"


def test_figures_on_a_second_test_set(tmp_path):
    found = rows(card(tmp_path, summary={"test_accuracy_imagenet": 0.75, "test_accuracy_imagenet_ema": 0.625}))
    assert found["accuracy, imagenet"] == "0.7500"
    assert found["accuracy, imagenet (parameter average)"] == "0.6250"


def test_methods_of_another_kind(tmp_path):
    text = card(tmp_path, {"method": "cb_sigmoid", "variant": "class-balanced sigmoid"})
    assert "keras.ops.sigmoid(logits)" in text
    text = card(tmp_path, {"method": "coteaching"}, {"saved_network": "the first of two"})
    assert "Of the trained networks it is the first of two." in text
    held_out = rows(card(tmp_path, {"clean_images": 20, "dataset": "digits"}))
    assert held_out["images held out whose true labels training saw"] == "20"


def test_names_stay_in_their_place(tmp_path):
    text = card(tmp_path, class_names=("a`b\n# heading", "c"))
    assert "`a'b # heading`, `c`" in text
    many = card(tmp_path, class_names=tuple(f"class {i}" for i in range(8142)))
    assert "`class 0`, `class 1`, `class 2`, ... `class 8141` (8142)" in many
