"""launch/digits_tables.sh with a command in place of Python; and that each of its sweeps is a command line."""

import itertools
import pathlib
import subprocess

import pytest
from absl.testing import flagsaver

import ieg_fsr.main  # noqa: F401  (defines the flags, as a user's command does)
from ieg_fsr.configuration.flags import config_from_flags, parse_flags
from ieg_fsr.methods.registry import METHODS

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLAGS = ROOT / "launch" / "digits_tables.flags"
STEPS = ROOT / "launch" / "digits_steps.flags"
FASHION_STEPS = ROOT / "launch" / "fashion_steps.flags"
# Fails for pusher paper where fail.txt exists.
PYTHON = """#!/bin/sh
echo "$@" >>calls.txt
case "$*" in *--pusher=paper*) [ ! -e fail.txt ];; esac
"""


def sweeps_of(flag_file):
    lines = flag_file.read_text().splitlines()
    return [line.removeprefix("# sweep: ") for line in lines if line.startswith("# sweep: ")]


def runs_of(sweep, flag_file=FLAGS):
    """The settings of each run of a sweep, resolved."""
    axes = [(name, values.split(",")) for name, values in (axis.split("=") for axis in sweep.split())]
    for values in itertools.product(*(values for _, values in axes)):
        words = [f"--{name}={value}" for (name, _), value in zip(axes, values, strict=True)]
        with flagsaver.flagsaver():
            parse_flags(["ieg_fsr", f"--flagfile={flag_file}", *words])
            yield config_from_flags()


def test_no_run_is_trained_twice():
    sweeps = sweeps_of(FLAGS)
    runs = [run for sweep in sweeps for run in runs_of(sweep.replace("seed=0,1,2", "seed=0"))]
    assert len(runs) > 140
    apart = [repr(run).replace(run.model_dir, "") for run in runs]
    assert len(set(apart)) == len(apart)
    assert all(run.dataset == "digits" and run.lookahead_losses for run in runs)
    assert all("seed=0,1,2" in sweep for sweep in sweeps)
    assert {run.method for run in runs} <= set(METHODS)


@pytest.mark.parametrize(("flag_file", "conditions", "seeds"), [(STEPS, 5, 5), (FASHION_STEPS, 1, 3)])
def test_every_step_is_compared_once_under_every_condition(flag_file, conditions, seeds):
    runs = [run for sweep in sweeps_of(flag_file) for run in runs_of(sweep, flag_file)]
    apart = [repr(run).replace(run.model_dir, "") for run in runs]
    assert len(set(apart)) == len(apart) == 36 * conditions * seeds
    assert len({(run.noise, run.noise_type, run.imbalance) for run in runs}) == conditions
    steps = {(run.pusher, run.reward_features, run.reward_interval) for run in runs}
    forwards = {(features, interval) for pusher, features, interval in steps if pusher == "shared"}
    assert forwards == {("history", 4)} | {("forward", interval) for interval in (1, 2, 4, 8, 16)}


@pytest.fixture
def project(installed_project):
    return installed_project(PYTHON)


def launch(project, *words):
    command = ["bash", "launch/digits_tables.sh", *words]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    calls = project / "calls.txt"
    return done.returncode, done.stderr, calls.read_text().splitlines() if calls.exists() else []


def test_trains_the_seeds_and_makes_the_tables(project):
    code, errors, calls = launch(project, "4", "5")
    assert (code, errors) == (0, "")
    assert calls[-1] == "-m ieg_fsr.tables --runs=runs/digits_tables --output=results/digits"
    seeds = [call.split("--seed=")[1].split()[0] for call in calls[:-1]]
    assert (seeds.count("4"), seeds.count("5")) == (len(seeds) / 2, len(seeds) / 2)


def test_tables_are_made_although_a_run_failed(project):
    (project / "fail.txt").touch()
    code, errors, calls = launch(project, "0")
    assert code == 1
    assert "3 of " in errors
    assert "ieg_fsr.tables" in calls[-1]


def test_a_seed_is_a_number(project):
    code, errors, calls = launch(project, "0", "one")
    assert (code, calls) == (2, [])
    assert errors == "launch/digits_tables.sh: a seed must be a whole number from 0 up. Received: one\n"
