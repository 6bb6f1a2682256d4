"""What the command promises: quick answers, and (slow) that FSR resists wrong labels."""

import subprocess
import sys

import numpy as np
import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.training.run import describe, train


def test_what_does_not_fit_is_said_without_loading_tensorflow(tmp_path):
    script = """
import sys
from ieg_fsr.configuration.resolve import resolve
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
        "variant": "FSR, deferred",
        "clean_images": 0,
        "test_accuracy": 0.98765,
        "test_accuracy_ema": 0.5,
        "measured_noise_rate": 0.25,
        "dictionary_purity": 1.0,
        "weight_clean": 1.5,
        "weight_noisy": None,
        "zero_weight_ratio": 0.125,
        "zero_weight_batches": 0,
        "seconds_total": 61.4,
    }
    text = describe(summary)
    assert "0.9877  (parameter average: 0.5000)" in text
    assert "right labels 1.500, wrong labels -; 0.125 of all are zero" in text
    assert "1:01" in text
    assert "method          FSR, deferred" in text
    assert "clean images" not in text
    assert "batches " not in text
    assert "batches         3 had no sample of weight above zero" in describe(summary | {"zero_weight_batches": 3})
    held_out = describe(summary | {"dictionary_purity": None, "clean_images": 100})
    assert "dictionary" not in held_out
    assert "clean images    100, held out" in held_out
    assert "right labels 1.500" in held_out
    assert "right labels" not in describe(summary | {"zero_weight_ratio": None})


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
