"""Sizes of gradients by layer, from a file written by hand."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.results.gradients import FILE, gradients, layer_sizes
from ieg_fsr.results.groups import group
from ieg_fsr.results.runs import Run
from ieg_fsr.results.table import cell_text


@pytest.fixture
def one(tmp_path):
    """Two seeds, two epochs, two layers; the first layer has no meta gradient."""
    runs = []
    for seed in (0, 1):
        lines = [
            {"epoch": epoch, "layer": layer, "gradient": epoch * size, "meta_gradient": meta}
            for epoch in (1, 2)
            for layer, size, meta in (("conv", 1.0 + seed, None), ("logits", 3.0, 0.5))
        ]
        (tmp_path / str(seed)).mkdir()
        (tmp_path / str(seed) / FILE).write_text("".join(json.dumps(line) + "\n" for line in lines))
        values = dict(resolve({"seed": seed})) | {"test_accuracy": 0.5}
        runs.append(Run(str(tmp_path / str(seed)), values, has_files=True))
    return group(runs)[0]


def test_mean_over_seeds_by_epoch(one):
    sizes = layer_sizes(one)
    assert list(sizes) == ["conv", "logits"]
    np.testing.assert_array_equal(sizes["conv"]["gradient"], [1.5, 3.0])
    np.testing.assert_array_equal(sizes["logits"]["meta_gradient"], [0.5, 0.5])
    assert len(sizes["conv"]["meta_gradient"]) == 0


def test_a_line_may_hold_all_layers_of_an_epoch(one):
    for run in one.runs:
        path = pathlib.Path(run.place) / FILE
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        layers = [
            {"layer": line["layer"], "training_gradient": line["gradient"], "meta_gradient": line["meta_gradient"]}
            for line in lines
        ]
        nested = [{"epoch": epoch, "layers": layers[2 * epoch - 2 : 2 * epoch]} for epoch in (1, 2)]
        (path.parent / "nested").mkdir()
        (path.parent / "nested" / FILE).write_text("".join(json.dumps(line) + "\n" for line in nested))
    runs = [dataclasses.replace(run, place=f"{run.place}/nested") for run in one.runs]
    nested, flat = layer_sizes(dataclasses.replace(one, runs=tuple(runs))), layer_sizes(one)
    assert list(nested) == list(flat)
    for layer in flat:
        for name in flat[layer]:
            np.testing.assert_array_equal(nested[layer][name], flat[layer][name])


def test_table_and_figure(one):
    table, picture = gradients([one], "test_accuracy")
    cells = [[cell_text(c, column) for c, column in zip(row.cells, table.columns, strict=True)] for row in table.rows]
    assert cells == [["2.25000", "-"], ["4.50000", "0.50000"]]
    [axes] = picture.draw().axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["conv", "logits"]
    assert axes.get_yscale() == "log"
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [2.25, 4.5])
    np.testing.assert_array_equal(axes.lines[1].get_xdata(), [1])


def test_runs_without_the_file():
    values = dict(resolve({})) | {"test_accuracy": 0.5}
    assert gradients(group([Run("x", values)]), "test_accuracy") == []
