"""Tests of launch/sweep.py, by launch/sweep.sh, with a Python that writes down what it is asked for."""

import os
import pathlib
import shutil
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Fails for the run of seed 1 where fail.txt exists.
PYTHON = """#!/bin/sh
echo "$@" >>calls.txt
case "$*" in *--seed=1*) [ ! -e fail.txt ];; esac
"""


@pytest.fixture
def project(installed_project):
    directory = installed_project(PYTHON)
    (directory / "x.flags").write_text("# sweep: noise=0,0.4 seed=0,1\n--epochs=1\n")
    return directory


def sweep(project, *words, **environment):
    """Exit code, what is on stderr, and the calls of Python as lists of words."""
    command, environment = ["bash", "launch/sweep.sh", *words], os.environ | environment
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, env=environment)
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


def test_a_number_that_ends_in_a_comma_has_no_value_more(project):
    _, _, calls = sweep(project, "x.flags", "noise=0.2,", "seed=3,4")
    assert settings(calls) == ["--noise=0.2 --seed=3", "--noise=0.2 --seed=4"]


def test_a_failed_run_is_named_and_does_not_stop_the_others(project):
    (project / "fail.txt").touch()
    code, errors, calls = sweep(project, "x.flags")
    assert (code, len(calls)) == (1, 4)
    assert errors.split("\n")[-4:] == ["2 of 4 runs failed:", "runs/x/noise0-seed1", "runs/x/noise0.4-seed1", ""]


def test_two_at_a_time(project):
    (project / "fail.txt").touch()
    _, _, alone = sweep(project, "x.flags", RUNS="alone")
    (project / "calls.txt").unlink()
    code, errors, calls = sweep(project, "x.flags", RUNS="alone", JOBS="2")
    assert sorted(calls) == sorted(alone)
    assert code == 1
    assert "2 of 4 runs failed:" in errors
    assert sorted(errors.split()[-2:]) == ["alone/x/noise0-seed1", "alone/x/noise0.4-seed1"]
    logs = sorted(path.name for path in (project / "alone" / "x").iterdir())
    assert logs == [f"noise{noise}-seed{seed}.log" for noise in ("0", "0.4") for seed in (0, 1)]


def test_each_of_two_has_half_of_the_cores(project):
    (project / ".venv" / "bin" / "python").write_text(
        '#!/bin/sh\necho "$TF_NUM_INTRAOP_THREADS $TF_NUM_INTEROP_THREADS $(nproc)" >>threads.txt\n'
    )
    sweep(project, "x.flags", JOBS="2")
    half = max(1, os.cpu_count() // 2)
    if len(os.sched_getaffinity(0)) == os.cpu_count() > 1 and shutil.which("taskset"):
        assert set((project / "threads.txt").read_text().splitlines()) == {f"{half} {half} {half}"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_stop_ends_all_that_was_started(project, jobs):
    (project / ".venv" / "bin" / "python").write_text("#!/bin/sh\necho $$ >>pids.txt\nexec sleep 60\n")
    command = ["bash", "launch/sweep.sh", "x.flags"]
    process = subprocess.Popen(command, cwd=project, env=os.environ | {"JOBS": str(jobs)}, stdout=subprocess.DEVNULL)
    pids = project / "pids.txt"
    deadline = time.monotonic() + 30
    while not (pids.exists() and len(pids.read_text().splitlines()) == jobs):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.terminate()
    assert process.wait(30) == 130
    for pid in map(int, pids.read_text().split()):
        while pathlib.Path(f"/proc/{pid}").exists() and "Z" not in pathlib.Path(f"/proc/{pid}/stat").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert len(pids.read_text().splitlines()) == jobs


@pytest.mark.parametrize("jobs", ["0", "two", "-1", "1.5"])
def test_jobs_is_a_number(project, jobs):
    code, errors, calls = sweep(project, "x.flags", JOBS=jobs)
    assert (code, calls) == (2, [])
    assert errors == f"launch/sweep.sh: JOBS must be a whole number from 1 up. Received: {jobs}\n"


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
