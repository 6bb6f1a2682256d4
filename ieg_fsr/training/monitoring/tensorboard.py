"""TensorBoard events of a run: scalars of every epoch, histograms of the sample weights; and how to take some back."""

import functools
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from ieg_fsr.files import write_whole

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
    "zero_weight_batches": "weights/zero_batches",
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
            if "stage" in row:
                tf.summary.text("train/stage", row["stage"])
            if weights is not None:
                tf.summary.histogram("weights/all", weights)
                tf.summary.histogram("weights/clean", weights[clean])
                tf.summary.histogram("weights/wrong", weights[~clean])
        self._writer.flush()


def cut_events(directory: pathlib.Path, epochs: int) -> None:
    """Takes the events of later epochs out of a directory's files: the run will write them again.

    Args:
        directory: of the event files.
        epochs: the last epoch that stays.
    """
    for path in directory.glob("events.out.tfevents.*"):
        records = _records(path)
        kept = [record for record in records if tf.compat.v1.Event.FromString(record).step <= epochs]
        if len(kept) < len(records):
            write_whole(path, functools.partial(_write_records, records=kept))


def _records(path: pathlib.Path) -> list[bytes]:
    """The events of a file, as they are; a killed process may have left the last one in part."""
    records: list[bytes] = []
    try:
        for record in tf.data.TFRecordDataset(str(path)):
            records.append(record.numpy())
    except tf.errors.DataLossError:
        pass
    return records


def _write_records(place: str, records: list[bytes]) -> None:
    with tf.io.TFRecordWriter(place) as writer:
        for record in records:
            writer.write(record)
