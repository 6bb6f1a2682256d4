"""The scripts and the notebook of docs/examples, run as they are but for their length: each finds the wrong labels."""

import json
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "docs" / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py"))
# Epochs that are enough for `check_figures`.
SHORT = {"folder.py": 14, "images.py": 20, "table.py": 15, "text.py": 10}
NOTEBOOK = EXAMPLES / "own_model.ipynb"


def cells(kind):
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


@pytest.fixture
def printed(start, tmp_path):
    """What a file of `tmp_path` prints in a process of its own."""

    def run(name):
        program = f"import runpy; runpy.run_path({name!r}, run_name='__main__')"
        # As many threads as a reader has; another number adds up in another order.
        done = start("-c", program, cwd=tmp_path, MPLBACKEND="agg", TF_NUM_INTRAOP_THREADS="0").ended()
        assert done.code == 0, done.err
        return done.out

    return run


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
def test_scripts(script, printed, tmp_path):
    text, shortened = re.subn(r"(?m)^EPOCHS = \d+$", f"EPOCHS = {SHORT[script]}", (EXAMPLES / script).read_text())
    assert shortened == 1
    (tmp_path / script).write_text(text)
    check_figures(printed(script))
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
def test_the_notebook(printed, tmp_path):
    (tmp_path / "cells.py").write_text("\n".join(cells("code")), encoding="utf-8")
    check_figures(printed("cells.py"))
    assert (tmp_path / "classifier.keras").exists()
