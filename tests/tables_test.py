"""The command on a folder with finished, missing, failed, damaged and duplicate runs, figures checked by hand."""

import csv
import json
import re
import subprocess
import sys

import pytest
from full_strength import resolve

from ieg_fsr import tables


def write(directory, accuracy, started="2025-01-01", more=None, **given):
    directory.mkdir(parents=True)
    figures = {"test_accuracy": accuracy, "test_accuracy_ema": 0.25, "measured_noise_rate": 0.36}
    config = dict(resolve({"noise": 0.4} | given)) | {"started": started} | (more or {})
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "summary.json").write_text(json.dumps(figures))
    rows = [{"epoch": epoch, "test_accuracy_ema": accuracy} for epoch in (1, 2)]
    (directory / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return directory


@pytest.fixture
def runs(tmp_path):
    place = tmp_path / "runs"
    write(place / "fsr0", 0.5)
    write(place / "fsr1", 0.75, seed=1, more={"versions": {"keras": "3.9"}})
    write(place / "again", 0.875, started="2025-02-02", seed=1)
    write(place / "plain" / "deep", 0.625, method="supervised")
    write(place / "plain8", 0.375, method="supervised", noise=0.8)
    (write(place / "failed", 0.0, seed=2) / "summary.json").unlink()
    (write(place / "cut", 0.0, seed=3) / "summary.json").write_text('{"test_acc')
    (write(place / "broken", 0.0) / "config.json").write_text("{")
    return place


def run(capsys, *words):
    code = tables.main([*words])
    out, errors = capsys.readouterr()
    return code, out, errors


def cells(text, label):
    [line] = [line for line in text.splitlines() if line.startswith(f"| {label} ")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_what_is_there_what_is_not_and_what_to_know(runs, tmp_path, capsys):
    output = tmp_path / "new" / "results"
    code, text, errors = run(capsys, f"--runs={runs}", f"--output={output}", "--table=noise")
    assert (code, errors) == (0, "")
    # Seeds 0 and 1 of FSR: .5 and, started later, .875: mean .6875, deviation .375 / sqrt(2). Supervised lacks .0625.
    assert cells(text, "FSR") == ["**68.8 ± 26.5 (2)**", "not run"]
    assert cells(text, "supervised") == ["*62.5 (1)*", "**37.5 (1)**"]
    notes = [line for line in text.splitlines() if line.startswith("- ")]
    assert notes[0] == f"- FSR at noise 0.4, seed 1, was run more than once: {runs}/again is used, {runs}/fsr1 is not"
    assert notes[1].startswith("- FSR at noise 0.4, seed 3, has no figures (summary.json is damaged: ")
    assert notes[2] == f"- FSR at noise 0.4, seed 2, has no figures (no summary.json): {runs}/failed"
    assert notes[3].startswith("- not a run that can be read (config.json is damaged: ")
    assert notes[3].endswith(f": {runs}/broken")
    assert len(notes) == 4
    assert "5 runs with figures, 2 without, 1 damaged." in text
    names = sorted(path.name for path in output.iterdir())
    assert names == ["digits-noise.csv", "runs.csv", "tables.md"]
    assert "| not run " in (output / "tables.md").read_text()


def test_a_cell_with_other_versions_says_so(runs, tmp_path, capsys):
    write(runs / "fsr4", 0.5, seed=4, more={"versions": {"keras": "3.9"}})
    _, text, _ = run(capsys, f"--runs={runs}", f"--output={tmp_path / 'o'}", "--table=noise")
    assert "FSR at noise 0.4: runs differ in version of keras: None (seed 0, 1); 3.9 (seed 4)" in text


def test_kept_runs_make_the_same_tables(runs, tmp_path, capsys):
    words = ["--table=noise"]
    _, first, _ = run(capsys, f"--runs={runs}", f"--output={tmp_path / 'a'}", *words)
    kept = tmp_path / "a" / "runs.csv"
    _, second, _ = run(capsys, f"--runs={kept}", f"--output={tmp_path / 'b'}", *words)
    assert second.split("runs with figures")[0] == first.split("runs with figures")[0]
    assert kept.read_text() == (tmp_path / "b" / "runs.csv").read_text()
    write(tmp_path / "more", 0.125, seed=5)
    _, third, _ = run(capsys, f"--runs={kept},{tmp_path / 'more'}", f"--output={tmp_path / 'c'}", *words)
    # .5, .875 and .125: mean .5, deviation .375.
    assert cells(third, "FSR") == ["*50.0 ± 37.5 (3)*", "not run"]
    with open(tmp_path / "c" / "runs.csv", newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 8
    assert lines[-1]["directory"] == str(tmp_path / "more")
    assert (lines[-1]["seed"], lines[-1]["test_accuracy"]) == ("5", "0.125")


def test_all_reports_and_another_metric(runs, tmp_path, capsys):
    code, text, _ = run(capsys, f"--runs={runs}", f"--output={tmp_path / 'o'}", "--metric=test_accuracy_ema")
    assert code == 0
    assert "digits: methods, uniform label noise, test accuracy ema" in text
    assert "| **25.0 ± 0.0 (2)** |" in text
    assert text.count("## ") == 11  # eight of the paper, noise, two comparisons
    assert (tmp_path / "o" / "digits-comparison-noise0.4.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--runs=RUNS"], "--output must be given: directory for all files"),
        (["--runs=nowhere", "--output=OUT"], "--runs must be directories or CSV files of runs. Received: nowhere"),
        (["--runs=RUNS", "--output=OUT", "--table=noise,nose"], "--table must be of cifar10_uniform, "),
        (["--runs=RUNS", "--output=OUT", "--metric=test_acc"], "--metric must be a figure of these runs, of "),
        (
            ["--runs=RUNS", "--output=OUT", "--tables=noise"],
            "Unknown command line flag 'tables'. Did you mean: table ?",
        ),
        (["--runs=RUNS", "--output=RUNS/fsr0/config.json"], "--output must be a writable directory"),
    ],
)
def test_bad_input_is_one_line(runs, tmp_path, capsys, words, message):
    before = sorted(tmp_path.rglob("*"))
    words = [word.replace("RUNS", str(runs)).replace("OUT", str(tmp_path / "o")) for word in words]
    code, out, errors = run(capsys, *words)
    assert (code, out, errors.count("\n")) == (2, "", 1)
    assert errors.startswith(f"ieg_fsr: {message}")
    assert sorted(tmp_path.rglob("*")) == before


def test_help_names_every_option_and_needs_none(capsys):
    code, text, errors = run(capsys, "--help")
    assert (code, errors) == (0, "")
    assert re.findall(r"^  --(\w+)", text, flags=re.MULTILINE) == list(tables.OPTIONS)
    assert "figure of summary.json to compare [test_accuracy]" in text


def test_a_process_of_its_own_loads_no_tensorflow(runs, tmp_path):
    words = [f"--runs={runs}", f"--output={tmp_path / 'o'}"]
    code = f"import sys; from ieg_fsr import tables; tables.main({words}); print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
