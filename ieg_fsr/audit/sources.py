"""What an audit looks at: a finished run, or any saved classifier."""

import csv
import dataclasses
import io
import math
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ieg_fsr.audit.findings import Findings
from ieg_fsr.configuration.settings import SETTINGS, Config
from ieg_fsr.data.labels.decisions import Decisions, data_sha256, read_decisions
from ieg_fsr.data.labels.truth import Truth, truth_of
from ieg_fsr.data.sources.datasets import load_dataset
from ieg_fsr.data.sources.image_source import DataSet, ImageSource, file_names
from ieg_fsr.errors import UserError
from ieg_fsr.evaluation.evaluate import check_fits, load_classifier, predict_logits
from ieg_fsr.files import parse_json
from ieg_fsr.methods.models.label_report import LabelReport, label_report, probabilities_of
from ieg_fsr.training.inputs import load_training_data
from ieg_fsr.unlabelled import labelled, unlabelled_notes

# Columns of the files of labels, and what they hold.
_LABELS: dict[str, type] = {
    **dict.fromkeys(("example_id", "given_label", "pseudo_label", "suspect"), int),
    **dict.fromkeys(("score", "weight", "confidence"), float),
}
_GIVEN_LABELS: dict[str, type] = dict.fromkeys(("example_id", "label", "data_label", "source_id"), int)
MEMORY_NOTICE = (
    "The suggestions are this classifier's own predictions, on images that it may have been trained on. Labels that it "
    "has memorised are not among its suspects, so wrong ones may be missing here. Training with FSR resists that."
)
# Settings that make the data set and its given labels.
_OF_DATA = ("dataset", "data_dir", "image_size", "strict_data", "noise", "noise_matrix", "labels_file")


@dataclasses.dataclass(frozen=True)
class Audited:
    """What is audited."""

    dataset: str  # value of --dataset
    what: str  # the method or the model, for the reader
    findings: Findings  # worst first
    images: ImageSource  # of the training part; example ids count its images
    truth: Truth | None  # what is known of true labels
    epochs: list[dict[str, Any]]  # rows of metrics.jsonl, none for a model
    test_accuracy: float | None  # of the run; None for a model
    estimate: float | None  # of the share of wrong labels, by the run; None where it has none
    notices: tuple[str, ...]  # lines that a reader must not miss
    data_sha256: str  # what decisions about it are bound to
    decisions: Decisions | None = None  # that were made since the run, for exports


def from_run(directory: pathlib.Path, config: Config) -> Audited:
    """Reads a finished run and its data set. Args: config: its `data_dir` is that of the data set where it was given.

    Raises:
        UserError: it is no finished run, or its data set is not what it was.
    """
    settings = _read_run_file(directory, "config.json", _parse_settings)
    labels = _read_columns(directory, "labels.csv", _LABELS)
    given = _read_columns(directory, "given_labels.csv", _GIVEN_LABELS)
    test_accuracy, reweighted, estimate = _read_run_file(directory, "summary.json", _parse_summary)
    epochs = _read_run_file(directory, "metrics.jsonl", _parse_epochs)
    data_dir = config.data_dir if "data_dir" in config.given else settings["data_dir"]
    data = load_dataset(settings["dataset"], data_dir, settings["image_size"], settings["strict_data"])
    _check_labels(directory, labels, given, data)
    images = data.train.take(given["source_id"])
    names = ("example_id", "given_label", "score", "weight", "pseudo_label", "confidence", "suspect")
    report = LabelReport._make([*(labels[name] for name in names), estimate])
    truth = truth_of(settings)
    true_labels = given["data_label"] if truth else None
    findings = _findings(report, reweighted, given["source_id"], images, true_labels, data.class_names)
    notices = (*data.notes, *unlabelled_notes(given["label"]))
    decisions = None
    if config.decisions is not None:
        decisions, more = read_decisions(config.decisions, data)
        notices = (*notices, *more)
    return Audited(
        *(settings["dataset"], settings["variant"], findings, images, truth, epochs, test_accuracy, estimate, notices),
        data_sha256=data_sha256(data.train),
        decisions=decisions,
    )


def from_model(config: Config) -> Audited:
    """Predicts the training part of a data set with a saved classifier: its own predictions are the suggestions.

    Raises:
        UserError: the model cannot be loaded or does not fit the data.
    """
    assert config.model is not None, "the caller saw to it"
    # Nothing is trained: the size of a batch does not matter.
    training = load_training_data(config.replace(batch_size=1))
    data = training.data
    model = load_classifier(config.model)
    check_fits(model, data.train.image_shape, data.num_classes, config.dataset, config.model)
    probabilities = probabilities_of(predict_logits(model, data.train))
    given_labels = np.asarray(training.given_labels)
    report = label_report(given_labels, None, np.ones(len(given_labels)), probabilities)
    report = report.trusting(training.decided.trusted_ids)
    truth = truth_of(config)
    true_labels = data.train.labels if truth else None
    findings = _findings(report, False, training.source_ids, data.train, true_labels, data.class_names)
    notices = (MEMORY_NOTICE, *data.notes)
    sha256 = training.decided.data_sha256
    return Audited(config.dataset, config.model, findings, data.train, truth, [], None, None, notices, sha256)


def _findings(
    report: LabelReport,
    reweighted: bool,
    source_ids: np.ndarray,
    images: ImageSource,
    true_labels: np.ndarray | None,
    class_names: tuple[str, ...],
) -> Findings:
    """Worst first. Args: true_labels: where they are known; there is nothing to measure if all are the given ones."""
    known = labelled(report.given_label)
    nothing_wrong = true_labels is None or np.array_equal(true_labels[known], report.given_label[known])
    found = Findings(
        example_ids=report.example_id,
        source_ids=source_ids,
        names=file_names(images),
        given_labels=report.given_label,
        suggested_labels=report.suggested_label,
        confidences=report.confidence,
        weights=report.weight if reweighted else None,
        scores=report.score,
        suspects=report.suspect > 0,
        true_labels=None if nothing_wrong else true_labels,
        class_names=class_names,
    )
    return found.worst_first()


def _check_labels(
    directory: pathlib.Path, labels: Mapping[str, np.ndarray], given: Mapping[str, np.ndarray], data: DataSet
) -> None:
    """The files of labels must be of one run, and of this data set."""

    def misfit(what: str, received: object = directory) -> UserError:
        return UserError(f"--model_dir must be a run whose {what}. Received: {received}")

    if not np.array_equal(labels["given_label"], given["label"]):
        raise misfit("labels.csv and given_labels.csv have the same given labels")
    source_ids = given["source_id"]
    outside = source_ids.min() < 0 or source_ids.max() >= len(data.train)
    if outside or np.any(data.train.labels[source_ids] != given["data_label"]):
        raise misfit(f"data set is as it was: --dataset={data.name} has other images or labels now")
    found = np.concatenate([labels["given_label"][labelled(labels["given_label"])], labels["pseudo_label"]])
    if (strange := found[(found < 0) | (found >= data.num_classes)]).size:
        raise misfit(f"labels.csv has labels in [0, {data.num_classes})", f"label {strange[0]} in {directory}")


def _parse_settings(text: str) -> dict[str, Any]:
    """The settings of the data set, and the variant."""
    settings = parse_json(text)
    for name in _OF_DATA:
        value = settings[name]
        if value != SETTINGS[name].default and not isinstance(value, SETTINGS[name].type):
            raise ValueError(f"no {name}")
        SETTINGS[name].check(value)
    if not isinstance(settings["variant"], str):
        raise ValueError("no variant")
    return settings


def _parse_summary(text: str) -> tuple[float, bool, float | None]:
    """Test accuracy, whether the method learned weights, and the estimated share of wrong labels if there is one."""
    summary = parse_json(text)
    accuracy, reweighted = summary["test_accuracy"], summary["zero_weight_ratio"] is not None
    estimate = summary.get("estimated_noise_rate")
    if not math.isfinite(accuracy) or not (estimate is None or math.isfinite(estimate)):
        raise ValueError("no figures")
    return accuracy, reweighted, estimate


def _parse_epochs(text: str) -> list[dict[str, Any]]:
    """Rows of figures, at least one; None for what was not measured. The stage is a name."""
    rows = [parse_json(line) for line in text.splitlines()]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise ValueError("no rows")
    figures = [figure for row in rows for name, figure in row.items() if figure is not None and name != "stage"]
    if not all(map(math.isfinite, figures)):
        raise ValueError("no figures")
    return rows


def _read_columns(directory: pathlib.Path, name: str, kinds: Mapping[str, type]) -> dict[str, np.ndarray]:
    """Columns of numbers of a CSV file, each int or float, with a row for each example in the order of the ids."""

    def parse(text: str) -> dict[str, np.ndarray]:
        # The labels that the data came with: earlier versions called them true ones of any data.
        text = text.replace(",true_label,", ",data_label,", 1)
        rows = list(csv.DictReader(io.StringIO(text, newline="")))  # Names of files may hold ends of lines.
        columns = {column: np.array([kind(row[column]) for row in rows], kind) for column, kind in kinds.items()}
        if not rows or np.any(columns["example_id"] != np.arange(len(rows))):
            raise ValueError("not a row for each example")
        if any(np.isnan(column).any() for column in columns.values()):
            raise ValueError("not a number")
        return columns

    return _read_run_file(directory, name, parse)


def _read_run_file(directory: pathlib.Path, name: str, parse: Callable[[str], Any]) -> Any:
    """What `parse` makes of a file; whatever it stumbles over is damage."""
    try:
        return parse((directory / name).read_text(encoding="utf-8"))
    except OSError:
        raise UserError(f"--model_dir must be a finished run, with {name}. Received: {directory}") from None
    except (ValueError, LookupError, TypeError, OverflowError, csv.Error):
        raise UserError(f"--model_dir must be a run with a whole {name}. Received: {directory}") from None
