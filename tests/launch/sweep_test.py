"""Tests of launch/sweep.sh with a command in place of Python that writes down what it is asked for."""

import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Fails for the run of seed 1 where fail.txt exists.
PYTHON = """#!/bin/sh
echo "$@" >>calls.txt
case "$*" in *--seed=1*) [ ! -e fail.txt ];; esac
"""


@pytest.fixture
def project(tmp_path):
    """A project whose environment is installed already."""
    shutil.copytree(ROOT / "launch", tmp_path / "launch")
    for name in ("requirements.txt", "pyproject.toml"):
        (tmp_path / name).write_text("")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").write_text(PYTHON)
    (tmp_path / ".venv" / "bin" / "python").chmod(0o755)
    checksum = "cat requirements.txt requirements.txt pyproject.toml | cksum | tr ' ' '-'"
    mark = subprocess.run(["bash", "-c", checksum], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    (tmp_path / ".venv" / f"installed-{mark.strip()}").touch()
    (tmp_path / "x.flags").write_text("# sweep: noise=0,0.4 seed=0,1\n--epochs=1\n")
    return tmp_path


def sweep(project, *words):
    """Exit code, what is on stderr, and the calls of Python as lists of words."""
    done = subprocess.run(["bash", "launch/sweep.sh", *words], cwd=project, capture_output=True, text=True)
    calls = project / "calls.txt"
    lines = calls.read_text().splitlines() if calls.exists() else []
    return done.returncode, done.stderr, [line.split() for line in lines]


def test_all_combinations_each_in_its_directory(project):
    code, errors, calls = sweep(project, "x.flags", "--data_dir=DIR")
    assert (code, errors) == (0, "")
    start = ["-m", "ieg_fsr.main", f"--flagfile={project / 'x.flags'}"]
    assert calls == [
        [*start, f"--noise={noise}", f"--seed={seed}", f"--model_dir=runs/x/noise{noise}-seed{seed}", "--data_dir=DIR"]
        for noise in ("0", "0.4")
        for seed in ("0", "1")
    ]


def settings(calls):
    return [" ".join(word for word in call[3:] if not word.startswith("--model_dir")) for call in calls]


def test_values_of_the_command_line_replace_and_add(project):
    _, _, calls = sweep(project, "x.flags", "seed=5", "pusher=lookahead,release")
    assert settings(calls) == [
        f"--noise={noise} --seed=5 --pusher={pusher}" for noise in ("0", "0.4") for pusher in ("lookahead", "release")
    ]


def test_each_sweep_line_has_its_own_combinations(project):
    (project / "x.flags").write_text("# sweep: noise=0.2 seed=0\n# sweep: epochs=3,4\n")
    _, _, calls = sweep(project, "x.flags")
    assert settings(calls) == ["--noise=0.2 --seed=0", "--epochs=3", "--epochs=4"]


def test_a_file_without_a_sweep_takes_it_from_the_command_line(project):
    (project / "x.flags").write_text("--epochs=1\n")
    _, _, calls = sweep(project, "x.flags", "seed=0,1")
    assert settings(calls) == ["--seed=0", "--seed=1"]


def test_a_failed_run_is_named_and_does_not_stop_the_others(project):
    (project / "fail.txt").touch()
    code, errors, calls = sweep(project, "x.flags")
    assert (code, len(calls)) == (1, 4)
    assert errors.split("\n")[-4:] == ["2 of 4 runs failed:", "runs/x/noise0-seed1", "runs/x/noise0.4-seed1", ""]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["y.flags"], "must be a readable flag file. Received: "),
        (["launch"], "must be a readable flag file. Received: "),
        (["x.flags", "seed"], "must be NAME=VALUE,... or --FLAG=VALUE. Received: seed"),
        (["x.flags", "seed="], "must be NAME=VALUE,... or --FLAG=VALUE. Received: seed="),
        ([], "must be a readable flag file. Received: "),
    ],
)
def test_bad_input_is_one_line(project, words, message):
    code, errors, calls = sweep(project, *words)
    assert code == 2
    assert message in errors
    assert (errors.count("\n"), calls) == (1, [])
