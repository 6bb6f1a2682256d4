"""From a config and its data to a compiled method."""

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.configuration.settings import Config
from ieg_fsr.data.pipeline.augmentation import pad_crop_flip
from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.data.sources.image_source import DataSet
from ieg_fsr.methods.losses.cross_entropy import start_sigmoids_at_chance
from ieg_fsr.methods.models.coteaching import CoTeaching
from ieg_fsr.methods.models.forward_correction import ForwardCorrection
from ieg_fsr.methods.models.fsr import FSR
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.networks import build_network
from ieg_fsr.reweighting.weight_net import WeightNet
from ieg_fsr.reweighting.weight_rules import DirectWeights, UniformWeights, WeightRule
from ieg_fsr.training.inputs import known_correction_matrix, resolved_dictionary_size, resolved_forget_rate
from ieg_fsr.training.losses import SIGMOID_METHODS, build_loss
from ieg_fsr.training.schedules import learning_rate_schedule

# Settings of the command line that `FSR` takes under the same names.
_FSR_SETTINGS = (
    *(
        "meta_layers",
        "reward_batch_size",
        "reward_features",
        "reward_interval",
        "pusher",
        "score_momentum",
        "lookahead_learning_rate",
    ),
    *("reweight_warmup_epochs", "label_momentum", "pseudo_label_loss_weight"),
    *("pseudo_label_dtype", "lookahead_losses"),
)
_SECOND_NETWORK_STREAM = 2  # of the seed; 1 chooses the subset


def build(config: Config, data: DataSet, given_labels: np.ndarray) -> tuple[Supervised, Examples]:
    """The compiled method and its training data."""
    keras.utils.set_random_seed(config.seed)
    examples = Examples(data.train, given_labels, config.batch_size, config.seed)
    model = _method(config, data, given_labels)
    optimizer = build_optimizer(config, examples.steps_per_epoch)
    model.compile(optimizer=optimizer, metrics=["accuracy"], jit_compile=resolved_jit(config))
    return model, examples


def build_optimizer(config: Config, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """SGD with momentum, its rate on the schedule."""
    schedule = learning_rate_schedule(
        config.schedule,
        config.learning_rate,
        steps_per_epoch,
        config.epochs,
        drop_epochs=config.drop_epochs,
        warmup_epochs=config.learning_rate_warmup_epochs,
    )
    return keras.optimizers.SGD(schedule, momentum=config.momentum)


def _method(config: Config, data: DataSet, given_labels: np.ndarray) -> Supervised:
    """The method, not compiled."""
    network = functools.partial(
        build_network, config.network, data.train.image_shape, data.num_classes, precision=config.precision
    )
    classifier, settings = network(config.seed), _shared_settings(config)
    if config.reweights:
        settings |= {name: getattr(config, name) for name in _FSR_SETTINGS}
        settings |= {"weight_rule": _weight_rule(config), "lookahead_momentum": resolved_lookahead_momentum(config)}
        if data.holdout is not None:
            settings["clean_examples"] = Examples(data.holdout, data.holdout.labels, 1, config.seed)
        return FSR(classifier, len(data.train), resolved_dictionary_size(config, len(data.train)), **settings)
    if config.method == "coteaching":
        second_seed = int(np.random.default_rng([config.seed, _SECOND_NETWORK_STREAM]).integers(2**31))
        settings |= {
            "forget_rate": resolved_forget_rate(config, data),
            "warmup_epochs": config.coteaching_warmup_epochs,
        }
        return CoTeaching(classifier, network(second_seed), **settings)
    if config.method == "forward_correction":
        settings["correction_warmup_epochs"] = config.correction_warmup_epochs
        return ForwardCorrection(classifier, known_correction_matrix(config, data), **settings)
    if config.method in SIGMOID_METHODS:
        start_sigmoids_at_chance(classifier.get_layer("logits"))
    return Supervised(classifier, sample_loss=build_loss(config, given_labels, data.num_classes), **settings)


def _shared_settings(config: Config) -> dict[str, Any]:
    """What every method takes."""
    return {
        "augment": functools.partial(pad_crop_flip, padding=config.padding, flip=config.flip),
        "mixup_alpha": config.mixup_alpha if config.mixup else 0.0,
        "label_smoothing": config.label_smoothing,
        "weight_decay": config.weight_decay,
        "parameter_average_decay": config.ema_decay,
        "seed": config.seed,
    }


def resolved_lookahead_momentum(config: Config) -> float:
    """That of SGD, if nothing else is said."""
    return config.momentum if config.lookahead_momentum is None else config.lookahead_momentum


def _weight_rule(config: Config) -> WeightRule:
    if config.weight_rule == "weight_net":
        return WeightNet(
            config.weight_net_learning_rate, config.weight_net_weight_decay, config.weight_net_units, config.seed
        )
    if config.weight_rule == "uniform":
        return UniformWeights()
    return DirectWeights(config.weight_constraint, config.initial_sample_weights)


def resolved_jit(config: Config) -> bool:
    """XLA is slower than plain TensorFlow on a CPU's convolutions: "auto" turns it on for accelerators only."""
    if config.jit_compile == "auto":
        return bool(tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"))
    return config.jit_compile == "true"
