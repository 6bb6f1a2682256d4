"""What an audit looks at: a finished run, or any saved classifier."""

import csv
import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ieg_fsr.audit.findings import Findings
from ieg_fsr.data.datasets import load_dataset
from ieg_fsr.data.sources import ImageSource
from ieg_fsr.errors import UserError
from ieg_fsr.files import read_json_lines
from ieg_fsr.settings import Config
from ieg_fsr.training.inputs import load_training_data

LABEL_COLUMNS = ("example_id", "given_label", "score", "weight", "pseudo_label", "confidence", "suspect")


@dataclasses.dataclass(frozen=True)
class Audited:
    """What is audited.

    Attributes:
        dataset: value of --dataset.
        what: the method or the model, for the reader.
        findings: worst first.
        images: of the training part; example ids count its images.
        epochs: rows of metrics.jsonl, none for a model.
        test_accuracy: of the run; None for a model.
        notes: lines about the data.
        from_model: whether a saved classifier is the only witness.
    """

    dataset: str
    what: str
    findings: Findings
    images: ImageSource
    epochs: list[dict[str, Any]]
    test_accuracy: float | None
    notes: tuple[str, ...]
    from_model: bool


def from_run(directory: pathlib.Path, config: Config) -> Audited:
    """Reads a finished run and its data set.

    Args:
        directory: of the run.
        config: its `data_dir` is that of the data set where it was given.

    Raises:
        UserError: it is no finished run, or its data set is not what it was.
    """
    settings = _read_run_file(directory, "config.json", json.loads)
    labels = _read_columns(directory, "labels.csv", LABEL_COLUMNS)
    given = _read_columns(directory, "given_labels.csv", ("example_id", "label", "true_label", "source_id"))
    summary = _read_run_file(directory, "summary.json", json.loads)
    epochs = read_json_lines(directory / "metrics.jsonl")
    data_dir = config.data_dir if "data_dir" in config.given else settings["data_dir"]
    data = load_dataset(settings["dataset"], data_dir, settings["image_size"], settings["strict_data"])
    source_ids: np.ndarray = given["source_id"].astype(int)
    true_labels: np.ndarray = given["true_label"].astype(int)
    if source_ids.max() >= len(data.train) or np.any(data.train.labels[source_ids] != true_labels):
        raise UserError(
            f"--model_dir must be a run whose data set is as it was: --dataset={settings['dataset']} has other "
            f"images or labels now. Received: {directory}"
        )
    images = data.train.take(source_ids)
    given_labels: np.ndarray = labels["given_label"].astype(int)
    findings = Findings(
        example_ids=labels["example_id"].astype(int),
        source_ids=source_ids,
        names=file_names(images),
        given_labels=given_labels,
        suggested_labels=labels["pseudo_label"].astype(int),
        confidences=labels["confidence"],
        weights=labels["weight"] if _reweighted(summary) else None,
        scores=labels["score"],
        suspects=labels["suspect"] > 0,
        true_labels=true_labels if np.any(true_labels != given_labels) else None,
        class_names=data.class_names,
    )
    return Audited(
        settings["dataset"],
        settings["variant"],
        findings.worst_first(),
        images,
        epochs,
        summary["test_accuracy"],
        data.notes,
        from_model=False,
    )


def from_model(config: Config) -> Audited:
    """Predicts the training part of a data set with a saved classifier: its own predictions are the suggestions.

    Raises:
        UserError: the model cannot be loaded or does not fit the data.
    """
    from ieg_fsr.evaluation.evaluate import check_fits, load_classifier, predict_logits
    from ieg_fsr.methods.label_report import label_report, probabilities_of

    assert config.model is not None, "the caller saw to it"
    # Nothing is trained: the size of a batch does not matter.
    training = load_training_data(dataclasses.replace(config, batch_size=1))
    data = training.data
    model = load_classifier(config.model)
    check_fits(model, data.train.image_shape, data.num_classes, config.dataset, config.model)
    probabilities = probabilities_of(predict_logits(model, data.train))
    given_labels = np.asarray(training.given_labels)
    report = label_report(given_labels, None, np.ones(len(given_labels)), probabilities)
    findings = Findings(
        example_ids=report.example_id,
        source_ids=training.source_ids,
        names=file_names(data.train),
        given_labels=report.given_label,
        suggested_labels=report.pseudo_label,
        confidences=report.confidence,
        weights=None,
        scores=report.score,
        suspects=report.suspect > 0,
        true_labels=data.train.labels if np.any(data.train.labels != given_labels) else None,
        class_names=data.class_names,
    )
    return Audited(
        config.dataset, config.model, findings.worst_first(), data.train, [], None, data.notes, from_model=True
    )


def file_names(images: Any) -> np.ndarray:
    """Paths [N] of images in files; "" for others."""
    if getattr(images, "in_files", False):
        return np.array(images.names, object)
    return np.full(len(images), "", object)


def _reweighted(summary: Mapping[str, Any]) -> bool:
    """Whether the method learned weights."""
    return summary["zero_weight_ratio"] is not None


def _read_run_file(directory: pathlib.Path, name: str, parse: Any) -> Any:
    try:
        return parse((directory / name).read_text(encoding="utf-8"))
    except OSError:
        raise UserError(f"--model_dir must be a finished run, with {name}. Received: {directory}") from None
    except (ValueError, KeyError):
        raise UserError(f"--model_dir must be a run with a whole {name}. Received: {directory}") from None


def _read_columns(directory: pathlib.Path, name: str, columns: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Columns of numbers of a CSV file."""

    def parse(text: str) -> dict[str, np.ndarray]:
        rows = list(csv.DictReader(text.splitlines()))
        if not rows:
            raise ValueError("no row")
        return {column: np.array([float(row[column] or "nan") for row in rows]) for column in columns}

    return _read_run_file(directory, name, parse)
