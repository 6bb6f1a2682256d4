"""Which epochs are measured, and what a resumed run keeps."""

import json

import pytest

from ieg_fsr.errors import UserError
from ieg_fsr.training.monitoring.layer_gradient_log import LayerGradientLog


class Measured:
    """A model that keeps a list of the epochs at which its layers were measured."""

    def __init__(self):
        self.epochs = []

    def layer_gradients(self, epoch):
        self.epochs.append(epoch)
        return [{"layer": "logits", "training_gradient": float(epoch)}]


def run(directory, interval, start, stop):
    """The epochs that were measured."""
    log = LayerGradientLog(directory, interval, start)
    log.set_model(Measured())
    for epoch in range(start, stop):
        log.on_epoch_end(epoch)
    return log.model.epochs


def lines(directory):
    return [json.loads(line) for line in (directory / "layer_gradients.jsonl").read_text().splitlines()]


def test_a_line_every_interval(tmp_path):
    assert run(tmp_path, 3, 0, 7) == [2, 5]
    assert [row["epoch"] for row in lines(tmp_path)] == [3, 6]
    assert lines(tmp_path)[1]["layers"] == [{"layer": "logits", "training_gradient": 5.0}]


def test_a_resumed_run_replaces_what_comes_after_its_checkpoint(tmp_path):
    assert run(tmp_path, 1, 0, 3) == [0, 1, 2]
    assert run(tmp_path, 1, 2, 4) == [2, 3]
    assert [row["epoch"] for row in lines(tmp_path)] == [1, 2, 3, 4]


def test_a_new_run_starts_anew(tmp_path):
    run(tmp_path, 1, 0, 3)
    run(tmp_path, 1, 0, 1)
    assert [row["epoch"] for row in lines(tmp_path)] == [1]


@pytest.mark.parametrize("content", ["{", "1\n", "[" * 100_000, "{}\n"])
def test_lines_that_are_damaged_are_not_lost_in_silence(tmp_path, content):
    (tmp_path / "layer_gradients.jsonl").write_text(content)
    with pytest.raises(UserError, match=r"^--model_dir must be .* whole layer_gradients\.jsonl; --noresume"):
        LayerGradientLog(tmp_path, 1, 2)
