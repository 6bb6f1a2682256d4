"""A method that nobody has heard of declares its figures: they are shown everywhere, and no other file knows them."""

import contextlib
import dataclasses
import io
import json
import re

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.figures import Figure
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.methods.registry import METHODS
from ieg_fsr.results.groups import group
from ieg_fsr.results.method_tables import detail_table
from ieg_fsr.results.runs import collect
from ieg_fsr.results.table import markdown
from ieg_fsr.training import execution
from ieg_fsr.training.run import train

FIGURES = (
    Figure(
        "largest_bias", "bias", ".3f", "up", "invented/bias", "bias", "largest bias of a class",
        ("biases", "{largest_bias:.3f} at most, {missing:.3f}"), compared=True,
    ),
    Figure("steps_taken", tag="invented/steps", words="steps", counted=True),
)  # fmt: skip
SPEC = dataclasses.replace(METHODS["supervised"], figures=FIGURES)


class Invented(Supervised):
    declared_figures = FIGURES

    def figures(self, right=None):
        biases = self.head.bias.numpy()
        return {"largest_bias": float(biases.max()), "steps_taken": int(self.optimizer.iterations.numpy())}

    def histograms(self, right=None):
        return {"invented/biases": self.head.bias.numpy()}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Directory and summary of a run, what it told, and its progress line."""
    built, told, line = execution.build, [], io.StringIO()

    def build(*arguments):
        plain, examples = built(*arguments)
        model = Invented(plain.classifier, parameter_average_decay=0.5)
        model.compile(keras.optimizers.SGD(0.1), metrics=["accuracy"])
        return model, examples

    directory = tmp_path_factory.mktemp("invented")
    settings = {"method": "supervised", "train_examples": 100, "batch_size": 25, "epochs": 2}
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(line):
        patch.setattr(execution, "build", build)
        patch.setitem(METHODS, "supervised", SPEC)
        summary = train(resolve(settings | {"model_dir": str(directory)}), told.append)
    return directory, summary, told[-1], line.getvalue()


def test_metrics_and_summary(run):
    directory, summary, *_ = run
    rows = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    biases = keras.models.load_model(directory / "model.keras").layers[-1].bias.numpy()
    assert rows[-1]["largest_bias"] == summary["largest_bias"] == pytest.approx(biases.max())
    assert [row["steps_taken"] for row in rows] == [4, 4]
    assert summary["steps_taken"] == 8


def test_tensorboard(run):
    directory, summary, *_ = run
    events = EventAccumulator(str(directory), size_guidance={"tensors": 0})
    events.Reload()

    def last(tag):
        return tensor_util.make_ndarray(events.Tensors(tag)[-1].tensor_proto)

    assert [event.step for event in events.Tensors("invented/bias")] == [1, 2]
    assert last("invented/bias") == last("final/largest_bias") == np.float32(summary["largest_bias"])
    assert last("invented/steps") == 4
    assert last("invented/biases")[:, 2].sum() == 10


def test_model_card_and_what_the_run_tells_in_the_end(run):
    directory, summary, told, _ = run
    card = (directory / "model_card.md").read_text()
    assert f"| largest bias of a class | {summary['largest_bias']:.4f} |" in card
    assert "| steps | 8 |" in card
    assert re.search(rf"^biases          {summary['largest_bias']:.3f} at most, -$", told, flags=re.MULTILINE)


def test_progress_line(run):
    _, summary, _, line = run
    assert f" bias {summary['largest_bias']:.3f} left" in line


def test_tables(run, monkeypatch):
    directory, summary, *_ = run
    monkeypatch.setitem(METHODS, "supervised", SPEC)
    text = markdown(detail_table(group(collect([str(directory)]).runs)))
    [heading, _, line] = [line.split("|") for line in text.splitlines() if line.startswith("|")]
    column = [word.strip() for word in heading].index("bias")
    assert line[column].strip() == f"**{summary['largest_bias']:.3f} (1)**"
