"""Data and given labels of a run. No TensorFlow: what does not fit is said at once."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ieg_fsr.data.labels.clean_images import clean_ids
from ieg_fsr.data.labels.corruption import corrupt_labels
from ieg_fsr.data.labels.decisions import (
    KEEP,
    LABEL,
    REMOVE,
    Decisions,
    check_classes_left,
    data_sha256,
    read_decisions,
)
from ieg_fsr.data.labels.given_labels import read_given_labels
from ieg_fsr.data.labels.instance_noise import instance_labels
from ieg_fsr.data.labels.long_tail import long_tail_ids
from ieg_fsr.data.labels.noise_matrix import transition_matrix
from ieg_fsr.data.labels.truth import Truth
from ieg_fsr.data.sources.datasets import load_dataset
from ieg_fsr.data.sources.image_source import DataSet, ImageSource
from ieg_fsr.errors import UserError
from ieg_fsr.methods.registry import METHODS
from ieg_fsr.setting import Config, text_of
from ieg_fsr.unlabelled import labelled, unlabelled_notes


class Decided(NamedTuple):
    """What a person decided about the examples of a run."""

    data_sha256: str  # of the whole training set: what decisions are bound to
    words: np.ndarray | None = None  # [N], the decision about each example, "" for none; None without --decisions
    trusted_ids: np.ndarray = np.arange(0)  # rising, dense ids of the examples whose labels a person decided
    figures: Mapping[str, Any] = {}  # what config.json and summary.json say of it


class TrainingData(NamedTuple):
    """What a run trains on."""

    data: DataSet  # its training part is cut to what the run uses and has the labels that the data came with
    given_labels: np.ndarray  # [N], int32, what training sees; -1 for none
    source_ids: np.ndarray  # [N], ids of the examples in the whole training set, rising
    decided: Decided

    def right(self, truth: Truth | None) -> np.ndarray | None:
        """Which given labels are right, [N], bool, as far as `truth` of the run goes; None where nobody knows."""
        return None if truth is None else self.given_labels == self.data.train.labels


def load_training_data(config: Config) -> TrainingData:
    """The data set, cut to `train_examples`, without the hold-out, cut to a long tail; then the given labels.

    A file or noise gives them. Without a long tail an example has the same given label with and without a hold-out.
    Decisions come last: every other example has the given label that it has without them.
    UserError: the data set or a file cannot be read, or is too small for the settings.
    """
    data = load_dataset(config.dataset, config.data_dir, config.image_size, config.strict_data)
    from_file, decisions, sha256 = None, None, data_sha256(data.train)
    if config.labels_file is not None:
        from_file, notes = read_given_labels(config.labels_file, config.labels_key, data)
        data = dataclasses.replace(data, notes=(*data.notes, *notes))
    if config.decisions is not None:
        decisions, notes = read_decisions(config.decisions, data)
        data = dataclasses.replace(data, notes=(*data.notes, *notes))
    ids, held_out = _training_ids(config, data)
    taken, whole = np.union1d(ids, held_out), data.train
    if decisions is not None:
        ids, held_out = (np.setdiff1d(part, decisions.of(REMOVE)) for part in (ids, held_out))
    if len(held_out):
        data = dataclasses.replace(data, holdout=data.train.take(held_out))
    if len(ids) < len(data.train):
        data = dataclasses.replace(data, train=data.train.take(ids))
    labels = whole.labels if from_file is None else from_file  # as far as whether there is one
    labels = labels[ids] if decisions is None else decisions.corrected(labels[ids], ids)
    data = dataclasses.replace(data, notes=(*data.notes, *_check_sizes(config, labels)))
    METHODS[config.method].check(config, data)
    given = _noisy_labels(config, whole, taken, data.num_classes) if from_file is None else from_file[taken]
    if decisions is None:
        return TrainingData(data, given[np.isin(taken, ids)], ids, Decided(sha256))
    return _decided(config, data, given, taken, ids, decisions, sha256)


def _decided(
    config: Config,
    data: DataSet,
    given: np.ndarray,
    taken: np.ndarray,
    ids: np.ndarray,
    decisions: Decisions,
    sha256: str,
) -> TrainingData:
    """With decisions. Args: given: [n], labels without them of the examples `taken`. ids: of those that are left."""
    labels = decisions.corrected(given, taken)
    left = np.isin(taken, ids)
    check_classes_left(given, labels[left], data.class_names, config.decisions)
    about = decisions.about(ids)
    words: np.ndarray = np.full(len(ids), "", object)
    words[np.searchsorted(ids, about.ids)] = about.decisions
    trusted = np.isin(words, [KEEP, LABEL]) & labelled(labels[left])
    figures = {
        "decisions_sha256": decisions.sha256,
        "decided_labels": int(trusted.sum()),
        "corrected_labels": int(np.sum(labels[left] != given[left])),
        "removed_examples": int(np.sum(np.isin(taken, decisions.of(REMOVE)))),
    }
    notes = [*data.notes, f"decisions: {decisions_in_words(figures)}"]
    if elsewhere := len(decisions.ids) - len(decisions.about(taken).ids):
        notes.append(f"--decisions: {elsewhere} are about examples that this run does not train on")
    data = dataclasses.replace(data, notes=tuple(notes))
    return TrainingData(data, labels[left], ids, Decided(sha256, words, np.flatnonzero(trusted), figures))


def decisions_in_words(figures: Mapping[str, Any]) -> str:
    """What was decided. Args: figures: of config.json or summary.json."""
    corrected, removed = figures["corrected_labels"], figures["removed_examples"]
    return f"{figures['decided_labels']} labels by a person, {corrected} of them corrected; {removed} examples removed"


def _check_sizes(config: Config, labels: np.ndarray) -> list[str]:
    """Checks the settings that go by the number of examples; lines that a user should read. Args: labels: [N]."""
    known, notes = int(np.sum(labelled(labels))), unlabelled_notes(labels)
    if config.batch_size > known and "batch_size" not in config.given:
        sizes = f"the default of {config.batch_size} is more than the {known} training examples"
        notes.append(f"--batch_size: {sizes}, which make one batch")
    else:
        _check_at_most("batch_size", config.batch_size, known)
    if config.deferred_reweighting is not None and config.deferred_reweighting >= config.epochs:
        notes.append(f"--deferred_reweighting: all {config.epochs} epochs come before it, classes are never weighed")
    steps = config.epochs * (known // max(min(config.batch_size, known), 1))
    if config.profile_steps and config.profile_steps[1] > steps:
        text = text_of(config.profile_steps)
        raise UserError(f"--profile_steps must end by the last step of the run, {steps}. Received: {text}")
    return notes


def _noisy_labels(config: Config, source: ImageSource, ids: np.ndarray, num_classes: int) -> np.ndarray:
    """Given labels [n], int32, of the examples `ids` [n]."""
    true_labels = source.labels[ids]
    if config.noise_type == "instance" and config.noise > 0:
        return instance_labels(source.images, ids, true_labels, num_classes, config.noise, config.seed)
    return corrupt_labels(true_labels, transition_matrix(config, num_classes), config.seed)


def _training_ids(config: Config, data: DataSet) -> tuple[np.ndarray, np.ndarray]:
    """Ids of the examples that the run trains on and of the hold-out, both rising."""
    ids, held_out = np.arange(len(data.train)), np.arange(0)
    if config.train_examples is not None:
        _check_at_most("train_examples", config.train_examples, len(ids))
        ids = np.sort(np.random.default_rng([config.seed, 1]).permutation(len(ids))[: config.train_examples])
    # Those without a label are in no class, and stay.
    unknown = ids[~labelled(data.train.labels[ids])]
    ids = np.setdiff1d(ids, unknown)
    if clean_per_class := METHODS[config.method].clean_per_class(config):
        held_out = ids[clean_ids(data.train.labels[ids], clean_per_class, data.num_classes, config.seed)]
        ids = np.setdiff1d(ids, held_out)
    if config.imbalance > 1:
        ids = ids[long_tail_ids(data.train.labels[ids], config.imbalance, data.num_classes, config.seed)]
    return np.union1d(ids, unknown), held_out


def _check_at_most(name: str, value: int, examples: int) -> None:
    if value > examples:
        raise UserError(f"--{name} must be at most {examples}, the number of training examples. Received: {value}")
