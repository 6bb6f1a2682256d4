"""What an earlier run in the directory means for the next one."""

import dataclasses
import json

import pytest

from ieg_fsr.config import resolve
from ieg_fsr.errors import UserError
from ieg_fsr.training.directory import check_same_labels, clear, earlier_run


def config_of(directory, **settings):
    return resolve({"model_dir": str(directory)} | settings)


def write_config(directory, config):
    directory.mkdir(exist_ok=True)
    (directory / "config.json").write_text(json.dumps(dataclasses.asdict(config)))


def test_a_new_directory_is_checked_and_not_left_behind(tmp_path):
    directory = tmp_path / "new" / "run"
    assert earlier_run(directory, config_of(directory)) is None
    assert list(tmp_path.iterdir()) == []


def test_an_unfinished_run_has_no_summary(tmp_path):
    write_config(tmp_path, config_of(tmp_path, noise=0.4))
    assert earlier_run(tmp_path, config_of(tmp_path, noise=0.4)) is None


def test_a_finished_run_is_returned(tmp_path):
    write_config(tmp_path, config_of(tmp_path))
    (tmp_path / "summary.json").write_text('{"test_accuracy": 0.5}')
    assert earlier_run(tmp_path, config_of(tmp_path)) == {"test_accuracy": 0.5}


def test_places_do_not_count_as_settings(tmp_path):
    write_config(tmp_path, config_of("elsewhere"))
    (tmp_path / "summary.json").write_text("{}")
    assert earlier_run(tmp_path, config_of(tmp_path, data_dir=str(tmp_path))) == {}


def test_other_settings_are_named_with_both_values(tmp_path):
    write_config(tmp_path, config_of(tmp_path, noise=0.2))
    with pytest.raises(UserError, match=r"\(noise 0.2 there, 0.4 now\).*--noresume.*Received: "):
        earlier_run(tmp_path, config_of(tmp_path, noise=0.4))
    assert earlier_run(tmp_path, config_of(tmp_path, noise=0.4, resume=False)) is None


def test_a_setting_that_is_newer_than_the_run_had_its_default(tmp_path):
    write_config(tmp_path, config_of(tmp_path))
    earlier = json.loads((tmp_path / "config.json").read_text())
    del earlier["imbalance"]
    (tmp_path / "config.json").write_text(json.dumps(earlier))
    assert earlier_run(tmp_path, config_of(tmp_path)) is None
    with pytest.raises(UserError, match=r"imbalance 1\.0 there, 2\.0 now"):
        earlier_run(tmp_path, config_of(tmp_path, imbalance=2.0))


def test_labels_of_a_run_are_compared_where_they_are_known(tmp_path):
    check_same_labels(tmp_path, "a")
    (tmp_path / "config.json").write_text("{}")
    check_same_labels(tmp_path, "a")
    (tmp_path / "config.json").write_text('{"given_labels_sha256": "a"}')
    check_same_labels(tmp_path, "a")
    with pytest.raises(UserError, match=r"^--model_dir must be .* with the same given labels .*Received: "):
        check_same_labels(tmp_path, "b")


def test_clear_removes_a_runs_files_and_no_others(tmp_path):
    for name in (
        "config.json",
        "metrics.jsonl",
        "given_labels.csv",
        "model_ema.keras",
        "events.out.tfevents.1.v2",
        "notes.txt",
    ):
        (tmp_path / name).write_text("")
    for name in ("checkpoints", "saved_model", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("")
    clear(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "notes.txt"]
