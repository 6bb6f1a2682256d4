"""From a config and its data to a compiled method."""

import functools
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.data.pipeline.augmentation import pad_crop_flip
from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.data.sources.image_source import DataSet
from ieg_fsr.methods.models.deferred_reweighting import DeferredReweighting
from ieg_fsr.methods.models.retrained_head import check_classes
from ieg_fsr.methods.models.rog import hold_out
from ieg_fsr.methods.models.skipping import skipping_of
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.methods.registry import METHODS
from ieg_fsr.methods.spec import BuildContext
from ieg_fsr.setting import Config
from ieg_fsr.training.network import network_of
from ieg_fsr.training.schedules import learning_rate_schedule
from ieg_fsr.unlabelled import class_counts, labelled

_SECOND_NETWORK_STREAM = 2  # of the seed; 1 chooses the subset


def build(
    config: Config,
    data: DataSet,
    given_labels: np.ndarray,
    network: Callable[[int], keras.Model] | None = None,
    trusted_ids: np.ndarray | None = None,
) -> tuple[Supervised, Examples]:
    """The compiled method and its training data.

    Args:
        network: from a seed; None for that of the settings.
        trusted_ids: of the examples whose labels a person decided.
    """
    keras.utils.set_random_seed(config.seed)
    # A batch that nobody chose is no larger than the data; replicas share it evenly.
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    batch_size = min(config.batch_size, int(np.sum(labelled(given_labels))) // replicas * replicas)
    examples = Examples(data.train, given_labels, batch_size, config.seed)
    if config.head == "crt":
        check_classes(given_labels, data.num_classes)
    if config.head == "rog":
        examples = examples.visiting(hold_out(given_labels, data.num_classes, config.seed).training)
    network = network or network_of(config, data.train.image_shape, data.num_classes)
    second_seed = int(np.random.default_rng([config.seed, _SECOND_NETWORK_STREAM]).integers(2**31))
    clean = None if data.holdout is None else Examples(data.holdout, data.holdout.labels, 1, config.seed)
    shared = {
        "augment": functools.partial(pad_crop_flip, padding=config.padding, flip=config.flip),
        "mixup_alpha": config.mixup_alpha if config.mixup else 0.0,
        "skipping": skipping_of(config, len(data.train)),
        "deferred_reweighting": _deferred(config, class_counts(given_labels, data.num_classes)),
        **{name: config[name] for name in ("label_smoothing", "weight_decay", "parameter_average_decay", "seed")},
    }
    context = BuildContext(config, data, given_labels, network, second_seed, shared, clean, trusted_ids)
    model = METHODS[config.method].build(context)
    optimizer = build_optimizer(config, examples.steps_per_epoch)
    model.compile(optimizer=optimizer, metrics=["accuracy"], jit_compile=resolved_jit(config))
    return model, examples


def _deferred(config: Config, class_counts: np.ndarray) -> DeferredReweighting | None:
    if config.deferred_reweighting is None:
        return None
    return DeferredReweighting(class_counts, config.deferred_reweighting, config.deferred_reweighting_beta)


def build_optimizer(config: Config, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """SGD with momentum, its rate on the schedule."""
    schedule = learning_rate_schedule(
        *(config.schedule, config.learning_rate, steps_per_epoch, config.epochs),
        drop_epochs=config.drop_epochs,
        warmup_epochs=config.learning_rate_warmup_epochs,
    )
    return keras.optimizers.SGD(schedule, momentum=config.momentum)


def resolved_jit(config: Config) -> bool:
    """XLA is slower than plain TensorFlow on a CPU's convolutions: "auto" turns it on for accelerators only."""
    if config.jit_compile == "auto":
        return bool(tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"))
    return config.jit_compile == "true"
