"""`--mode=audit`: the files that it leaves and what it says."""

import csv
import json
import re

import pytest

from ieg_fsr.audit.mode import audit
from ieg_fsr.audit.sources import MEMORY_NOTICE
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.errors import UserError
from ieg_fsr.networks import build_network
from ieg_fsr.training.run import train


def test_a_run(finished_run):
    told = []
    figures = audit(resolve({"mode": "audit", "model_dir": str(finished_run)}), told.append)
    # Suspects 1 and 2, wrong labels 1 and 3; by score 3 (wrong), 2, 1 (wrong), 0.
    assert figures == {
        "examples": 4, "suspects": 2, "detection_precision": 0.5, "detection_recall": 0.5, "detection_f1": 0.5,
        "detection_average_precision": pytest.approx((1 + 2 / 3) / 2),
    }  # fmt: skip
    with open(finished_run / "audit.csv", newline="", encoding="utf-8") as file:
        assert [row["example_id"] for row in csv.DictReader(file)] == ["2", "1", "3", "0"]
    page = (finished_run / "audit.html").read_text(encoding="utf-8")
    data = json.loads(re.findall(r'id="data">(.*?)</script>', page)[0])
    assert data["columns"]["id"] == [2, 1]
    assert "2 (50.0%)" in told[0]
    assert MEMORY_NOTICE not in page


def test_a_model_says_that_it_may_have_memorised(npz, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    build_network("small_cnn", (8, 8, 1), 2).save(tmp_path / "mine.keras")
    told = []
    config = resolve({"mode": "audit", "dataset": npz, "model": "mine.keras"})
    assert config.model_dir == "runs/npz-data/audit-mine"
    audit(config, told.append)
    assert told[0].startswith(MEMORY_NOTICE)
    page = (tmp_path / "runs/npz-data/audit-mine/audit.html").read_text(encoding="utf-8")
    assert MEMORY_NOTICE.replace("'", "&#x27;") in page
    assert "there are no curves" in page


def test_labels_are_exported_by_what_was_decided_since_the_run(finished_run, tmp_path):
    (tmp_path / "d.csv").write_text("source_id,decision,label\n6,label,0\n9,remove,\n")
    given = {"mode": "audit", "model_dir": str(finished_run), "export": "csv", "decisions": str(tmp_path / "d.csv")}
    told = []
    audit(resolve(given), told.append)
    with open(finished_run / "export" / "labels.csv", newline="", encoding="utf-8") as file:
        rows = [(row["example_id"], row["label"], row["given_label"]) for row in csv.DictReader(file)]
    assert rows == [("5", "1", "1"), ("6", "0", "1"), ("8", "0", "0")]
    assert "3 labels, 1 of them changed by decisions" in told[0]
    with pytest.raises(UserError, match=r"--export must be csv where the images are in no files\. Received: fiftyone"):
        audit(resolve(given | {"export": "csv,fiftyone"}), told.append)


def test_exports_are_of_an_audit():
    with pytest.raises(UserError, match=r"--export must be given with --mode=audit only\. Received: csv"):
        resolve({"export": "csv"})


def test_nothing_is_written_where_there_is_no_run(tmp_path):
    with pytest.raises(UserError, match=r"must be a finished run, with config\.json\. Received: .*none"):
        audit(resolve({"mode": "audit", "model_dir": str(tmp_path / "none")}))
    assert not (tmp_path / "none").exists()
    with pytest.raises(UserError, match=r"must be given with --mode=audit"):
        resolve({"mode": "audit"})


@pytest.mark.slow
def test_a_training_is_audited(tmp_path, no_saved_model):
    settings = {"noise": 0.4, "epochs": 12, "reweight_warmup_epochs": 4, "model_dir": str(tmp_path / "run")}
    summary = train(resolve(settings), lambda text: None)
    figures = audit(resolve({"mode": "audit", "model_dir": str(tmp_path / "run")}), lambda text: None)
    assert figures["detection_f1"] == pytest.approx(summary["detection_f1"])
    assert figures["detection_average_precision"] == pytest.approx(summary["detection_average_precision"], abs=1e-3)
    assert summary["detection_f1"] > 0.85
