"""What TensorBoard's HParams tab compares the runs of a folder by."""

import pathlib

import tensorflow as tf

from ieg_fsr.configuration.settings import SETTINGS, Config
from ieg_fsr.setting import COMPUTED

# A row of all settings would be too long to read: these, and those that were given.
_ALWAYS = (
    *("dataset", "method", "network", "noise", "noise_type", "imbalance", "seed", "epochs", "batch_size"),
    *("learning_rate", "mixup"),
)


def write_hyperparameters(directory: pathlib.Path, settings: Config, figures: dict[str, float]) -> None:
    """Writes a run's settings, `_ALWAYS` and what was given but not where things are, and its last figures by name."""
    from tensorboard.plugins.hparams import api

    plain = {
        name: value if isinstance(value, bool | int | float | str) else str(value)
        for name, value in settings.items()
        if name in _ALWAYS or (name in settings.given and (SETTINGS[name].kept or SETTINGS[name].role == COMPUTED))
    }
    writer = tf.summary.create_file_writer(str(directory), filename_suffix=".hparams")
    with writer.as_default():
        # Sessions of one trial are averaged: a trial is a directory.
        api.hparams(plain, trial_id=str(directory.resolve()))
        for name, value in figures.items():
            tf.summary.scalar(f"final/{name}", value, step=settings.epochs)
    writer.close()
