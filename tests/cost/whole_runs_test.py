"""Whole runs: times by hand, and real ones of a small training."""

import pytest

from ieg_fsr.cost.entries import run_entries
from ieg_fsr.cost.rows import table
from ieg_fsr.cost.whole_runs import Run, measure_runs
from ieg_fsr.errors import RunError, UserError


def test_seconds_to_an_accuracy_are_those_of_the_epochs_until_then():
    run = Run(20.0, [4.0, 1.0, 2.0, 3.0], [0.5, None, 0.7, 0.6], {})
    assert run.best == 0.7
    assert run.in_epochs == 10.0
    assert [run.seconds_to(accuracy) for accuracy in (0.4, 0.5, 0.6, 0.7, 0.8)] == [4.0, 4.0, 7.0, 7.0, None]


def test_a_run_has_the_recipe_of_its_data_set_and_what_its_method_takes():
    given = {"noise": 0.4, "reward_batch_size": 50}
    supervised, fsr, skipping = run_entries(None, ["supervised", "fsr", "fsr_skip"], given, {})
    assert "reward_batch_size" not in supervised.config
    assert (fsr.config.reward_batch_size, fsr.config.skip) == (50, "auto")
    assert skipping.config.skip == "weights"
    assert {entry.config.dataset for entry in (supervised, fsr, skipping)} == {"digits"}
    swept = run_entries("small_cnn", ["supervised", "fsr"], {}, {"dictionary_size": [10, 20]})
    assert [entry.config.get("dictionary_size") for entry in swept] == [None, 10, 20]
    with pytest.raises(UserError, match="gce_q"):
        run_entries(None, ["fsr"], {"gce_q": 0.5}, {})


@pytest.mark.slow
def test_rows_of_real_runs():
    given = {"epochs": 2, "train_examples": 200, "reweight_warmup_epochs": 1}
    told: list[str] = []
    rows = measure_runs(run_entries("small_cnn", ["supervised", "fsr"], given, {}), 1, told.append)
    assert [row["method"] for row in rows] == ["supervised", "fsr"]
    assert rows[0]["time_ratio"] == rows[0]["memory_ratio"] == 1.0
    assert all(0 < row["seconds_in_epochs"] < row["seconds_per_run"] for row in rows)
    assert [row["steps_per_run"] for row in rows] == [4, 4]
    assert rows[0]["seconds_to_reach"] <= rows[0]["seconds_in_epochs"]
    assert sorted(told) == ["fsr: run 1 of 1 ...", "supervised: run 1 of 1 ..."]
    assert "| s / run | s in epochs |" in table(rows)
    with pytest.raises(RunError, match=r"supervised ended with exit code 2: .*labels_file"):
        measure_runs(run_entries(None, ["supervised"], {"labels_file": "missing.csv"}, {}), 1, print)
