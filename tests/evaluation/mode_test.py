"""`--mode=evaluate` against a count of the model's own predictions."""

import json

import numpy as np
import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.data.sources.datasets import load_dataset
from ieg_fsr.errors import UserError
from ieg_fsr.evaluation.mode import evaluate
from ieg_fsr.networks import build_network


@pytest.fixture
def saved_model(tmp_path):
    model = build_network("small_cnn", (8, 8, 1), 10)
    model.save(tmp_path / "model.keras")
    return model, str(tmp_path / "model.keras")


def test_figures_are_a_count_of_the_predictions(saved_model, tmp_path):
    model, path = saved_model
    told = []
    directory = tmp_path / "result"
    result = evaluate(resolve({"mode": "evaluate", "model": path, "model_dir": str(directory)}), told.append)
    test = load_dataset("digits").test
    predictions = model.predict(test.images(np.arange(360)).astype(np.float32), verbose=0).argmax(axis=1)
    assert result["test_accuracy"] == (predictions == test.labels).mean()
    assert result["confusion_matrix"][3][4] == ((test.labels == 3) & (predictions == 4)).sum()
    assert json.loads((directory / "evaluation.json").read_text()) == result
    assert f"{result['test_accuracy']:.4f}" in told[0]
    assert "wrong ones" not in told[0]


def test_without_a_directory_nothing_is_written(saved_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    evaluate(resolve({"mode": "evaluate", "model": saved_model[1]}), lambda text: None)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_model_of_another_data_set_is_refused(tmp_path):
    build_network("small_cnn", (8, 8, 3), 10).save(tmp_path / "colour.keras")
    with pytest.raises(UserError, match=r"input 8x8x3 but --dataset=digits has 8x8x1"):
        evaluate(resolve({"mode": "evaluate", "model": str(tmp_path / "colour.keras")}))
