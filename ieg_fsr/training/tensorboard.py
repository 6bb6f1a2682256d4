"""TensorBoard events of a run: scalars of every epoch, histograms of the sample weights."""

from typing import Any

import numpy as np
import tensorflow as tf

# Column of metrics.jsonl -> tag; TensorBoard groups the tags by what stands before the slash.
_TAGS = {
    "train_loss": "train/loss",
    "train_accuracy": "train/accuracy",
    "learning_rate": "train/learning_rate",
    "test_accuracy": "test/accuracy",
    "test_accuracy_ema": "test/accuracy_ema",
    "test_top5": "test/top5",
    "test_mean_class_accuracy": "test/mean_class_accuracy",
    "dictionary_purity": "dictionary/purity",
    "zero_weight_ratio": "weights/zero_ratio",
    "weight_clean": "weights/mean_clean",
    "weight_noisy": "weights/mean_wrong",
    "seconds_per_step": "time/seconds_per_step",
}


class EventWriter:
    """Writes events into a directory, by epoch (1 = after the first)."""

    def __init__(self, directory: str) -> None:
        self._writer = tf.summary.create_file_writer(directory)

    def epoch(self, row: dict[str, Any], weights: np.ndarray | None, clean: np.ndarray) -> None:
        """Writes one epoch. Args: row: its metrics. weights: [N], None for methods without. clean: [N], bool."""
        with self._writer.as_default(step=row["epoch"]):
            for name, tag in _TAGS.items():
                if row.get(name) is not None:
                    tf.summary.scalar(tag, row[name])
            if weights is not None:
                tf.summary.histogram("weights/all", weights)
                tf.summary.histogram("weights/clean", weights[clean])
                tf.summary.histogram("weights/wrong", weights[~clean])
        self._writer.flush()
