"""What figures share: curves of groups, spread, PNG files."""

import json

import numpy as np
import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.results.groups import group
from ieg_fsr.results.pictures import Picture, axis_title, mean_curve, panels, plot_curve, seeds_text, spread, write_png
from ieg_fsr.results.runs import Run


@pytest.fixture
def one(tmp_path):
    """Two seeds, the second measured every second epoch; and a third without curves."""
    runs = []
    for seed, step in ((0, 1), (1, 2), (2, 0)):
        (tmp_path / str(seed)).mkdir()
        epochs = range(step, 7, step) if step else ()
        rows = [{"epoch": epoch, "test_accuracy": (epoch + 2 * seed) / 16} for epoch in epochs]
        (tmp_path / str(seed) / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        values = dict(resolve({"seed": seed})) | {"test_accuracy": seed / 2}
        runs.append(Run(str(tmp_path / str(seed)), values, has_files=True))
    return group(runs)[0]


def test_curves_are_taken_where_all_measured(one):
    epochs, values = mean_curve(one, "test_accuracy")
    np.testing.assert_array_equal(epochs, [2, 4, 6])
    np.testing.assert_array_equal(values, np.array([[2, 4, 6], [4, 6, 8]]) / 16)
    assert [len(part) for part in mean_curve(one, "train_loss")] == [0, 0]


def test_a_curve_is_the_mean_and_its_band_the_range(one):
    _, [axes] = panels(1, "title")
    plot_curve(axes, one, "test_accuracy", "black", "name", factor=16.0)
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [3, 5, 7])
    band = axes.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (2, 8)
    plot_curve(axes, one, "train_loss", "black", "name")
    assert len(axes.lines) == 1


def test_spread_by_hand(one):
    assert spread(one, "test_accuracy", 100.0) == (50.0, 50.0)
    mean, deviation = spread(one, "test_top5")
    assert np.isnan(mean)
    assert deviation == 0


def test_words():
    assert axis_title("test_accuracy_ema") == "test accuracy ema, %"
    assert axis_title("seconds_total") == "seconds total"
    assert seeds_text([]) == "one seed"


def test_png_file(tmp_path):
    write_png(tmp_path / "x.png", Picture("x", lambda: panels(2, "a title\nof two lines")[0]))
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]
