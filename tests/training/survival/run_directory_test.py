"""What an earlier run in the directory means for the next one, and how its files appear."""

import csv
import json
import shutil
import tempfile

import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.errors import UserError
from ieg_fsr.training.survival.run_directory import RunDirectory, run_directory

SUMMARY = {
    "variant": "FSR",
    "test_accuracy": 0.5,
    "test_accuracy_ema": 0.5,
    "measured_noise_rate": 0.0,
    "seconds_total": 1.0,
} | dict.fromkeys(
    ["dictionary_purity", "clean_images", "zero_weight_ratio", "zero_weight_batches", "weight_clean", "weight_noisy"]
)


def config_of(directory, **settings):
    return resolve({"model_dir": str(directory)} | settings)


def write_config(directory, config):
    directory.mkdir(exist_ok=True)
    (directory / "config.json").write_text(json.dumps(dict(config)))


def test_a_new_directory_is_checked_and_not_left_behind(tmp_path):
    directory = tmp_path / "new" / "run"
    assert RunDirectory(directory).earlier_run(config_of(directory)) is None
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_goes_on_began_when_it_was_begun(tmp_path):
    run = RunDirectory(tmp_path)
    first = {"seed": 1, "started": "2026-01-01T10:00:00Z"}
    assert run.keep_config(first) == first
    assert run.keep_config(first | {"started": "2026-01-02T11:00:00Z", "replicas": 2}) == first | {"replicas": 2}
    assert json.loads((tmp_path / "config.json").read_text()) == first


def test_another_run_may_begin_beside_it_at_the_same_moment(tmp_path, monkeypatch):
    """Only what is empty is removed again, and what another run removes is made again."""
    directory, beside = tmp_path / "runs" / "new", tmp_path / "runs" / "other"
    real = tempfile.TemporaryFile

    def begin_another(*args, **kwargs):
        beside.mkdir()
        return real(*args, **kwargs)

    monkeypatch.setattr("ieg_fsr.files.tempfile.TemporaryFile", begin_another)
    assert RunDirectory(directory).earlier_run(config_of(directory)) is None
    assert beside.is_dir()
    assert not directory.exists()


def test_a_parent_that_another_run_removes_is_made_again(tmp_path, monkeypatch):
    directory = tmp_path / "runs" / "new"
    real, removed = tempfile.TemporaryFile, []

    def remove_once(*args, **kwargs):
        if not removed:
            removed.append(shutil.rmtree(tmp_path / "runs"))
        return real(*args, **kwargs)

    monkeypatch.setattr("ieg_fsr.files.tempfile.TemporaryFile", remove_once)
    assert RunDirectory(directory).earlier_run(config_of(directory)) is None
    assert removed


def test_an_unfinished_run_has_no_summary(tmp_path):
    write_config(tmp_path, config_of(tmp_path, noise=0.4))
    assert RunDirectory(tmp_path).earlier_run(config_of(tmp_path, noise=0.4)) is None


def test_a_finished_run_is_returned(tmp_path):
    write_config(tmp_path, config_of(tmp_path))
    (tmp_path / "summary.json").write_text(json.dumps(SUMMARY))
    assert RunDirectory(tmp_path).earlier_run(config_of(tmp_path)) == SUMMARY


def test_places_do_not_count_as_settings(tmp_path):
    write_config(tmp_path, config_of("elsewhere"))
    (tmp_path / "summary.json").write_text(json.dumps(SUMMARY))
    assert RunDirectory(tmp_path).earlier_run(config_of(tmp_path, data_dir=str(tmp_path))) == SUMMARY


DAMAGED = ["", "{", "[1]", "3", "null", "[" * 100_000, "\ufffe", '{"a": "' + "x" * 10]


@pytest.mark.parametrize("content", DAMAGED)
@pytest.mark.parametrize("resume", [True, False])
def test_a_config_that_is_damaged_or_not_ours_is_left_alone(tmp_path, content, resume):
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"^--model_dir must be new or a run with a whole config\.json\. Received: "):
        RunDirectory(tmp_path).earlier_run(config_of(tmp_path, resume=resume))
    assert (tmp_path / "config.json").read_text(encoding="utf-8") == content


def test_a_name_that_is_too_long(tmp_path):
    directory = tmp_path / ("x" * 300)
    with pytest.raises(UserError, match=r"^--model_dir must be a readable directory \(File name too long\)"):
        RunDirectory(directory).earlier_run(config_of(directory))


def test_a_directory_in_the_place_of_config_json(tmp_path):
    (tmp_path / "config.json").mkdir()
    with pytest.raises(UserError, match=r"^--model_dir must be a readable directory \(Is a directory\)"):
        RunDirectory(tmp_path).earlier_run(config_of(tmp_path))


@pytest.mark.parametrize("content", [*DAMAGED, "{}", json.dumps(SUMMARY | {"test_accuracy": "high"}),
                                     json.dumps({k: v for k, v in SUMMARY.items() if k != "zero_weight_ratio"}),
                                     json.dumps(SUMMARY | {"test_accuracy": float("nan")}),
                                     json.dumps(SUMMARY | {"zero_weight_batches": "many"})])  # fmt: skip
def test_a_damaged_summary_is_made_again(tmp_path, content):
    write_config(tmp_path, config_of(tmp_path))
    (tmp_path / "summary.json").write_text(content, encoding="utf-8")
    assert RunDirectory(tmp_path).earlier_run(config_of(tmp_path)) is None


def test_other_settings_are_named_with_both_values(tmp_path):
    write_config(tmp_path, config_of(tmp_path, noise=0.2))
    with pytest.raises(UserError, match=r"\(noise 0.2 there, 0.4 now\).*--noresume.*Received: "):
        RunDirectory(tmp_path).earlier_run(config_of(tmp_path, noise=0.4))
    assert RunDirectory(tmp_path).earlier_run(config_of(tmp_path, noise=0.4, resume=False)) is None


def test_a_setting_that_is_newer_than_the_run_had_its_default(tmp_path):
    write_config(tmp_path, config_of(tmp_path))
    earlier = json.loads((tmp_path / "config.json").read_text())
    del earlier["imbalance"]
    (tmp_path / "config.json").write_text(json.dumps(earlier))
    assert RunDirectory(tmp_path).earlier_run(config_of(tmp_path)) is None
    with pytest.raises(UserError, match=r"imbalance 1\.0 there, 2\.0 now"):
        RunDirectory(tmp_path).earlier_run(config_of(tmp_path, imbalance=2.0))


def test_labels_of_a_run_are_compared_where_they_are_known(tmp_path):
    RunDirectory(tmp_path).check_same_labels("a")
    (tmp_path / "config.json").write_text("{}")
    RunDirectory(tmp_path).check_same_labels("a")
    (tmp_path / "config.json").write_text('{"given_labels_sha256": "a"}')
    RunDirectory(tmp_path).check_same_labels("a")
    with pytest.raises(UserError, match=r"^--model_dir must be .* with the same given labels .*Received: "):
        RunDirectory(tmp_path).check_same_labels("b")


def test_how_often_it_saves_is_no_setting_of_the_run(tmp_path):
    write_config(tmp_path, config_of(tmp_path, keep_checkpoints=3))
    assert RunDirectory(tmp_path).earlier_run(config_of(tmp_path, checkpoint_seconds=1.0)) is None


def test_rows_of_the_epochs_done(tmp_path):
    assert RunDirectory(tmp_path).rows_of(0) == []
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 1, "a": 5}\n{"epoch": 2, "a": 6}\n{"epoch": 3, "a": 7}\n')
    assert RunDirectory(tmp_path).rows_of(0) == []
    assert RunDirectory(tmp_path).rows_of(2) == [{"epoch": 1, "a": 5}, {"epoch": 2, "a": 6}]


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        '{"epoch": 1}\n',
        '{"epoch": 1}\n{"epo',
        '{"epoch": 1}\n{"epoch": 3}\n',
        '{"epoch": 1}\n3\n',
        "\xff\n\n",
    ],
)
def test_rows_that_are_missing_are_said_to_be(tmp_path, content):
    if content is not None:
        (tmp_path / "metrics.jsonl").write_text(content, encoding="latin-1")
    with pytest.raises(UserError, match=r"--model_dir .* whole metrics.jsonl, here of 2 epochs; --noresume .*Received"):
        RunDirectory(tmp_path).rows_of(2)


def test_what_a_killed_process_was_writing_is_swept_away(tmp_path):
    (tmp_path / "checkpoints" / ".writing-1" / "step-00000001").mkdir(parents=True)
    (tmp_path / ".writing-2").mkdir()
    (tmp_path / ".writing-2" / "metrics.jsonl").write_text("{")
    (tmp_path / "checkpoints" / "step-00000002").mkdir()
    RunDirectory(tmp_path).sweep()
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert left == ["checkpoints", "checkpoints/step-00000002"]


def test_a_directory_is_that_of_its_settings_until_all_is_removed(tmp_path, monkeypatch):
    """Otherwise a run with other settings would go on from what is left."""
    write_config(tmp_path, config_of(tmp_path))
    (tmp_path / "checkpoints").mkdir()

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("ieg_fsr.training.survival.run_directory.shutil.rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        RunDirectory(tmp_path).clear()
    with pytest.raises(UserError, match="same settings"):
        RunDirectory(tmp_path).earlier_run(config_of(tmp_path, noise=0.4))


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
    RunDirectory(tmp_path).clear()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "notes.txt"]


def test_it_begins_once_the_directory_is_its_own(tmp_path):
    directory = tmp_path / "run"
    with RunDirectory(directory) as run:
        assert not directory.exists()
        run.begin(config_of(directory), {"given_labels_sha256": "a"})
        assert [path.name for path in directory.iterdir()] == ["lock"]
        with pytest.raises(UserError, match="in use"):
            RunDirectory(directory).begin(config_of(directory), {"given_labels_sha256": "a"})
    run.write_json("config.json", dict(config_of(directory)) | {"given_labels_sha256": "a"})
    (directory / ".writing-1").mkdir()
    with RunDirectory(directory) as run:
        with pytest.raises(UserError, match="same settings"):
            run.begin(config_of(directory, noise=0.4), {"given_labels_sha256": "a"})
        with pytest.raises(UserError, match="same given labels"):
            run.begin(config_of(directory), {"given_labels_sha256": "b"})
        run.begin(config_of(directory), {"given_labels_sha256": "a"})
        assert sorted(path.name for path in directory.iterdir()) == ["config.json", "lock"]
        run.begin(config_of(directory, noise=0.4, resume=False), {"given_labels_sha256": "b"})
    assert list(directory.iterdir()) == []


def test_files_appear_whole_or_not_at_all(tmp_path):
    run = RunDirectory(tmp_path)
    run.write_columns("a.csv", {"id": [0, 1], "name": ["x", "y"]})
    run.write_rows("metrics.jsonl", [{"epoch": 1}])
    with open(tmp_path / "a.csv", newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["id", "name"], ["0", "x"], ["1", "y"]]
    assert run.rows_of(1) == [{"epoch": 1}]
    for write in (
        lambda: run.write_columns("a.csv", {"id": [0], "name": []}),
        lambda: run.write_rows("metrics.jsonl", [{"epoch": float("nan")}]),
        lambda: run.write_json("a.csv", float("nan")),
        lambda: run.write("a.csv", lambda place: 1 / 0),
    ):
        before = {path: path.read_bytes() for path in tmp_path.iterdir()}
        with pytest.raises((ValueError, ZeroDivisionError)):
            write()
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_other_workers_have_a_copy_of_the_state_and_leave_nothing(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "a").write_text("a")
    (tmp_path / "metrics.jsonl").write_text("{}\n")
    (tmp_path / "model.keras").write_text("not state")
    with run_directory(tmp_path) as run:
        assert run.path == tmp_path
    with run_directory(tmp_path, first_worker=False) as run:
        assert run.path != tmp_path
        assert (run.path / "checkpoints" / "a").read_text() == "a"
        assert sorted(path.name for path in run.path.iterdir()) == ["checkpoints", "metrics.jsonl"]
        (run.path / "summary.json").write_text("{}")
    assert not run.path.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints", "metrics.jsonl", "model.keras"]
