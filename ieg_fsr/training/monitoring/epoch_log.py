"""The callback of a run: after every epoch it evaluates, measures and writes."""

import pathlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from ieg_fsr.data.sources.image_source import ImageSource
from ieg_fsr.evaluation.evaluate import compile_classifier, figures_on
from ieg_fsr.figures import RUN_FIGURES
from ieg_fsr.files import write_json_lines
from ieg_fsr.training.monitoring.progress import Progress
from ieg_fsr.training.monitoring.tensorboard import EventWriter
from ieg_fsr.unlabelled import class_counts


class EpochLog(keras.callbacks.Callback):
    """Collects the metrics of each epoch into `rows`, metrics.jsonl, TensorBoard and the progress line.

    True labels enter here as `right`, for monitoring only. What the method adds it declares and measures itself.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        test: ImageSource,
        right: np.ndarray | None,
        progress: Progress,
        rows: list[dict[str, Any]],
        eval_intervals: dict[str, int],
        extra_tests: Mapping[str, ImageSource] | None = None,
        basis: str = "",
    ) -> None:
        """Sets up the writers.

        Args:
            test, extra_tests: what to evaluate on; figures of the others, by name, end in the name.
            right: [N], bool, given label = true label; None where nobody knows.
            basis: what stands behind `right`, for TensorBoard.
            rows: metrics of the epochs already done.
            eval_intervals: epochs between evaluations of the parameters ("") and of their average ("_ema"); both are
                evaluated after the last epoch.
        """
        super().__init__()
        self.tests = {"": test} | {f"_{name}": source for name, source in (extra_tests or {}).items()}
        self.right, self.progress = right, progress
        self.rows, self.eval_intervals = rows, eval_intervals
        self.evaluated: dict[str, Callable] = {}
        self.metrics_file = directory / "metrics.jsonl"
        self.events = EventWriter(str(directory), basis)
        self.epoch_started = self.epoch_trained = time.monotonic()

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Compiles the evaluation."""
        self.evaluated = {"": compile_classifier(self.model.classifier)}
        if self.model.parameter_average is not None:
            self.evaluated["_ema"] = compile_classifier(self.model.parameter_average.classifier())

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Starts the clock; an epoch that goes on has fewer steps here."""
        self.progress.steps_per_epoch = self.model.course.position.step + self.params["steps"]
        self.progress.stage = self.model.stage_name if self.model.course.plan.several else ""
        self.epoch, self.epoch_started = epoch, time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Moves the progress line; the rest of an epoch has its steps counted from 0 as well."""
        self.epoch_trained = time.monotonic()
        self.progress.step(self.epoch, batch + self.progress.steps_per_epoch - self.params["steps"])

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Measures the epoch and writes it everywhere."""
        row = self.measure(epoch, logs or {})
        self.rows.append(row)
        write_json_lines(self.metrics_file, self.rows)
        self.progress.epoch(epoch, row)
        # Last: the first event loads TensorBoard, which takes a twentieth of the time to the first epoch of the digits.
        figures = (*RUN_FIGURES, *self.model.declared_figures)
        self.events.epoch(row, figures, self.model.histograms(self.right))

    def measure(self, epoch: int, logs: dict[str, float]) -> dict[str, Any]:
        """The row of metrics.jsonl of one epoch."""
        row: dict[str, Any] = {
            "epoch": epoch + 1,
            "step": self.model.course.position.total,
            "learning_rate": float(self.model.optimizer.learning_rate),
            "train_loss": float(logs["loss"]),
            "train_accuracy": float(logs["accuracy"]),
            "seconds_per_step": (self.epoch_trained - self.epoch_started) / self.params["steps"],
        }
        row |= {"stage": self.progress.stage} if self.progress.stage else {}
        started = time.monotonic()
        row |= self.test_figures(epoch)
        evaluated = time.monotonic() - started
        row |= self.method_figures()
        return row | {"seconds_evaluation": evaluated, "seconds": time.monotonic() - self.epoch_started}

    def test_figures(self, epoch: int) -> dict[str, float]:
        """Accuracy of the parameters as they are and of their average, where due after `epoch`."""
        if self.model.parameter_average is not None:
            self.model.parameter_average.classifier()
        figures: dict[str, float] = {}
        counts = class_counts(self.model.seen_examples().given_labels, self.model.num_classes)
        for suffix, forward in self.evaluated.items():
            if (epoch + 1) % self.eval_intervals[suffix] and epoch + 1 != self.progress.epochs:
                continue
            figures |= figures_on(forward, self.tests, counts, suffix)
        return figures

    def method_figures(self) -> dict[str, Any]:
        """What the method adds; of a figure that counts, what this epoch added."""
        values = self.model.figures(self.right)
        for figure in self.model.declared_figures:
            if figure.counted and figure.name in values:
                values[figure.name] -= sum(row[figure.name] for row in self.rows)
        return values
