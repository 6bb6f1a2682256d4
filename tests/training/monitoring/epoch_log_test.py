"""The callback of a run: what a row holds, and when it evaluates."""

import io
import json

import keras
import numpy as np
import pytest

import ieg_fsr
from ieg_fsr.data.sources.image_source import ArraySource
from ieg_fsr.methods.models.forward_correction import ForwardCorrection
from ieg_fsr.networks import build_network
from ieg_fsr.training.monitoring.epoch_log import EpochLog
from ieg_fsr.training.monitoring.progress import Progress

pytestmark = pytest.mark.usefixtures("two_blocks")


def trained(directory, method="fsr", epochs=4, learning_rate=0.1, intervals=None, **fsr):
    rng = np.random.default_rng(0)
    source = ArraySource(rng.integers(0, 256, (40, 8, 8, 1), np.uint8), np.arange(40) % 4)
    examples = ieg_fsr.examples(source.images(range(40)), source.labels, batch_size=10)
    network = build_network("small_cnn", (8, 8, 1), 4)
    if method == "fsr":
        options = {"dictionary_size": 8, "reward_batch_size": 8, "reweight_warmup_epochs": 2} | fsr
        model = ieg_fsr.FSR(network, 40, parameter_average_decay=0.9, **options)
    elif method == "forward_correction":
        model = ForwardCorrection(network, parameter_average_decay=0.9, correction_warmup_epochs=1)
    else:
        model = ieg_fsr.Supervised(network, parameter_average_decay=0.9)
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([7], [learning_rate, learning_rate / 2])
    model.compile(optimizer=keras.optimizers.SGD(schedule, momentum=0.9), metrics=["accuracy"])
    right = np.arange(40) >= 10
    log = EpochLog(
        directory,
        source,
        right,
        Progress(epochs, 4, stream=io.StringIO()),
        [],
        intervals or {"": 1, "_ema": 2},
    )
    model.fit(examples, epochs=epochs, verbose=0, callbacks=[log])
    return model, log, source, right


def test_rows_are_written_and_agree_with_the_model(tmp_path):
    model, log, source, right = trained(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rows == log.rows
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert [row["step"] for row in rows] == [4, 8, 12, 16]
    assert [row["learning_rate"] for row in rows] == pytest.approx([0.1, 0.05, 0.05, 0.05])
    last = rows[-1]
    predictions = model.classifier.predict(source.images(range(40)).astype(np.float32), verbose=0).argmax(axis=1)
    assert last["test_accuracy"] == (predictions == source.labels).mean()
    weights = model.last_weights.numpy()
    assert last["weight_clean"] == pytest.approx(weights[right].mean(), rel=1e-6)
    assert last["weight_noisy"] == pytest.approx(weights[~right].mean(), rel=1e-6)
    assert last["dictionary_purity"] == right[model.dictionary.members()].mean()
    assert rows[1]["weight_clean"] == rows[1]["weight_noisy"] == 1.0
    assert [row["zero_weight_batches"] for row in rows] == [0, 0, 0, 0]
    assert all(0 < row["seconds_per_step"] * 4 < row["seconds"] for row in rows)


def test_stages_are_named_where_there_are_several(tmp_path):
    _, log, *_ = trained(tmp_path, "forward_correction", epochs=3)
    assert [row["stage"] for row in log.rows] == ["plain", "corrected", "corrected"]
    assert [row["step"] for row in log.rows] == [4, 8, 12]
    _, log, *_ = trained(tmp_path, "supervised", epochs=1)
    assert "stage" not in log.rows[0]


def test_averages_are_evaluated_at_their_own_interval_and_at_the_end(tmp_path):
    _, log, _, _ = trained(tmp_path, "supervised", epochs=3, intervals={"": 2, "_ema": 5})
    assert ["test_accuracy" in row for row in log.rows] == [False, True, True]
    assert ["test_accuracy_ema" in row for row in log.rows] == [False, False, True]
    assert "weight_clean" not in log.rows[0]


def test_batches_without_any_weight_are_counted_by_epoch(tmp_path):
    """A lookahead so short that no sample moves the reward loss: from the third epoch on no batch has a weight."""
    model, log, *_ = trained(tmp_path, lookahead_learning_rate=1e-38)
    assert [row["zero_weight_batches"] for row in log.rows] == [0, 0, 4, 4]
    assert int(model.zero_weight_batches) == 8
    assert (model.last_weights.numpy() == 0).all()
