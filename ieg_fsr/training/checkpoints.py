"""Checkpoints at the end of an epoch: parameters, optimizer, averages, tables; the dictionary follows from them."""

import os

import tensorflow as tf

from ieg_fsr.methods.supervised import Supervised

_KEPT = 2


class Checkpoints:
    """Saves and restores a compiled method."""

    def __init__(self, directory: str | os.PathLike, model: Supervised) -> None:
        """Args: directory: made at the first save. model: compiled."""
        model.optimizer.build(model.classifier.trainable_variables)
        self._epochs_done = tf.Variable(0, trainable=False, dtype=tf.int64)
        parts = tf.train.Checkpoint(epochs_done=self._epochs_done, **model.checkpoint_parts())
        self._manager = tf.train.CheckpointManager(parts, str(directory), max_to_keep=_KEPT)

    def save(self, epochs_done: int) -> None:
        """Saves the state after an epoch."""
        self._epochs_done.assign(epochs_done)
        self._manager.save(checkpoint_number=epochs_done)

    def restore(self) -> int:
        """Restores the newest checkpoint; returns the epochs done, 0 if there is no checkpoint."""
        if self._manager.latest_checkpoint:
            self._manager.checkpoint.restore(self._manager.latest_checkpoint).assert_existing_objects_matched()
        return int(self._epochs_done.numpy())
