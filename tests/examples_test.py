"""The scripts and the notebook of docs/examples, run as they are but for their length: each finds the wrong labels."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "docs" / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py"))
# Epochs that are enough for `check_figures`.
SHORT = {"folder.py": 14, "images.py": 25, "table.py": 15, "text.py": 10}
NOTEBOOK = EXAMPLES / "own_model.ipynb"


def cells(kind):
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def printed(program, directory):
    """What a program prints in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "agg", "TF_CPP_MIN_LOG_LEVEL": "2"}
    environment.pop("TF_NUM_INTRAOP_THREADS", None)  # as a reader runs it; another number adds up in another order
    done = subprocess.run(
        [sys.executable, *program], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_figures(text):
    plain, accuracy = (float(figure) for figure in re.findall(r"test accuracy ([\d.]+)", text))
    precision, recall = (float(figure) for figure in re.search(r"precision ([\d.]+), recall ([\d.]+)", text).groups())
    assert accuracy > plain - 0.02
    assert precision > 0.7
    assert recall > 0.75


def test_there_is_a_script_for_each_kind_of_data():
    assert set(SCRIPTS) == set(SHORT)


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts(script, tmp_path):
    text, shortened = re.subn(r"(?m)^EPOCHS = \d+$", f"EPOCHS = {SHORT[script]}", (EXAMPLES / script).read_text())
    assert shortened == 1
    (tmp_path / script).write_text(text)
    check_figures(printed([script], tmp_path))
    if script in ("folder.py", "images.py"):
        rows = (tmp_path / "suspects.csv").read_text(encoding="utf-8").splitlines()
        assert rows[0].startswith("example_id,given_label,score")
        assert (".png" in rows[1]) == (script == "folder.py")


def test_the_notebook_holds_no_outputs():
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    for cell in notebook["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.slow
def test_the_notebook(tmp_path):
    (tmp_path / "cells.py").write_text("\n".join(cells("code")), encoding="utf-8")
    check_figures(printed(["cells.py"], tmp_path))
    assert (tmp_path / "classifier.keras").exists()
