"""--decisions in a run: labels, trusted examples, what is left out, and what is written down of it."""

import csv
import json

import numpy as np
import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.errors import UserError
from ieg_fsr.training.inputs import load_training_data
from ieg_fsr.training.run import train

SETTINGS = {"noise": 0.4, "train_examples": 400, "epochs": 2, "dictionary_size": 50, "reweight_warmup_epochs": 1}
ROWS = "source_id,decision,label\n{},keep,\n{},label,3\n{},remove,\n{},unsure,\n{},keep,7\n{},remove,\n"


def decided(tmp_path, ids, **settings):
    (tmp_path / "decisions.csv").write_text(ROWS.format(*ids))
    return resolve(SETTINGS | {"decisions": str(tmp_path / "decisions.csv")} | settings)


@pytest.fixture(scope="module")
def without():
    return load_training_data(resolve(SETTINGS))


def test_all_others_are_as_without_decisions(tmp_path, without):
    outside = np.setdiff1d(np.arange(1437), without.source_ids)[:1]
    ids = [*without.source_ids[[5, 6, 7, 8, 9]], *outside]
    training = load_training_data(decided(tmp_path, ids))
    np.testing.assert_array_equal(training.source_ids, np.delete(without.source_ids, 7))
    expected = without.given_labels.copy()
    expected[[6, 9]] = 3, 7
    np.testing.assert_array_equal(training.given_labels, np.delete(expected, 7))
    np.testing.assert_array_equal(training.data.train.labels, np.delete(without.data.train.labels, 7))
    assert training.decided.trusted_ids.tolist() == [5, 6, 8]
    assert training.decided.words[4:10].tolist() == ["", "keep", "label", "unsure", "keep", ""]
    changed = int(np.sum(without.given_labels[[6, 9]] != [3, 7]))
    assert training.decided.figures | {"decisions_sha256": ""} == {
        "decisions_sha256": "", "decided_labels": 3, "corrected_labels": changed, "removed_examples": 1,
    }  # fmt: skip
    assert "--decisions: 1 are about examples that this run does not train on" in training.data.notes


def test_removed_examples_are_in_no_hold_out_either(tmp_path):
    settings = {"method": "l2r", "clean_per_class": 1, "train_examples": 400, "noise": 0.4}
    whole = load_training_data(resolve(settings))
    everything = np.setdiff1d(np.arange(1437), whole.source_ids)
    (tmp_path / "decisions.csv").write_text(
        "example_id,decision\n" + "".join(f"{i},remove\n" for i in everything.tolist())
    )
    training = load_training_data(resolve(settings | {"decisions": str(tmp_path / "decisions.csv")}))
    assert training.data.holdout is None
    np.testing.assert_array_equal(training.given_labels, whole.given_labels)


def test_a_class_without_examples_is_refused(tmp_path, without):
    of_class = without.source_ids[without.given_labels == 4]
    (tmp_path / "d.csv").write_text("example_id,decision\n" + "".join(f"{i},remove\n" for i in of_class.tolist()))
    with pytest.raises(
        UserError, match=r"--decisions must leave an example of each class. .* class 4 \(4\) in .*d\.csv"
    ):
        load_training_data(resolve(SETTINGS | {"decisions": str(tmp_path / "d.csv")}))


def test_decisions_that_were_saved_anew_are_of_another_run(tmp_path):
    first = decided(tmp_path, range(6)).model_dir
    assert first == decided(tmp_path, range(6)).model_dir
    assert first.startswith("runs/digits/fsr-train_examples400-")
    assert first != decided(tmp_path, range(1, 7)).model_dir


@pytest.mark.slow
def test_a_run_says_what_was_decided_and_goes_on_with_the_same_alone(tmp_path, without, no_saved_model):
    run, told = tmp_path / "run", []
    config = decided(tmp_path, without.source_ids[[5, 6, 7, 8, 9, 10]], model_dir=str(run))
    summary = train(config, told.append)
    figures = {name: summary[name] for name in ("decided_labels", "removed_examples", "training_examples")}
    assert figures == {"decided_labels": 3, "removed_examples": 2, "training_examples": 398}
    settings = json.loads((run / "config.json").read_text())
    assert settings["decisions_sha256"] == summary["decisions_sha256"]
    assert f"3 labels by a person, {summary['corrected_labels']} of them corrected; 2 examples removed" in told[-1]
    card = (run / "model_card.md").read_text()
    assert "| labels decided by a person | 3, `--decisions=decisions.csv` |" in card
    assert "| training examples removed by a person | 2 |" in card
    for name in ("labels.csv", "given_labels.csv"):
        with open(run / name, newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["example_id"] for row in rows] == [str(i) for i in range(398)]
    assert str(without.source_ids[7]) not in [row["source_id"] for row in rows]
    with open(run / "labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    trusted = [row for row in rows if row["decision"] in ("keep", "label")]
    assert [row["example_id"] for row in trusted] == ["5", "6", "8"]
    assert all(float(row["weight"]) >= 1 and row["suspect"] == "0" for row in trusted)
    assert train(config, told.append) == summary
    changed = decided(tmp_path, without.source_ids[[5, 6, 7, 8, 10, 9]], model_dir=str(run))
    with pytest.raises(UserError, match="--model_dir must be new or hold a run with the same decisions"):
        train(changed, told.append)
    (run / "summary.json").unlink()  # and so with one that was interrupted
    with pytest.raises(
        UserError, match=r"--model_dir must be new or hold a run with the same (decisions|given labels)"
    ):
        train(changed, told.append)
