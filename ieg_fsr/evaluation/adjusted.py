"""`--logit_adjustment_after` for a saved classifier: the shares of the classes in its training leave its logits."""

from __future__ import annotations

import csv
import pathlib
from typing import Any

import keras
import numpy as np

from ieg_fsr.errors import refusal
from ieg_fsr.networks.logit_shift import balancing_shift, shifted
from ieg_fsr.unlabelled import class_counts, class_shares

_BESIDE = "given_labels.csv"  # what a run leaves beside its model


def adjusted(
    model: Any, path: str, tau: float, training_labels: np.ndarray, num_classes: int
) -> tuple[keras.Model, str]:
    """The classifier with its logits moved, and a line that says by which labels.

    They are those that the run which saved the model had, if its given_labels.csv lies beside it; else those of the
    training part of the data, as they are.

    Args: model: of `load_classifier`. path: where it came from. tau: at least 0. training_labels: [N].

    Raises:
        UserError: it is no Keras model that ends in Dense logits, or the file beside it cannot be read.
    """
    if not isinstance(model, keras.Model):
        rule = "be 0 with a SavedModel, whose final layer cannot be told from the others: take the .keras file"
        raise refusal("--logit_adjustment_after", rule, f"{tau:g}")
    beside = pathlib.Path(path).parent / _BESIDE
    labels = _read_labels(beside, num_classes) if beside.is_file() else training_labels
    shares = class_shares(class_counts(labels, num_classes))
    source = beside if beside.is_file() else "the training part of --dataset"
    line = f"logits adjusted by {tau:g} times the log shares of the classes in {source}"
    return shifted(model, balancing_shift(shares, tau)), line


def _read_labels(path: pathlib.Path, num_classes: int) -> np.ndarray:
    """The column of labels, [N], -1 for none."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            labels = np.array([int(row["label"]) for row in csv.DictReader(file)], np.int32)
        fits = labels.size and labels.min() >= -1 and labels.max() < num_classes
    except (OSError, ValueError, KeyError, TypeError, OverflowError, csv.Error):
        fits = False
    if not fits:
        raise refusal("--model", f"have a {_BESIDE} beside it with labels in 0..{num_classes - 1}, or none", path)
    return labels
