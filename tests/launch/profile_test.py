"""Test of launch/profile.sh with a command in place of Python that writes down what it is asked for."""

import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARK = "cat requirements.txt requirements.txt pyproject.toml | cksum | tr ' ' '-'"


@pytest.mark.parametrize(("given", "directory"), [([], "runs/profile"), (["--model_dir=mine"], "mine")])
def test_traces_one_run_with_the_flags_given(given, directory, tmp_path):
    shutil.copytree(ROOT / "launch", tmp_path / "launch")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in ("requirements.txt", "pyproject.toml"):
        (tmp_path / name).write_text("")
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    mark = subprocess.run(["bash", "-c", MARK], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    (tmp_path / ".venv" / f"installed-{mark.strip()}").touch()
    command = ["bash", "launch/profile.sh", *given, "--network=resnet32", "--profile_steps=3,5"]
    lines = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    words = lines[0].split()
    assert words[:2] == ["-m", "ieg_fsr.main"]
    assert {f"--model_dir={directory}", "--noresume", "--reweight_warmup_epochs=0"} <= set(words)
    # Of a flag that comes twice the last counts.
    assert words[-2:] == command[-2:]
    assert lines[-1].endswith(f"--logdir={directory}")
