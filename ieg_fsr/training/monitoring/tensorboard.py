"""TensorBoard events of a run: scalars and histograms of every epoch; and how to take some back."""

import contextlib
import functools
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from ieg_fsr.figures import Figure
from ieg_fsr.files import write_whole


class EventWriter:
    """Writes events into a directory, by epoch (1 = after the first)."""

    def __init__(self, directory: str, basis: str = "") -> None:
        """Args: basis: what stands behind figures that need the truth, to be shown beside their curves."""
        self._writer, self._basis = tf.summary.create_file_writer(directory), basis

    def epoch(self, row: dict[str, Any], figures: Iterable[Figure], histograms: Mapping[str, np.ndarray]) -> None:
        """Writes one epoch. Args: row: its metrics. figures: those of the run. histograms: tag -> values."""
        with self._writer.as_default(step=row["epoch"]):
            for figure in figures:
                if figure.tag and row.get(figure.name) is not None:
                    description = self._basis if figure.needs_truth else None
                    tf.summary.scalar(figure.tag, row[figure.name], description=description)
            if "stage" in row:
                tf.summary.text("train/stage", row["stage"])
            for tag, values in histograms.items():
                tf.summary.histogram(tag, values)
        self._writer.flush()


def cut_events(directory: pathlib.Path, epochs: int) -> None:
    """Takes the events of epochs after `epochs` out of a directory's files: the run will write them again."""
    for path in directory.glob("events.out.tfevents.*"):
        records = _records(path)
        kept = [record for record in records if tf.compat.v1.Event.FromString(record).step <= epochs]
        if len(kept) < len(records):
            write_whole(path, functools.partial(_write_records, records=kept))


def _records(path: pathlib.Path) -> list[bytes]:
    """The events of a file, as they are; a killed process may have left the last one in part."""
    records: list[bytes] = []
    with contextlib.suppress(tf.errors.DataLossError):
        for record in tf.data.TFRecordDataset(str(path)):
            records.append(record.numpy())
    return records


def _write_records(place: str, records: list[bytes]) -> None:
    with tf.io.TFRecordWriter(place) as writer:
        for record in records:
            writer.write(record)
