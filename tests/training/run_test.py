"""What the command promises: quick answers, and (slow) that FSR resists wrong labels."""

import subprocess
import sys

import numpy as np
import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.data.labels.truth import CHANGES, KNOWN
from ieg_fsr.training.run import describe, train


def test_what_does_not_fit_is_said_without_loading_tensorflow(tmp_path):
    script = """
import sys
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.data.labels.truth import CHANGES, KNOWN
from ieg_fsr.errors import UserError
from ieg_fsr.training.run import train
try:
    train(resolve({"dictionary_size": 5000, "model_dir": sys.argv[1]}))
except UserError as error:
    print(error, "tensorflow" in sys.modules, "keras" in sys.modules)
"""
    output = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "run")], capture_output=True, text=True, check=True
    ).stdout
    assert output.strip().endswith("Received: 5000 False False")


def test_description_by_hand():
    summary = {
        "method": "fsr",
        "variant": "FSR, deferred",
        "clean_images": 0,
        "test_accuracy": 0.98765,
        "test_accuracy_ema": 0.5,
        "measured_noise_rate": 0.25,
        "estimated_noise_rate": 0.2375,
        "dictionary_purity": 1.0,
        "weight_clean": 1.5,
        "weight_noisy": None,
        "zero_weight_ratio": 0.125,
        "zero_weight_batches": 0,
        "seconds_total": 61.4,
    }
    text = describe(summary, KNOWN)
    assert "0.9877  (parameter average: 0.5000)\n" in text
    assert "wrong labels    0.2500 of the training set (estimated: 0.2375, -0.0125)\n" in text
    assert "dictionary      1.0000 of its labels right\n" in text
    assert "mean weight     right labels 1.500, wrong labels -\n" in text
    assert "zero weights    0.1250 of the training set\n" in text
    assert "1:01" in text
    assert "method          FSR, deferred" in text
    assert "clean images" not in text
    assert "batches " not in text
    zero = describe(summary | {"zero_weight_batches": 3}, KNOWN)
    assert "batches         3 had no sample of weight above zero" in zero
    held_out = describe(summary | {"dictionary_purity": None, "clean_images": 100}, KNOWN)
    assert "dictionary" not in held_out
    assert "clean images    100, held out with their true labels" in held_out
    assert "right labels 1.500" in held_out
    assert "right labels" not in describe(summary | {"weight_clean": None}, KNOWN)
    # Without an estimate, as of a method that keeps no scores, or of a run of an earlier version.
    del summary["estimated_noise_rate"]
    assert "wrong labels    0.2500 of the training set\n" in describe(summary, KNOWN)


OF_OWN_DATA = {
    "method": "fsr",
    "variant": "FSR",
    "test_accuracy": 0.75,
    "test_accuracy_ema": 0.5,
    "measured_noise_rate": None,
    "estimated_noise_rate": 0.1875,
    "zero_weight_ratio": 0.5,
    "seconds_total": 1.0,
}
# What earlier versions measured against labels that nobody knows to be right.
FORMERLY = {"measured_noise_rate": 0.0, "dictionary_purity": 1.0, "weight_clean": 1.0}


@pytest.mark.parametrize("figures", [{}, FORMERLY])
def test_of_own_data_nothing_is_told_that_is_not_known(figures):
    text = describe(OF_OWN_DATA | figures, None)
    assert text.splitlines() == [
        "method          FSR",
        "test accuracy   0.7500  (parameter average: 0.5000), by the labels in the data",
        "wrong labels    about 0.1875 of the training set: an estimate of training's",
        "zero weights    0.5000 of the training set",
        "time            0:01",
    ]
    assert "wrong labels    not known\n" in describe(OF_OWN_DATA | {"estimated_noise_rate": None}, None)


def test_of_own_data_what_was_changed_is_called_so():
    changed = {"measured_noise_rate": 0.25, "dictionary_purity": 1.0, "weight_clean": 1.5, "weight_noisy": 0.5}
    text = describe(OF_OWN_DATA | changed | {"clean_images": 20}, CHANGES)
    for line in (
        "wrong labels    about 0.1875 of the training set: an estimate of training's",
        "changed labels  0.2500 of the training set; what was wrong before is not known",
        "clean images    20, held out with their labels in the data",
        "dictionary      1.0000 of its labels unchanged",
        "mean weight     unchanged labels 1.500, changed labels 0.500",
    ):
        assert f"\n{line}\n" in text


def test_a_run_that_ends_in_warm_up_says_so_once(tmp_path, recwarn):
    said = []
    settings = {"train_examples": 60, "batch_size": 30, "dictionary_size": 20, "epochs": 1, "model_dir": str(tmp_path)}
    train(resolve(settings), said.append)
    assert sum("weights stay uniform: warm-up takes all 1 epochs" in line for line in said) == 1
    assert not [warning for warning in recwarn if "warmup" in str(warning.message)]


@pytest.mark.slow
def test_cifar10_from_its_archive(cifar10_archive, tmp_path):
    settings = {"dataset": "cifar10", "noise": 0.4, "epochs": 1, "network": "resnet32", "dictionary_size": 100}
    config = resolve(settings | {"data_dir": str(cifar10_archive), "model_dir": str(tmp_path)})
    summary = train(config, lambda text: None)
    assert (summary["steps"], summary["network"]) == (3, "resnet32")
    # 40 % of 300 labels drawn anew from ten classes: .36 wrong, within four standard errors.
    assert summary["measured_noise_rate"] == pytest.approx(0.36, abs=4 * np.sqrt(0.36 * 0.64 / 300))


@pytest.mark.slow
def test_fsr_resists_wrong_labels_on_digits(tmp_path):
    """With 80 % noise; that with 40 % is in `distribution_test.py`."""
    summary = train(resolve({"noise": 0.8, "model_dir": str(tmp_path)}), lambda text: None)
    assert summary["test_accuracy"] >= 0.90
    assert summary["dictionary_purity"] >= 0.99
    assert summary["weight_noisy"] <= 0.15 * summary["weight_clean"]


@pytest.mark.slow
def test_supervised_training_memorises_the_same_wrong_labels(tmp_path):
    summary = train(resolve({"method": "supervised", "noise": 0.8, "model_dir": str(tmp_path)}), lambda text: None)
    assert summary["test_accuracy"] < 0.60
