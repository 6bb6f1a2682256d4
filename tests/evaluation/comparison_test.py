"""Runs side by side, from files written by hand."""

import json

import pytest

from ieg_fsr.errors import UserError
from ieg_fsr.evaluation import comparison


def write_run(directory, method, accuracies, mixup=False, **summary):
    directory.mkdir()
    config = {"dataset": "digits", "method": method, "mixup": mixup, "training_examples": 1437, "epochs": 2}
    fsr = {"reweight_warmup_epochs": 1, "pusher": "lookahead"}
    (directory / "config.json").write_text(json.dumps(config | fsr))
    figures = {"measured_noise_rate": 0.36, "test_accuracy": accuracies[-1], "test_accuracy_ema": 0.5}
    empty = dict.fromkeys(["dictionary_purity", "weight_clean", "weight_noisy", "zero_weight_ratio"])
    (directory / "summary.json").write_text(json.dumps(figures | empty | {"seconds_total": 12.4} | summary))
    rows = [
        {"epoch": epoch + 1, "test_accuracy": accuracy, "weight_clean": 1.5, "weight_noisy": 0.25}
        for epoch, accuracy in enumerate(accuracies)
    ]
    (directory / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return directory


@pytest.fixture
def runs(tmp_path):
    return [
        write_run(tmp_path / "plain", "supervised", [0.25, 0.75, 0.5]),
        write_run(tmp_path / "mixed", "supervised", [0.5, 0.625], mixup=True),
        write_run(
            tmp_path / "fsr", "fsr", [0.5, 0.875], mixup=True, dictionary_purity=0.984, weight_clean=1.5,
            weight_noisy=0.25, zero_weight_ratio=0.5,
        ),
    ]  # fmt: skip


def test_table_by_hand(runs):
    lines = comparison.table([comparison.read_run(run) for run in runs]).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[2] == ["supervised", "0.500", "0.500", "0.750", "-", "-", "1 : 1", "12"]
    assert cells[3] == ["supervised + MixUp", "0.625", "0.500", "0.625", "-", "-", "1 : 1", "12"]
    assert cells[4] == ["FSR", "0.875", "0.500", "0.875", "0.984", "0.50", "1.50 : 0.25", "12"]
    assert len({len(line) for line in lines}) == 1


def test_seeds_of_one_method_are_one_line(runs, tmp_path):
    again = write_run(tmp_path / "again", "supervised", [0.5, 0.25, 0.75])
    lines = comparison.table([comparison.read_run(run) for run in (runs[0], again)]).splitlines()
    assert len(lines) == 3
    # Last epochs .5 and .75: mean .625, sample standard deviation .25 / sqrt(2).
    assert "| 0.625 ± 0.177 |" in lines[2]
    comparison.picture([comparison.read_run(run) for run in (runs[0], again)], tmp_path / "two.png")


def test_command_prints_the_table_and_writes_a_png(runs, tmp_path, capsys):
    output = tmp_path / "new" / "picture.png"
    assert comparison.main([*map(str, runs), f"--output={output}"]) == 0
    assert "0.875" in capsys.readouterr().out
    assert output.read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in output.parent.iterdir()] == ["picture.png"]


def test_a_single_supervised_run_has_no_weights_to_draw(runs, tmp_path):
    comparison.picture([comparison.read_run(runs[0])], tmp_path / "one.png")
    assert (tmp_path / "one.png").stat().st_size > 1000


def test_a_directory_without_a_finished_run_is_named(runs, tmp_path, capsys):
    (runs[0] / "summary.json").unlink()
    with pytest.raises(UserError, match="finished run"):
        comparison.read_run(runs[0])
    assert comparison.main([str(runs[0])]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert str(runs[0]) in error
