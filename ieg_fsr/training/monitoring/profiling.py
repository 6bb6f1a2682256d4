"""`--profile_steps`: traces some steps with TensorFlow's profiler for TensorBoard, and says where their time went."""

import pathlib
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from ieg_fsr.training.monitoring.profile_summary import STEP_MARKER, describe_profile, read_profile

# Operations, but no Python frames: these would make the steps several times longer.
_OPTIONS = tf.profiler.experimental.ProfilerOptions(host_tracer_level=2, python_tracer_level=0)


class StepProfiler(keras.callbacks.Callback):
    """Traces the steps first..last of a run, each marked with its number."""

    def __init__(
        self, directory: str | pathlib.Path, first: int, last: int, report: Callable[[str], None] = print
    ) -> None:
        """Args: directory: log directory of the trace. first, last: steps, from 1. report: receives the summary."""
        super().__init__()
        self.directory, self.first, self.last, self.report = str(directory), first, last, report
        self.marker: Any = None
        self.tracing = False

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Takes up the count of an earlier process."""
        self.step = int(self.model.optimizer.iterations.numpy())

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Starts the trace, and marks the step."""
        self.step += 1
        if self.step == self.first:
            tf.profiler.experimental.start(self.directory, _OPTIONS)
            self.tracing = True
        if self.tracing:
            self.marker = tf.profiler.experimental.Trace(STEP_MARKER, step_num=self.step, _r=1)
            self.marker.__enter__()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Ends the step, and after the last one the trace."""
        if not self.tracing:
            return
        tf.test.experimental.sync_devices()
        self.marker.__exit__(None, None, None)
        if self.step == self.last:
            self.tracing = False
            tf.profiler.experimental.stop()
            self.report(describe_profile(read_profile(self.directory)))
