"""From a config to data, given labels and a compiled method."""

import dataclasses
import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.config import Config
from ieg_fsr.data.augmentation import pad_crop_flip
from ieg_fsr.data.corruption import corrupt_labels, noise_transition_matrix
from ieg_fsr.data.datasets import load_dataset
from ieg_fsr.data.pipeline import Examples
from ieg_fsr.data.sources import DataSet
from ieg_fsr.errors import UserError
from ieg_fsr.methods.fsr import FSR
from ieg_fsr.methods.supervised import Supervised
from ieg_fsr.networks import build_network
from ieg_fsr.training.schedules import learning_rate_schedule


def load_training_data(config: Config) -> tuple[DataSet, np.ndarray]:
    """The data set, its training part cut to `train_examples`, and the given labels [N] with their noise.

    Raises:
        UserError: the data set cannot be read, or is too small for the settings.
    """
    data = load_dataset(config.dataset, config.data_dir, config.image_size, config.strict_data)
    if config.train_examples is not None:
        _check_at_most("train_examples", config.train_examples, len(data.train))
        chosen = np.random.default_rng([config.seed, 1]).permutation(len(data.train))[: config.train_examples]
        data = dataclasses.replace(data, train=data.train.take(np.sort(chosen)))
    _check_at_most("batch_size", config.batch_size, len(data.train))
    if config.method == "fsr":
        _check_at_most("dictionary_size", config.dictionary_size, len(data.train))
    matrix = noise_transition_matrix(config.noise_type, data.num_classes, config.noise)
    return data, corrupt_labels(data.train.labels, matrix, config.seed)


def build(config: Config, data: DataSet, given_labels: np.ndarray) -> tuple[Supervised, Examples]:
    """The compiled method and its training data."""
    keras.utils.set_random_seed(config.seed)
    classifier = build_network(config.network, data.train.image_shape, data.num_classes, config.seed)
    examples = Examples(data.train, given_labels, config.batch_size, config.seed)
    settings: dict[str, Any] = {
        "augment": functools.partial(pad_crop_flip, padding=config.padding, flip=config.flip),
        "mixup_alpha": config.mixup_alpha if config.mixup else 0.0,
        "label_smoothing": config.label_smoothing,
        "weight_decay": config.weight_decay,
        "parameter_average_decay": config.ema_decay,
        "seed": config.seed,
    }
    if config.method == "fsr":
        names = (
            "dictionary_size reward_batch_size reward_features reward_interval pusher score_momentum"
            " lookahead_learning_rate weight_constraint reweight_warmup_epochs label_momentum pseudo_label_loss_weight"
        )
        settings |= {name: getattr(config, name) for name in names.split()}
        model = FSR(classifier, len(data.train), lookahead_momentum=config.momentum, **settings)
    else:
        model = Supervised(classifier, **settings)
    schedule = learning_rate_schedule(
        config.schedule,
        config.learning_rate,
        examples.steps_per_epoch,
        config.epochs,
        drop_epochs=config.drop_epochs,
        warmup_epochs=config.learning_rate_warmup_epochs,
    )
    optimizer = keras.optimizers.SGD(schedule, momentum=config.momentum)
    model.compile(optimizer=optimizer, metrics=["accuracy"], jit_compile=resolved_jit(config))
    return model, examples


def resolved_jit(config: Config) -> bool:
    """XLA is slower than plain TensorFlow on a CPU's convolutions: "auto" turns it on for accelerators only."""
    if config.jit_compile == "auto":
        return bool(tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"))
    return config.jit_compile == "true"


def _check_at_most(name: str, value: int, examples: int) -> None:
    if value > examples:
        raise UserError(f"--{name} must be at most {examples}, the number of training examples. Received: {value}")
