"""Curves of methods and of losses: which runs are in them, and with what values."""

import json

import numpy as np
import pytest
from full_strength import resolve

from ieg_fsr.results.curve_pictures import comparisons, losses
from ieg_fsr.results.groups import group
from ieg_fsr.results.pictures import Picture
from ieg_fsr.results.runs import Run
from ieg_fsr.results.table import Table, cell_text


@pytest.fixture
def made(tmp_path):
    def make(accuracy, weights=True, losses=False, **given):
        directory = tmp_path / str(len(list(tmp_path.iterdir())))
        directory.mkdir()
        row = {"test_accuracy": accuracy, "zero_weight_ratio": 0.5, "weight_clean": 1.5, "weight_noisy": 0.25}
        if not weights:
            row = {"test_accuracy": accuracy}
        if losses:
            row |= {
                "loss_before_clean": 1.0,
                "loss_after_clean": 0.75,
                "loss_before_noisy": 3.0,
                "loss_after_noisy": 2.5,
            }
        rows = [{"epoch": epoch} | row for epoch in (1, 2)]
        (directory / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        values = dict(resolve({"noise": 0.4} | given)) | row
        return Run(str(directory), values, has_files=True)

    return make


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_methods_come_before_ablations_and_fsr_is_last(made):
    pushers = ("shared", "release", "paper", "negative_loss", "max_margin", "forgetting", "area_under_margin")
    runs = [made(0.25, weights=False, method="supervised"), made(0.5)]
    runs += [made((index + 8) / 16, pusher=pusher) for index, pusher in enumerate(pushers)]
    table, picture = comparisons(group(runs), "test_accuracy")
    assert isinstance(table, Table)
    assert picture.name == table.name
    curves, weights = picture.draw().axes
    assert labels(curves)[0] == "supervised: 25.0"
    assert labels(curves)[-1] == "FSR: 50.0"
    # Seven colours: beside the two methods the five best of the ablations.
    assert {label.split(", pusher ")[1].split(":")[0] for label in labels(curves)[1:-1]} == set(pushers[2:])
    np.testing.assert_array_equal(curves.lines[0].get_ydata(), [25, 25])
    assert labels(weights) == ["right labels: 1.50", "wrong labels: 0.25"]


def test_without_weights_there_is_one_panel(made):
    _, picture = comparisons(group([made(0.25, weights=False, method="supervised")]), "test_accuracy")
    assert len(picture.draw().axes) == 1


def test_without_curves_there_is_the_table_alone():
    values = dict(resolve({})) | {"test_accuracy": 0.5}
    assert [type(report) for report in comparisons(group([Run("x", values)]), "test_accuracy")] == [Table]


def test_losses_around_the_lookahead(made):
    table, picture = losses(group([made(0.5, losses=True), made(0.5, method="supervised")]), "test_accuracy")
    [row] = table.rows
    cells = [cell_text(cell, column) for cell, column in zip(row.cells, table.columns, strict=True)]
    assert cells == ["1.000 (1)", "0.750 (1)", "3.000 (1)", "2.500 (1)"]
    assert isinstance(picture, Picture)
    around, gap = picture.draw().axes
    assert labels(around) == [
        "right labels, before",
        "right labels, after",
        "wrong labels, before",
        "wrong labels, after",
    ]
    assert [line.get_ydata()[0] for line in gap.lines[:2]] == [0.25, 0.5]
    assert losses(group([made(0.5)]), "test_accuracy") == []
