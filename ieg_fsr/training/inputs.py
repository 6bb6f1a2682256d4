"""Data and given labels of a run. No TensorFlow: what does not fit is said at once."""

import dataclasses

import numpy as np

from ieg_fsr.config import Config
from ieg_fsr.data.corruption import corrupt_labels, noise_transition_matrix
from ieg_fsr.data.datasets import load_dataset
from ieg_fsr.data.sources import DataSet
from ieg_fsr.errors import UserError


def load_training_data(config: Config) -> tuple[DataSet, np.ndarray]:
    """The data set, its training part cut to `train_examples`, and the given labels [N] with their noise.

    Raises:
        UserError: the data set cannot be read, or is too small for the settings.
    """
    data = load_dataset(config.dataset, config.data_dir)
    if config.train_examples is not None:
        _check_at_most("train_examples", config.train_examples, len(data.train))
        chosen = np.random.default_rng([config.seed, 1]).permutation(len(data.train))[: config.train_examples]
        data = dataclasses.replace(data, train=data.train.take(np.sort(chosen)))
    _check_at_most("batch_size", config.batch_size, len(data.train))
    if config.method == "fsr":
        _check_at_most("dictionary_size", config.dictionary_size, len(data.train))
    matrix = noise_transition_matrix(config.noise_type, data.num_classes, config.noise)
    return data, corrupt_labels(data.train.labels, matrix, config.seed)


def _check_at_most(name: str, value: int, examples: int) -> None:
    if value > examples:
        raise UserError(f"--{name} must be at most {examples}, the number of training examples. Received: {value}")
