"""Reading a run and judging by a model, against files and predictions made by hand."""

import json
import pathlib
import re

import keras
import numpy as np
import pytest

from ieg_fsr.audit.sources import MEMORY_NOTICE, from_model, from_run
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.errors import UserError


def audit_config(**given):
    return resolve({"mode": "audit"} | given)


def test_a_run_is_read_worst_first(finished_run):
    audited = from_run(finished_run, audit_config(model_dir=str(finished_run)))
    found = audited.findings
    np.testing.assert_array_equal(found.example_ids, [2, 1, 3, 0])
    np.testing.assert_array_equal(found.source_ids, [8, 6, 9, 5])
    np.testing.assert_array_equal(found.weights, [0.5, 0.0, 2.0, 1.5])
    np.testing.assert_array_equal(found.suspects, [True, True, False, False])
    np.testing.assert_array_equal(found.true_labels, [0, 0, 1, 1])
    assert found.scores[2] == -np.inf
    assert (audited.test_accuracy, audited.what, audited.notices) == (0.75, "FSR", ())
    with np.load(audited.dataset.removeprefix("npz:")) as arrays:
        np.testing.assert_array_equal(audited.images.images([3, 0]), arrays["x_train"][[9, 5]])


def test_a_run_of_several_stages_is_read(finished_run):
    rows = [json.loads(line) | {"stage": "plain"} for line in (finished_run / "metrics.jsonl").read_text().splitlines()]
    (finished_run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert from_run(finished_run, audit_config(model_dir=str(finished_run))).epochs == rows


def test_unlabelled_examples_of_a_run_are_told_and_left_out(finished_run):
    for name, old, new in (
        ("labels.csv", "3,0,-inf,2.0", "3,-1,-inf,0.0"),
        ("given_labels.csv", "3,0,1,9", "3,-1,1,9"),
    ):
        text = (finished_run / name).read_text()
        (finished_run / name).write_text(text.replace(old, new))
    audited = from_run(finished_run, audit_config(model_dir=str(finished_run)))
    np.testing.assert_array_equal(audited.findings.example_ids, [2, 1, 0])
    np.testing.assert_array_equal(audited.findings.given_labels, [0, 1, 1])
    assert audited.notices == ("1 of 4 training examples have no given label",)


def test_given_labels_that_are_all_the_data_s_own_are_not_the_truth(finished_run):
    text = (finished_run / "given_labels.csv").read_text().splitlines()
    rows = [
        text[0],
        *(",".join([i, true, true, source]) for i, _, true, source in (row.split(",") for row in text[1:])),
    ]
    (finished_run / "given_labels.csv").write_text("\n".join(rows))
    labels = (finished_run / "labels.csv").read_text().replace("1,1,-3.0", "1,0,-3.0").replace("3,0,-inf", "3,1,-inf")
    (finished_run / "labels.csv").write_text(labels)
    assert from_run(finished_run, audit_config(model_dir=str(finished_run))).findings.true_labels is None


@pytest.mark.parametrize("name", ["config.json", "labels.csv", "given_labels.csv", "summary.json", "metrics.jsonl"])
def test_an_unfinished_or_damaged_run_is_refused(finished_run, name):
    config = audit_config(model_dir=str(finished_run))
    (finished_run / name).write_text("{")
    with pytest.raises(UserError, match=f"--model_dir must be a run with a whole {name}"):
        from_run(finished_run, config)
    (finished_run / name).unlink()
    with pytest.raises(UserError, match=f"--model_dir must be a finished run, with {name}"):
        from_run(finished_run, config)


DAMAGED = [
    ("config.json", lambda text: "[]"),
    ("config.json", lambda text: "[" * 100_000),
    ("config.json", lambda text: "{}"),
    ("config.json", lambda text: text.replace('"variant"', '"other"')),
    ("config.json", lambda text: text.replace('"FSR"', "7")),
    ("config.json", lambda text: re.sub('"npz:[^"]*"', "null", text)),
    ("config.json", lambda text: text.replace('"image_size": null', '"image_size": "8"')),
    ("config.json", lambda text: text.replace('"image_size": null', '"image_size": -8')),
    ("config.json", lambda text: text.replace('"data_dir": null', '"data_dir": ["a"]')),
    ("summary.json", lambda text: "{}"),
    ("summary.json", lambda text: "[]"),
    ("summary.json", lambda text: "[" * 100_000),
    ("summary.json", lambda text: text.replace("0.75", '"0.75"')),
    ("summary.json", lambda text: text.replace("0.75", "1" + "0" * 400)),
    ("summary.json", lambda text: text.replace("zero_weight_ratio", "other")),
    ("metrics.jsonl", lambda text: ""),
    ("metrics.jsonl", lambda text: "[]"),
    ("metrics.jsonl", lambda text: "[" * 100_000),
    ("metrics.jsonl", lambda text: text.replace("0.25", '"low"')),
    ("labels.csv", lambda text: ""),
    ("labels.csv", lambda text: text.replace("score", "other")),
    ("labels.csv", lambda text: text.replace("-3.0", "")),
    ("labels.csv", lambda text: text.replace("-3.0", "nan")),
    ("labels.csv", lambda text: text.replace("1,1,-3.0,0.0,0,0.9,1\n", "")),
    ("labels.csv", lambda text: text.replace("3,0,-inf,2.0,0,0.9,0", "3,0,-inf,2.0")),
    ("labels.csv", lambda text: text.replace("0.9", "9" * 200_000)),
    ("given_labels.csv", lambda text: text.replace("0,1,1,5", "0,1,1,5.5")),
    ("given_labels.csv", lambda text: text.replace("0,1,1,5", "0,1,1," + "5" * 30)),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGED)
def test_what_a_file_lacks_is_found_before_it_is_used(finished_run, name, damage):
    text = (finished_run / name).read_text()
    assert damage(text) != text
    (finished_run / name).write_text(damage(text))
    with pytest.raises(UserError) as caught:
        from_run(finished_run, audit_config(model_dir=str(finished_run)))
    assert str(caught.value) == f"--model_dir must be a run with a whole {name}. Received: {finished_run}"


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("labels.csv", "3,0,-inf,2.0,0,0.9,0\n", "", "labels.csv and given_labels.csv have the same given labels"),
        ("labels.csv", "3,0,-inf", "3,1,-inf", "labels.csv and given_labels.csv have the same given labels"),
        ("labels.csv", "0.0,0,0.9,1", "0.0,9,0.9,1", r"labels.csv has labels in \[0, 2\). Received: label 9 in "),
        ("labels.csv", "0.0,0,0.9,1", "0.0,-1,0.9,1", r"labels.csv has labels in \[0, 2\). Received: label -1 in "),
        ("given_labels.csv", "0,1,1,5", "0,1,1,-5", "other images or labels now"),
        ("given_labels.csv", "0,1,1,5", "0,1,1,25", "other images or labels now"),
    ],
)
def test_files_that_do_not_fit_each_other_or_the_data_are_refused(finished_run, name, old, new, message):
    text = (finished_run / name).read_text()
    assert text.count(old) == 1
    (finished_run / name).write_text(text.replace(old, new))
    with pytest.raises(UserError, match=message) as caught:
        from_run(finished_run, audit_config(model_dir=str(finished_run)))
    assert "--model_dir" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_data_are_refused(finished_run, npz):
    images = np.zeros((20, 8, 8, 1), np.uint8)
    np.savez(npz.removeprefix("npz:"), x_train=images, y_train=np.arange(20)[::-1] % 2, x_test=images, y_test=[0] * 20)
    with pytest.raises(UserError, match="other images or labels now"):
        from_run(finished_run, audit_config(model_dir=str(finished_run)))


def test_a_model_is_its_own_witness(npz, tmp_path):
    """A network that says class 0 with probability 0.9 to every image."""
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    kernel = model.layers[-1].get_weights()[0]
    model.layers[-1].set_weights([kernel * 0, np.log([0.9, 0.1])])
    path = pathlib.Path(tmp_path / "model.keras")
    model.save(path)
    audited = from_model(audit_config(dataset=npz, model=str(path)))
    np.testing.assert_array_equal(audited.findings.source_ids, [*range(1, 20, 2), *range(0, 20, 2)])
    np.testing.assert_array_equal(audited.findings.suspects, [True] * 10 + [False] * 10)
    np.testing.assert_allclose(audited.findings.confidences, 0.9, rtol=1e-5)
    np.testing.assert_allclose(audited.findings.scores, np.log([0.1] * 10 + [0.9] * 10), rtol=1e-5)
    assert audited.notices == (MEMORY_NOTICE,)
    assert audited.findings.true_labels is audited.findings.weights is None
