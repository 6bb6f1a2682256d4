"""`--mode=evaluate` against a count of the model's own predictions."""

import json

import keras
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


def test_adjusted_logits_are_moved_by_the_log_shares_and_the_classifier_is_plain_keras(saved_model, tmp_path):
    model, path = saved_model
    data, told, directory = load_dataset("digits"), [], tmp_path / "result"
    settings = {"mode": "evaluate", "model": path, "model_dir": str(directory), "logit_adjustment_after": 2.0}
    evaluate(resolve(settings), told.append)
    assert "2 times the log shares of the classes in the training part of --dataset" in told[0]
    images = data.test.images(np.arange(20)).astype(np.float32)
    shares = np.bincount(data.train.labels) / len(data.train)
    written = keras.saving.load_model(directory / "model_adjusted.keras").predict(images, verbose=0)
    np.testing.assert_allclose(written, model.predict(images, verbose=0) - 2 * np.log(shares), rtol=1e-5, atol=1e-5)


def test_the_shares_are_those_of_the_run_where_its_labels_lie_beside_the_model(saved_model, tmp_path):
    """Where class 3 had one label of a thousand, all images are taken for it."""
    _, path = saved_model
    rows = ["example_id,label", *(f"{i},{i % 10 if i % 10 != 3 or i == 3 else 4}" for i in range(10_000))]
    (tmp_path / "given_labels.csv").write_text("\n".join(rows) + "\n")
    settings = {"mode": "evaluate", "model": path, "logit_adjustment_after": 20.0}
    told = []
    result = evaluate(resolve(settings), told.append)
    assert "given_labels.csv" in told[0]
    assert np.array(result["confusion_matrix"])[:, 3].sum() == 360
    (tmp_path / "given_labels.csv").write_text("example_id,label\n0,10\n")
    with pytest.raises(UserError, match=r"given_labels\.csv beside it with labels in 0\.\.9, or none\. Received: "):
        evaluate(resolve(settings), told.append)


def test_a_saved_model_of_tensorflow_has_no_layer_to_adjust(saved_model, tmp_path):
    saved_model[0].export(str(tmp_path / "exported"), verbose=False)
    settings = {"mode": "evaluate", "model": str(tmp_path / "exported"), "logit_adjustment_after": 1.0}
    with pytest.raises(UserError, match=r"^--logit_adjustment_after must be 0 with a SavedModel, .*\. Received: 1$"):
        evaluate(resolve(settings))
