"""Which epochs are measured, and what a resumed run keeps."""

import json

import pytest

from ieg_fsr.errors import UserError
from ieg_fsr.training.monitoring import layer_gradient_log
from ieg_fsr.training.monitoring.layer_gradient_log import LayerGradientLog


@pytest.fixture
def measured(monkeypatch):
    """Epochs at which the model "m" was measured."""
    epochs = []

    def measure(model, epoch):
        assert model == "m"
        epochs.append(epoch)
        return [{"layer": "logits", "training_gradient": float(epoch)}]

    monkeypatch.setattr(layer_gradient_log, "layer_gradients", measure)
    return epochs


def run(directory, interval, start, stop):
    log = LayerGradientLog(directory, interval, start)
    log.set_model("m")
    for epoch in range(start, stop):
        log.on_epoch_end(epoch)


def lines(directory):
    return [json.loads(line) for line in (directory / "layer_gradients.jsonl").read_text().splitlines()]


def test_a_line_every_interval(tmp_path, measured):
    run(tmp_path, 3, 0, 7)
    assert measured == [2, 5]
    assert [row["epoch"] for row in lines(tmp_path)] == [3, 6]
    assert lines(tmp_path)[1]["layers"] == [{"layer": "logits", "training_gradient": 5.0}]


def test_a_resumed_run_replaces_what_comes_after_its_checkpoint(tmp_path, measured):
    run(tmp_path, 1, 0, 3)
    run(tmp_path, 1, 2, 4)
    assert [row["epoch"] for row in lines(tmp_path)] == [1, 2, 3, 4]
    assert measured == [0, 1, 2, 2, 3]


def test_a_new_run_starts_anew(tmp_path, measured):
    run(tmp_path, 1, 0, 3)
    run(tmp_path, 1, 0, 1)
    assert [row["epoch"] for row in lines(tmp_path)] == [1]


@pytest.mark.parametrize("content", ["{", "1\n", "[" * 100_000, "{}\n"])
def test_lines_that_are_damaged_are_not_lost_in_silence(tmp_path, content):
    (tmp_path / "layer_gradients.jsonl").write_text(content)
    with pytest.raises(UserError, match=r"^--model_dir must be .* whole layer_gradients\.jsonl; --noresume"):
        LayerGradientLog(tmp_path, 1, 2)
