"""Runs from directories and CSV files: what is found, what is not a run, and that a CSV file keeps all of it."""

import json
import shutil

import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.errors import UserError
from ieg_fsr.results.runs import BEST, Run, collect, write_csv


def write(directory, accuracy=0.5, rows=(), summary=None, config=None, **given):
    directory.mkdir(parents=True)
    resolved = dict(resolve(given)) | {"started": f"at {directory.name}", "versions": {"keras": "3"}}
    (directory / "config.json").write_text(json.dumps(resolved | (config or {})))
    (directory / "summary.json").write_text(json.dumps({"test_accuracy": accuracy} | (summary or {})))
    (directory / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return directory


def test_runs_are_found_at_any_depth_with_all_they_tell(tmp_path):
    write(tmp_path / "b" / "c", 0.25, seed=3, noise=0.4, summary={"dictionary_purity": None})
    write(tmp_path / "a", 0.75, dataset="cifar10", imbalance=50.0)
    (tmp_path / "a" / "checkpoints").mkdir()
    shutil.copytree(tmp_path / "b" / "c", tmp_path / "a" / "saved_model")  # nothing below it is a run
    first, second = collect([str(tmp_path)]).runs
    assert (first.place, second.place) == (str(tmp_path / "a"), str(tmp_path / "b" / "c"))
    assert (first.values["dataset"], first.values["drop_epochs"], first.failure) == ("cifar10", (160, 180), None)
    assert (second.seed, second.figure("test_accuracy"), second.figure("noise")) == (3, 0.25, 0.4)
    assert second.figure("dictionary_purity") is None
    assert second.figure("versions") is None
    assert second.figure("flip") is None


def test_of_a_user_s_own_data_earlier_versions_said_more_than_was_known(tmp_path):
    more = {"measured_noise_rate": 0.0, "dictionary_purity": 1.0, "weight_clean": 1.0, "zero_weight_ratio": 0.5}
    rows = [{"epoch": 1, "weight_clean": 1.0, "test_accuracy": 0.5}]
    write(tmp_path / "a", rows=rows, summary=more, dataset="folder:photos")
    write(tmp_path / "b", rows=rows, summary=more, dataset="folder:photos", noise=0.2)
    write_csv(tmp_path / "runs.csv", collect([str(tmp_path)]).runs)
    for place in (tmp_path, tmp_path / "runs.csv"):
        as_they_are, changed = collect([str(place)]).runs
        names = ("measured_noise_rate", "dictionary_purity", "weight_clean", "zero_weight_ratio", "test_accuracy")
        assert [as_they_are.figure(name) for name in names] == [None, None, None, 0.5, 0.5]
        assert [changed.figure(name) for name in names] == [0.0, 1.0, 1.0, 0.5, 0.5]
    as_they_are, changed = collect([str(tmp_path)]).runs
    assert as_they_are.rows() == [{"epoch": 1, "test_accuracy": 0.5}]
    assert changed.rows() == rows


def test_best_epoch(tmp_path):
    rows = [{"epoch": 1, "test_accuracy": 0.5}, {"epoch": 2, "test_accuracy": 0.75}, {"epoch": 3}]
    write(tmp_path / "a", 0.25, rows)
    [run] = collect([str(tmp_path)]).runs
    assert run.figure(BEST) == 0.75
    assert [row["epoch"] for row in run.rows()] == [1, 2, 3]
    assert run.rows("layer_gradients.jsonl") == []


def test_what_is_no_finished_run_is_told_with_its_reason(tmp_path):
    (write(tmp_path / "unfinished", seed=1) / "summary.json").unlink()
    (write(tmp_path / "cut", seed=2) / "summary.json").write_text('{"test_accuracy": 0.')
    (write(tmp_path / "empty", seed=3) / "summary.json").write_text("{}")
    (write(tmp_path / "diverged", seed=4) / "summary.json").write_text('{"test_accuracy": NaN}')
    (write(tmp_path / "broken") / "config.json").write_text("[1, 2]")
    (write(tmp_path / "foreign") / "config.json").write_text('{"learning_rate": 0.1}')
    (write(tmp_path / "typed") / "config.json").write_text('{"dataset": "digits", "method": "fsr", "noise": "much"}')
    (write(tmp_path / "headless") / "config.json").unlink()
    found = collect([str(tmp_path)])
    failures = {run.place.rsplit("/", 1)[1]: run.failure for run in found.runs}
    assert failures["unfinished"] == "no summary.json"
    assert failures["cut"].startswith("summary.json is damaged: ")
    assert failures["empty"] == failures["diverged"] == "summary.json is damaged: no test_accuracy"
    assert len(failures) == 4
    reasons = {place.rsplit("/", 1)[1]: reason for place, reason in found.damaged}
    assert reasons == {
        "broken": "config.json is damaged: no object",
        "foreign": "config.json is damaged: no dataset or no method",
        "typed": "config.json is damaged: no noise",
        "headless": "no config.json",
    }


def test_a_run_of_an_older_version_did_what_the_default_does(tmp_path):
    directory = write(tmp_path / "old")
    config = json.loads((directory / "config.json").read_text())
    del config["lookahead_losses"], config["imbalance"]
    (directory / "config.json").write_text(json.dumps(config))
    [run] = collect([str(tmp_path)]).runs
    assert (run.values["lookahead_losses"], run.values["imbalance"]) == (False, 1.0)


def test_a_run_from_before_there_was_a_strength_had_it_in_full(tmp_path):
    write(tmp_path / "a")
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    assert config.pop("strength") == "auto"
    (tmp_path / "a" / "config.json").write_text(json.dumps(config))
    [run] = collect([str(tmp_path)]).runs
    assert run.values["strength"] == "1"


def test_a_csv_file_keeps_everything_but_the_curves(tmp_path):
    write(tmp_path / "a", 1 / 3, [{"epoch": 1, "test_accuracy": 0.625}], dataset="cifar10", imbalance=50.0, noise=0.2)
    write(tmp_path / "b", 0.5, jit_compile="true", train_examples=100, summary={"comment": 'one, "two"', "number": "7"})
    (write(tmp_path / "c", seed=5) / "summary.json").unlink()
    before = collect([str(tmp_path)]).runs
    write_csv(tmp_path / "runs.csv", before)
    after = collect([str(tmp_path / "runs.csv")]).runs
    for old, new in zip(before, after, strict=True):
        assert (new.place, new.failure, new.has_files) == (old.place, old.failure, False)
        given = {name: value for name, value in old.values.items() if value is not None}
        assert {name: new.values.get(name) for name in given} == given
        assert all(new.values[name] is None for name in old.values.keys() - given.keys() if name in new.values)
    assert after[0].figure(BEST) == 0.625
    assert after[1].values["jit_compile"] == "true"
    assert after[1].values["number"] == "7"
    write_csv(tmp_path / "again.csv", after)
    assert (tmp_path / "again.csv").read_text() == (tmp_path / "runs.csv").read_text()


def test_a_run_that_is_in_a_csv_file_and_a_directory_is_there_once(tmp_path):
    write(tmp_path / "runs" / "a", seed=1)
    kept = tmp_path / "kept.csv"
    write_csv(kept, collect([str(tmp_path / "runs")]).runs)
    write(tmp_path / "runs" / "b", seed=1)  # another run with this seed: it started at another time
    both = collect([str(kept), str(tmp_path / "runs"), str(tmp_path)]).runs
    assert sorted((run.place.rsplit("/", 1)[1], run.has_files) for run in both) == [("a", True), ("b", True)]


@pytest.mark.parametrize("place", ["missing", "notes.txt", "empty.csv", "other.csv"])
def test_a_place_that_holds_no_runs(tmp_path, place):
    (tmp_path / "notes.txt").write_text("hello\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"--runs must be directories or CSV files of runs\. Received: .*" + place):
        collect([str(tmp_path / place)])


def test_a_directory_without_a_run(tmp_path):
    with pytest.raises(UserError, match=r"--runs must hold a run\. Received: "):
        collect([str(tmp_path)])


def test_run_without_files_has_no_rows():
    assert Run("runs/x", {"seed": 0}).rows() == []
