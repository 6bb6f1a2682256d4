"""Short runs: the files that they leave, and that others can read them."""

import csv
import hashlib
import json
import pathlib

import keras
import numpy as np
import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.data.sources.datasets import load_dataset
from ieg_fsr.device_memory import memory_in_use
from ieg_fsr.errors import UserError
from ieg_fsr.evaluation.mode import evaluate
from ieg_fsr.training.inputs import load_training_data
from ieg_fsr.training.run import train

pytestmark = pytest.mark.usefixtures("two_blocks")

TINY = {"epochs": 1, "method": "supervised", "batch_size": 700}
SHORT = {"noise": 0.4, "epochs": 2, "train_examples": 400}
FSR = {"dictionary_size": 50, "reweight_warmup_epochs": 1}


@pytest.fixture(scope="module")
def short_run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("short")
    return directory, train(resolve(SHORT | FSR | {"model_dir": str(directory)}), lambda text: None)


def test_summary_has_what_the_documentation_promises(short_run):
    directory, summary = short_run
    promised = """dataset method network noise noise_type measured_noise_rate imbalance seed epochs steps test_accuracy
        test_accuracy_ema test_top5 test_mean_class_accuracy dictionary_purity zero_weight_ratio weight_clean
        weight_noisy seconds_per_step seconds_total peak_memory_bytes"""
    assert set(promised.split()) <= summary.keys()
    assert json.loads((directory / "summary.json").read_text()) == summary
    assert (summary["steps"], summary["epochs"], summary["zero_weight_batches"]) == (8, 2, 0)
    if memory_in_use() is None:  # an allocator that does not count
        assert summary["peak_memory_bytes"] is None
    else:
        assert summary["peak_memory_bytes"] > 10_000


def test_labels_file_has_every_example_and_its_given_label(short_run):
    directory, summary = short_run
    with open(directory / "labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    measured = ["example_id", "given_label", "score", "weight", "pseudo_label", "confidence", "suspect"]
    assert list(rows[0]) == [*measured, "given_class", "suggested_class", "file"]
    # The classes of digits are called by their numbers, and its images are no files.
    assert all(row["given_class"] == row["given_label"] and row["file"] == "" for row in rows)
    assert [int(row["example_id"]) for row in rows] == list(range(400))
    for row in rows:
        contradicted, unlikely = row["given_label"] != row["pseudo_label"], float(row["score"]) < np.log(0.1)
        # What training found unlikely is suspect, and what the classifier is sure enough to contradict.
        assert contradicted if row["suspect"] == "1" else not (contradicted and unlikely)
    with open(directory / "given_labels.csv", newline="") as file:
        wrong = np.array([row["label"] != row["true_label"] for row in csv.DictReader(file)])
    suspect = np.array([row["suspect"] == "1" for row in rows])
    assert summary["detection_recall"] == pytest.approx((wrong & suspect).sum() / wrong.sum())
    assert 0 < summary["measured_noise_rate"] < 0.5


def test_given_labels_are_saved_with_their_hash(short_run):
    directory, summary = short_run
    columns = np.loadtxt(directory / "given_labels.csv", delimiter=",", skiprows=1, dtype=int, unpack=True)
    example_ids, labels, true_labels, source_ids = columns
    np.testing.assert_array_equal(example_ids, np.arange(400))
    np.testing.assert_array_equal(true_labels, load_dataset("digits").train.labels[source_ids])
    expected = hashlib.sha256(labels.astype("<i4").tobytes()).hexdigest()
    config = json.loads((directory / "config.json").read_text())
    assert summary["given_labels_sha256"] == config["given_labels_sha256"] == expected
    assert summary["measured_noise_rate"] == config["measured_noise_rate"] == (labels != true_labels).mean()


def test_purity_of_a_noisy_long_tail_is_measured_against_the_true_labels(tmp_path):
    """The dictionary is worked out here from labels.csv, and its purity from the data set's own labels."""
    settings = SHORT | FSR | {"imbalance": 4.0, "strength": "1", "train_examples": 800, "model_dir": str(tmp_path)}
    summary = train(resolve(settings), lambda text: None)
    with open(tmp_path / "labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    with open(tmp_path / "given_labels.csv", newline="") as file:
        sources = [int(row["source_id"]) for row in csv.DictReader(file)]
    truth = load_dataset("digits").train.labels
    right = []
    for label in range(10):
        of_class = [row for row in rows if int(row["given_label"]) == label]
        best = sorted(of_class, key=lambda row: -float(row["score"]))[:5]
        right += [truth[sources[int(row["example_id"])]] == label for row in best]
    assert summary["dictionary_purity"] == pytest.approx(np.mean(right), abs=1e-12)
    assert 0.2 < summary["dictionary_purity"] < 1
    assert (summary["imbalance"], summary["training_examples"]) == (4.0, len(rows))
    counts = np.bincount(truth[sources])
    assert summary["measured_imbalance"] == counts.max() / counts.min()


def test_a_runs_labels_can_be_given_to_another(tmp_path):
    first = train(resolve(TINY | {"noise": 0.4, "model_dir": str(tmp_path / "first")}), lambda text: None)
    labels_file = str(tmp_path / "first" / "given_labels.csv")
    told = []
    config = resolve(TINY | {"labels_file": labels_file, "seed": 1, "model_dir": str(tmp_path / "second")})
    assert train(config, told.append)["given_labels_sha256"] == first["given_labels_sha256"]

    # The file changes, and the run that used it goes on: it must not.
    (tmp_path / "second" / "summary.json").unlink()
    header, first_row, *rows = pathlib.Path(labels_file).read_text().splitlines()
    example_id, label, *others = first_row.split(",")
    changed = ",".join([example_id, str((int(label) + 1) % 10), *others])
    pathlib.Path(labels_file).write_text("\n".join([header, changed, *rows]))
    with pytest.raises(UserError, match=r"--model_dir must .* same given labels .*--noresume"):
        train(config, told.append)


def test_evaluation_gives_the_summarys_accuracy_to_the_last_digit(short_run):
    directory, summary = short_run
    for model in ("model.keras", "saved_model"):
        settings = {"mode": "evaluate", "model": str(directory / model)}
        assert evaluate(resolve(settings), lambda text: None)["test_accuracy"] == summary["test_accuracy"]
    average = evaluate(resolve({"mode": "evaluate", "model": str(directory / "model_ema.keras")}), lambda text: None)
    assert average["test_accuracy"] == summary["test_accuracy_ema"]


def test_models_load_where_this_package_is_not_imported(short_run, tmp_path, start):
    directory, summary = short_run
    test = load_dataset("digits").test
    images, labels = tmp_path / "images.npy", tmp_path / "labels.npy"
    np.save(images, test.images(np.arange(len(test))).astype(np.float32))
    np.save(labels, test.labels)
    script = f"""
import sys, numpy, keras, tensorflow
images, labels = numpy.load({str(images)!r}), numpy.load({str(labels)!r})
keras_logits = keras.models.load_model({str(directory / "model.keras")!r})(images)
served = tensorflow.saved_model.load({str(directory / "saved_model")!r})
served_logits = served.serve(images)
for logits in (keras_logits, served_logits):
    print((logits.numpy().argmax(1) == labels).mean())
assert not any(name.startswith("ieg_fsr") for name in sys.modules)
"""
    done = start("-c", script, cwd=tmp_path).ended()
    assert done.code == 0, done.err
    assert [float(line) for line in done.out.split()] == [summary["test_accuracy"]] * 2


def test_supervised_run_reports_labels_from_its_own_predictions(tmp_path):
    config = resolve(SHORT | {"method": "supervised", "model_dir": str(tmp_path)})
    summary = train(config, lambda text: None)
    assert summary["dictionary_purity"] is None
    assert summary["zero_weight_batches"] is None
    with open(tmp_path / "labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    model = keras.models.load_model(tmp_path / "model.keras")
    row, image = rows[7], _training_image(7)
    logits = model(image[np.newaxis].astype(np.float32)).numpy()[0].astype(np.float64)
    log_probabilities = logits - np.log(np.exp(logits).sum())
    assert int(row["pseudo_label"]) == logits.argmax()
    assert float(row["score"]) == pytest.approx(log_probabilities[int(row["given_label"])], abs=1e-4)


def test_a_summary_says_which_of_two_networks_was_saved(short_run, tmp_path):
    config = resolve(SHORT | {"method": "coteaching", "model_dir": str(tmp_path)})
    summary = train(config, lambda text: None)
    assert (summary["saved_network"], short_run[1]["saved_network"]) == ("the first of two", "the only one")
    assert json.loads((tmp_path / "config.json").read_text())["coteaching_forget_rate_resolved"] == 0.4
    assert keras.models.load_model(tmp_path / "model.keras").output_shape == (None, 10)


def test_a_run_with_clean_images_says_so_and_measures_its_layers(tmp_path):
    options = {"method": "mwn", "layer_gradients_interval": 2, "clean_per_class": 5, "model_dir": str(tmp_path)}
    told = []
    summary = train(resolve(SHORT | FSR | options), told.append)
    choices = [summary[name] for name in ("variant", "reward_source", "meta_layers", "weight_rule")]
    assert choices == ["MWN, reweight_warmup_epochs 1", "holdout", "all", "weight_net"]
    assert (summary["clean_images"], summary["training_examples"], summary["dictionary_purity"]) == (50, 350, None)
    assert "clean images    50, held out" in told[-1]
    config = json.loads((tmp_path / "config.json").read_text())
    assert (config["clean_images"], config["lookahead_momentum_resolved"]) == (50, 0.0)
    assert abs(summary["weight_clean"] - summary["weight_noisy"]) > 1e-4
    with open(tmp_path / "labels.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 350
    [line] = (tmp_path / "layer_gradients.jsonl").read_text().splitlines()
    assert json.loads(line)["epoch"] == 2
    assert len(json.loads(line)["layers"]) == 5  # two convolutions, two batch norms, logits


def _training_image(example_id):
    data = load_training_data(resolve(SHORT)).data
    return data.train.images([example_id])[0]
