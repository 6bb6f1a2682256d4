"""The comparison of detection, as far as it goes without a training: reading, measuring, the table."""

import csv
import json
import pathlib

import numpy as np
import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.training.inputs import load_training_data

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def detection(script):
    return script("detection")


def test_conditions_are_settings(detection):
    for settings, epochs in detection.CONDITIONS.values():
        resolve(settings)
        assert epochs >= 1


def test_table_by_hand(detection):
    row = {"condition": "a", "seconds": 10.0} | dict.fromkeys(detection.FIGURES, 0.5)
    rows = [row | {"method": "FSR", "detection_f1": f1} for f1 in (0.5, 0.7)] + [row | {"method": "cleanlab"}]
    lines = detection.table(rows).splitlines()
    assert lines[2] == "| a | FSR | 0.500 ± 0.000 | 0.500 ± 0.000 | 0.600 ± 0.141 | 0.500 ± 0.000 | 10 | 2 |"
    assert lines[3] == "| a | cleanlab | 0.500 | 0.500 | 0.500 | 0.500 | 10 | 1 |"


def test_an_unknown_condition_is_refused(detection, capsys):
    with pytest.raises(SystemExit):
        detection.main(["--conditions=digits-0.2,none"])
    assert "Received: none" in capsys.readouterr().err


def test_a_method_is_one_of_the_registry_or_cleanlab(detection, capsys):
    with pytest.raises(SystemExit):
        detection.main(["--methods=FSR,gce,sgd"])
    assert "--methods must be of supervised, " in (error := capsys.readouterr().err)
    assert "fsr, cleanlab. Received: FSR,gce,sgd" in error


def test_cleanlab_finds_what_probabilities_of_the_truth_tell(detection, tmp_path):
    pytest.importorskip("cleanlab")
    settings, epochs = detection.CONDITIONS["digits-0.2"]
    training = load_training_data(resolve(settings | {"method": "supervised"}))
    probabilities = np.full([len(training.given_labels), 10], 0.01)
    probabilities[np.arange(len(probabilities)), training.data.train.labels] = 0.91
    np.save(tmp_path / "probabilities.npy", probabilities)
    (tmp_path / "seconds.json").write_text(json.dumps(3.0))
    figures = detection.cleanlab(settings, epochs, tmp_path)
    assert figures == dict.fromkeys(detection.FIGURES, 1.0) | {"seconds": 3.0}


def test_means_in_the_documents_are_those_of_its_runs(detection):
    kept = ROOT / "docs" / "results"
    with open(kept / "detection.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row |= {name: float(row[name]) for name in (*detection.FIGURES, "seconds")}
    heading, _, *lines = detection.table(rows).splitlines()
    with open(kept / "detection_means.csv", newline="", encoding="utf-8") as file:
        means = [f"| {' | '.join(row)} |" for row in csv.reader(file)]
    assert means == [heading, *lines]
