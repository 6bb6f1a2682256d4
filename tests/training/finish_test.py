"""What happens to a classifier after its training, through whole runs: nothing, a shift, a robust head."""

import keras
import numpy as np
import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.data.sources.datasets import load_dataset
from ieg_fsr.errors import UserError
from ieg_fsr.training.run import train

pytestmark = pytest.mark.usefixtures("two_blocks", "no_saved_model")
SETTINGS = {"method": "supervised", "epochs": 2, "train_examples": 400, "batch_size": 40}
TEST = load_dataset("digits").test


def run(directory, **given) -> dict:
    return train(resolve(SETTINGS | given | {"model_dir": str(directory)}), lambda line: None)


def logits_of(path) -> np.ndarray:
    return keras.saving.load_model(path).predict(TEST.images(np.arange(len(TEST))).astype(np.float32), verbose=0)


def accuracy(logits: np.ndarray) -> float:
    return float((logits.argmax(axis=1) == TEST.labels).mean())


def test_a_run_saves_and_measures_the_adjusted_classifier(tmp_path):
    plain = run(tmp_path / "plain", imbalance=10)
    found = run(tmp_path / "adjusted", imbalance=10, logit_adjustment_after=0.5)
    rows = (tmp_path / "adjusted" / "given_labels.csv").read_text().splitlines()[1:]
    counts = np.bincount([int(row.split(",")[1]) for row in rows])
    for name, suffix in (("model", ""), ("model_ema", "_ema")):
        before, after = logits_of(tmp_path / f"plain/{name}.keras"), logits_of(tmp_path / f"adjusted/{name}.keras")
        np.testing.assert_allclose(after, before - 0.5 * np.log(counts / counts.sum()), rtol=1e-4, atol=1e-4)
        assert found[f"test_accuracy{suffix}"] == pytest.approx(accuracy(after))
        assert found[f"test_accuracy_as_trained{suffix}"] == plain[f"test_accuracy{suffix}"]
    assert not any("as_trained" in name for name in plain)
    classes = [float((after_of_class == label).mean()) for label, after_of_class in _by_class(tmp_path)]
    assert found["per_class_accuracy"] == pytest.approx(classes)
    sizes = {"many": counts > 100, "medium": (counts >= 20) & (counts <= 100), "few": counts < 20}
    for kind, chosen in sizes.items():
        if chosen.any():
            assert found[f"test_accuracy_{kind}"] == pytest.approx(np.mean(np.array(classes)[chosen]))
    assert "mean accuracy over classes of 20 to 100" in (tmp_path / "adjusted" / "model_card.md").read_text()


def _by_class(tmp_path):
    predictions = logits_of(tmp_path / "adjusted" / "model.keras").argmax(axis=1)
    return [(label, predictions[TEST.labels == label]) for label in range(10)]


def test_the_head_goes_with_a_method_of_tables_and_the_labels_are_judged_by_it(tmp_path):
    found = run(tmp_path, method="elr", head="rog", noise=0.3)
    logits = logits_of(tmp_path / "model.keras")
    np.testing.assert_allclose(np.exp(logits).sum(axis=1), 1.0, rtol=1e-3)  # of the ensemble
    assert found["test_accuracy"] == pytest.approx(accuracy(logits))
    assert found["variant"] == "ELR + RoG"
    assert len((tmp_path / "labels.csv").read_text().splitlines()) == 401  # those held out of training too
    # 400 less a tenth of each class, in batches of 40.
    assert found["steps"] == 2 * 9
    again = run(tmp_path / "again", method="elr", head="rog", noise=0.3)
    assert again["test_accuracy"] == found["test_accuracy"]
    np.testing.assert_array_equal(logits_of(tmp_path / "again" / "model.keras"), logits)


def test_a_class_with_too_few_examples_is_one_line_and_nothing_is_written(tmp_path):
    with pytest.raises(UserError, match=r"^--head=rog must have at least 3 training examples labelled as each class\."):
        run(tmp_path / "run", method="rog", imbalance=20)
    assert not (tmp_path / "run").exists()
