"""What the README shows works: its Python code, its flags, the files it names."""

import pathlib
import re

import keras
import numpy as np
import pytest

from ieg_fsr.config import Config
from ieg_fsr.networks import build_network

ROOT = pathlib.Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_OF_THE_BENCHMARK = {"networks", "methods", "steps"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_flags_exist(document):
    known = (
        set(Config.__dataclass_fields__)
        | {"help", "logdir", "flagfile", "runs", "output", "table", "metric"}
        | _OF_THE_BENCHMARK
    )
    for flag in re.findall(r"--(\w+)", document.read_text(encoding="utf-8")):
        assert flag in known or flag.removeprefix("no") in known, flag


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_linked_and_named_files_exist(document):
    text = document.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if not link.startswith("http")]
    named = re.findall(r"\b(?:launch|ieg_fsr|docs|flags)/[\w/.]+\.(?:sh|py|md|png|flags)", text)
    for path in links:
        assert (document.parent / path).exists(), path
    for path in named:
        assert (ROOT / path).exists(), path


def test_python_code_runs(tmp_path, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 1
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (400, 8, 8, 1), np.uint8), np.arange(400) % 4
    names = {"x": x, "y": y, "classifier": build_network("small_cnn", (8, 8, 1), 4)}
    monkeypatch.chdir(tmp_path)
    exec(blocks[0].replace("epochs=20", "epochs=2").replace("warmup_epochs=10", "warmup_epochs=1"), names)
    assert len(names["report"].suspect) == 400
    assert keras.models.load_model("model.keras").output_shape == (None, 4)
