"""The grid: its conditions are data with as many wrong labels as they say, its table is right, a stop loses nothing."""

import csv
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from ieg_fsr.configuration.resolve import resolve

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def grid(script):
    return script("grid/run")


def row(condition, method, seed, accuracy):
    return {"condition": condition, "method": method, "seed": str(seed), "test_accuracy": str(accuracy)}


def test_images_of_all_conditions_are_settings(grid, tmp_path):
    for condition in grid.conditions(tmp_path).values():
        if condition.arrays is None:
            resolve(dict(condition.settings) | {"method": "fsr"})


@pytest.mark.parametrize(
    ("name", "rows", "rate", "largest"),
    [("cancer-0.3", 341, 0.3, 0.63), ("rare-0.2", 2400, 0.2, 0.9), ("hundred-0", 3600, 0.0, 0.01)],
)
def test_tables_have_so_many_wrong_labels_and_no_row_for_both_purposes(grid, tmp_path, name, rows, rate, largest):
    arrays = grid.conditions(tmp_path)[name].arrays(3)
    assert len(arrays.x) == len(arrays.given_labels) == rows
    wrong = np.mean(arrays.given_labels != arrays.true_labels)
    assert abs(wrong - rate) <= 4 * np.sqrt(rate * (1 - rate) / rows)
    assert np.mean(arrays.true_labels == np.bincount(arrays.true_labels).argmax()) == pytest.approx(largest, abs=0.05)
    assert not {x.tobytes() for x in arrays.x} & {x.tobytes() for x in arrays.x_test}
    again = grid.conditions(tmp_path)[name].arrays(3)
    np.testing.assert_array_equal(again.given_labels, arrays.given_labels)


def test_table_by_hand(grid):
    rows = [row("a", "elr", 0, 0.5), row("a", "elr", 1, 0.7), row("a", "auto", 0, 0.8), row("b", "auto", 0, 0.25)]
    rows.append(row("b", "elr", 0, 0.75))
    assert grid.table(rows, {"a": "clothes", "b": "digits", "c": "not run"}).splitlines() == [
        "| data | elr | auto |",
        "|---|---|---|",
        "| clothes (2) | 0.600 ± 0.141 | **0.800** |",
        "| digits (1) | **0.750** | 0.250 |",
        "| behind the best, at worst | 0.200 (a) | 0.500 (b) |",
        "| behind the best, mean | 0.100 | 0.250 |",
    ]


@pytest.mark.parametrize("flag", ["--conditions=a,none", "--methods=none", "--seeds=0,x", "--jobs=0", "--metric=none"])
def test_what_is_not_there_is_refused(grid, capsys, flag, tmp_path):
    with pytest.raises(SystemExit) as caught:
        grid.main([flag, f"--output={tmp_path}/grid.csv"])
    assert caught.value.code == 2
    error = capsys.readouterr().err.splitlines()[-1]
    name, value = flag.split("=")
    assert name in error
    assert f"Received: {value.rsplit(',')[-1]}" in error


@pytest.mark.slow
def test_a_cell_is_trained_once(tmp_path):
    flags = ["--conditions=cancer-0.3", "--methods=supervised", "--seeds=1", f"--output={tmp_path}/grid.csv"]

    def run() -> str:
        command = [sys.executable, str(ROOT / "launch" / "grid" / "run.py"), *flags]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path).stdout

    assert "condition=cancer-0.3 method=supervised seed=1" in run()
    [first] = csv.DictReader((tmp_path / "grid.csv").open())
    assert 0.6 < float(first["test_accuracy"]) < 0.95
    assert float(first["noise_rate"]) == pytest.approx(0.3, abs=0.1)
    assert first["strength"] == ""
    assert "condition=cancer-0.3" not in run()
    assert list(csv.DictReader((tmp_path / "grid.csv").open())) == [first]
