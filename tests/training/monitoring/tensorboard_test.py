"""Tests of `ieg_fsr.training.monitoring.tensorboard`: events are read back with TensorBoard's own reader."""

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from ieg_fsr.figures import RUN_FIGURES
from ieg_fsr.methods.reweighting_figures import REWEIGHTING_FIGURES, weight_histograms
from ieg_fsr.training.monitoring.tensorboard import EventWriter, cut_events

FIGURES = (*RUN_FIGURES, *REWEIGHTING_FIGURES)
ROW = {
    "epoch": 1,
    "step": 14,
    "train_loss": 2.5,
    "train_accuracy": 0.25,
    "learning_rate": 0.1,
    "test_accuracy": 0.5,
    "test_accuracy_ema": 0.75,
    "test_top5": 0.875,
    "test_mean_class_accuracy": 0.375,
    "dictionary_purity": 0.625,
    "zero_weight_ratio": 0.125,
    "weight_clean": 1.5,
    "weight_noisy": 0.25,
    "seconds_per_step": 0.0625,
}
WEIGHTS = np.array([0.0, 1.0, 2.0, 1.0], np.float32)
CLEAN = np.array([False, True, True, True])
HISTOGRAMS = weight_histograms(WEIGHTS, CLEAN)


def read(directory):
    events = EventAccumulator(str(directory), size_guidance={"tensors": 0})
    events.Reload()
    return {
        tag: [(event.step, tensor_util.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }


def scalars(events):
    plain = {tag: pairs for tag, pairs in events.items() if pairs[0][1].ndim == 0}
    return {tag: [(step, float(value)) for step, value in pairs] for tag, pairs in plain.items()}


def test_what_needs_the_truth_tells_what_stands_behind_it(tmp_path):
    EventWriter(str(tmp_path), "by the data's own labels").epoch(ROW, FIGURES, {})
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0})
    events.Reload()
    described = {tag: events.SummaryMetadata(tag).summary_description for tag in events.Tags()["tensors"]}
    told = {tag for tag, description in described.items() if description == "by the data's own labels"}
    assert told == {"dictionary/purity", "weights/mean_clean", "weights/mean_wrong"}


def test_the_stage_is_a_text_where_there_is_one(tmp_path):
    writer = EventWriter(str(tmp_path))
    writer.epoch(ROW, (), {})
    writer.epoch(ROW | {"epoch": 2, "stage": "corrected"}, (), {})
    [(step, text)] = read(tmp_path)["train/stage"]
    assert (step, text.tolist()) == (2, b"corrected")


def test_scalars_of_every_epoch(tmp_path):
    writer = EventWriter(str(tmp_path))
    writer.epoch(ROW, FIGURES, {})
    writer.epoch(ROW | {"epoch": 2, "train_loss": 1.25}, FIGURES, {})
    events = scalars(read(tmp_path))
    assert events["train/loss"] == [(1, 2.5), (2, 1.25)]
    expected = {
        "train/accuracy": 0.25,
        "train/learning_rate": 0.1,
        "test/accuracy": 0.5,
        "test/accuracy_ema": 0.75,
        "test/top5": 0.875,
        "test/mean_class_accuracy": 0.375,
        "dictionary/purity": 0.625,
        "weights/zero_ratio": 0.125,
        "weights/mean_clean": 1.5,
        "weights/mean_wrong": 0.25,
        "time/seconds_per_step": 0.0625,
    }
    for tag, value in expected.items():
        assert [step for step, _ in events[tag]] == [1, 2], tag
        assert events[tag][0][1] == pytest.approx(value), tag


def test_later_epochs_are_taken_back(tmp_path):
    for epochs in ((1, 2), (3, 4)):
        writer = EventWriter(str(tmp_path))
        for epoch in epochs:
            writer.epoch(ROW | {"epoch": epoch}, FIGURES, HISTOGRAMS)
    cut_events(tmp_path, 3)
    events = read(tmp_path)
    for tag in ("train/loss", "test/top5", "weights/all"):
        assert [step for step, _ in events[tag]] == [1, 2, 3], tag
    EventWriter(str(tmp_path)).epoch(ROW | {"epoch": 4}, FIGURES, HISTOGRAMS)
    # Of files made within a second the order is that of their names.
    assert sorted(step for step, _ in read(tmp_path)["train/loss"]) == [1, 2, 3, 4]


def test_files_without_later_epochs_are_left_alone(tmp_path):
    EventWriter(str(tmp_path)).epoch(ROW, FIGURES, HISTOGRAMS)
    [path] = tmp_path.iterdir()
    before = path.stat().st_mtime_ns, path.read_bytes()
    cut_events(tmp_path, 1)
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before
    cut_events(tmp_path, 0)
    assert read(tmp_path) == {}


def test_an_event_that_was_half_written_is_no_obstacle(tmp_path):
    writer = EventWriter(str(tmp_path))
    for epoch in (1, 2):
        writer.epoch(ROW | {"epoch": epoch}, FIGURES, {})
    [path] = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-5])
    cut_events(tmp_path, 1)
    assert [step for step, _ in read(tmp_path)["train/loss"]] == [1]


def test_events_are_on_disk_after_each_epoch(tmp_path):
    writer = EventWriter(str(tmp_path))
    for epoch in (1, 2, 3):
        writer.epoch(ROW | {"epoch": epoch}, FIGURES, {})
        assert [step for step, _ in read(tmp_path)["train/loss"]] == list(range(1, epoch + 1))


def test_figures_that_are_missing_or_none_leave_no_tag(tmp_path):
    row = {"epoch": 3, "train_loss": 2.0, "weight_noisy": None}
    EventWriter(str(tmp_path)).epoch(row, FIGURES, {})
    assert scalars(read(tmp_path)) == {"train/loss": [(3, 2.0)]}


def test_histograms_of_the_weights(tmp_path):
    EventWriter(str(tmp_path)).epoch(ROW, FIGURES, HISTOGRAMS)
    events = read(tmp_path)
    counts = {}
    for tag in ("weights/all", "weights/clean", "weights/wrong"):
        [(step, buckets)] = events[tag]
        assert step == 1
        assert buckets.ndim == 2  # rows of left edge, right edge, count
        assert buckets.shape[1] == 3
        counts[tag] = buckets[:, 2].sum()
        values = {"all": WEIGHTS, "clean": WEIGHTS[CLEAN], "wrong": WEIGHTS[~CLEAN]}[tag.split("/")[1]]
        assert buckets[0, 0] <= values.min()
        assert buckets[-1, 1] >= values.max()
    assert counts == {"weights/all": 4, "weights/clean": 3, "weights/wrong": 1}


def test_no_wrong_labels_is_no_error(tmp_path):
    EventWriter(str(tmp_path)).epoch(ROW, FIGURES, weight_histograms(WEIGHTS, np.full(4, True)))
    assert read(tmp_path)["weights/clean"][0][1][:, 2].sum() == 4


def test_a_method_without_weights_has_no_histograms(tmp_path):
    EventWriter(str(tmp_path)).epoch(ROW, FIGURES, {})
    assert not {"weights/all", "weights/clean", "weights/wrong"} & read(tmp_path).keys()
