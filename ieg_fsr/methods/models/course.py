"""Walks through the stages of a training, and knows where it stands."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.fresh_start import FreshStart
from ieg_fsr.methods.models.stage_rate import StageRate
from ieg_fsr.methods.models.stages import Plan, Position, Segment, Visits, checked_visits
from ieg_fsr.replicas import on_every_replica


class Course:
    """The course of a method's training through its stages.

    Attributes:
        plan: the stages; none before the first `lay_out`.
        position: where training stood when the present epoch began, or began again.
        visits: the latest epoch that visited a part of the examples, and what it visited.
        examples: those of the present epoch, with its number of steps; None before training.
    """

    def __init__(self, model: Any) -> None:
        """Args: model: a `Supervised`."""
        self.model = model
        self.plan = Plan((), 0)
        self.position = Position()
        self.visits: tuple[int, Visits] | None = None
        self.examples: Any = None
        self._fresh_start: FreshStart | None = None
        self._rate: StageRate | None = None

    def lay_out(self, epochs: int) -> Plan:
        """Plans a training of so many epochs in all; before the state of a checkpoint is restored.

        Raises:
            UserError: see `Plan`.
        """
        self.plan = Plan(self.model.stages(epochs), epochs)
        if any(stage.schedule for stage in self.plan.stages):
            with self.model.distribute_strategy.scope():
                self._rate = self._rate or StageRate()
                self._rate.rule(self._optimizers())
        if any(stage.fresh for stage in self.plan.stages):
            self._fresh_start = self._fresh_start or FreshStart()
            self._fresh_start.keep(self._starting_parts())
        return self.plan

    def checkpoint_parts(self) -> dict[str, Any]:
        """What stages that start anew, or have a schedule, add to the checkpoints."""
        parts: dict[str, Any] = {"initial_parameters": self._fresh_start.parameters} if self._fresh_start else {}
        return parts | ({"stage_start": self._rate.start} if self._rate else {})

    def walk(
        self,
        fit: Callable[..., Any],
        examples: Examples,
        epochs: int,
        start: tuple[int, int],
        ahead: int,
        callbacks: list[keras.callbacks.Callback],
        verbose: Any = "auto",
        **arguments: Any,
    ) -> keras.callbacks.History:
        """Trains, segment by segment.

        Args:
            fit: Keras' own.
            examples: to train on.
            epochs: up to which Keras counts.
            start: epoch and its step to start with, as Keras counts.
            ahead: how many epochs training is ahead of that count.
            callbacks: for which all segments are one training.
            verbose: as Keras takes it.
            **arguments: for `fit`.

        Raises:
            UserError: an epoch visits no example, or not what it can; the optimizer keeps an average that the end of
                each segment would put in place of the parameters.
        """
        model, first_step = self.model, start[1]
        segments = list(self.plan.segments(start[0] + ahead, first_step, epochs + ahead))
        if len(segments) > 1 and getattr(model.optimizer, "inner_optimizer", model.optimizer).use_ema:
            raise UserError("optimizer must not use_ema in a training of parts: see parameter_average_decay. "
                            f"Received: {model.optimizer.name} with use_ema=True")  # fmt: skip
        metrics = [(variable, variable.numpy()) for variable in model.metrics_variables] if first_step else []
        model.create_variables()
        heard = _OneTraining(callbacks, self, metrics, epochs, verbose)
        model.stop_training = False
        for segment in segments:
            self._enter(segment, examples)
            per_epoch = self.examples.steps_per_epoch
            steps = per_epoch - segment.first_step
            batches = self.examples.batches(segment.start * per_epoch + segment.first_step, segment.stop * per_epoch)
            batches = on_every_replica(batches, model.distribute_strategy)
            heard.set_params({"verbose": verbose, "epochs": epochs, "steps": steps})
            part = {"initial_epoch": segment.start - ahead, "epochs": segment.stop - ahead, "steps_per_epoch": steps}
            fit(batches, callbacks=heard, shuffle=False, verbose=verbose, **part, **arguments)
            if model.stop_training:
                break
        heard.end()
        return model.history

    def after_epoch(self, steps: int) -> None:
        """Moves on. Args: steps: made since the epoch began, or began again."""
        epoch, total = self.position.epoch + 1, self.position.total + steps
        self.position = Position(self.plan.stage_at(epoch), epoch, 0, total)

    def _enter(self, segment: Segment, examples: Examples) -> None:
        """Sets what holds for a segment: position, rates, initial values, what is visited."""
        model, stage = self.model, segment.stage
        total = segment.start * examples.steps_per_epoch + segment.first_step
        if self.position[1:3] == (segment.start, segment.first_step):
            total = self.position.total
        self.position = Position(segment.number, segment.start, segment.first_step, total)
        model.stage_name = stage.name
        if segment.begins:
            if stage.begin is not None:
                stage.begin(model)
            if stage.fresh:
                assert self._fresh_start is not None
                self._fresh_start.put_back(self._starting_parts())
        if self._rate is not None:
            if segment.begins:
                self._rate.start.assign(tf.cast(model.optimizer.iterations.value, tf.int64))
            if self._rate.use(stage.schedule):
                model.make_train_function(force=True)
        self.examples = self._visited(segment, examples)

    def _visited(self, segment: Segment, examples: Examples) -> Examples:
        """All examples, or those that an epoch visits; within an epoch, those that it has begun with."""
        stage, epoch = segment.stage, segment.start
        if stage.visits is None:
            return examples
        if not segment.first_step:
            visits = checked_visits(stage.visits(self.model, epoch), stage, epoch, len(examples.source))
            self.visits = epoch, visits
        elif self.visits is None or self.visits[0] != epoch:
            raise UserError(f"first_step must be 0 without the visits of epoch {epoch + 1}, which a checkpoint of the "
                            f"command line holds. Received: {segment.first_step}")  # fmt: skip
        return examples.visiting(*self.visits[1])

    def _starting_parts(self) -> dict[str, Any]:
        """The parts of the checkpoints that a fresh stage begins with anew."""
        parts = self.model.checkpoint_parts()
        return {name: part for name, part in parts.items() if name.startswith(self.model.starts_anew)}

    def _optimizers(self) -> list[keras.optimizers.Optimizer]:
        parts = self.model.checkpoint_parts().values()
        return [part for part in parts if isinstance(part, keras.optimizers.Optimizer)]


class _OneTraining(keras.callbacks.CallbackList):
    """Callbacks for which several calls of Keras' `fit` are one training, which begins and ends once.

    An epoch that goes on takes up the metrics that it had: Keras resets them at its beginning.
    """

    def __init__(self, callbacks: list, course: Course, metrics: list, epochs: int, verbose: Any) -> None:
        """Args: metrics: variables with their values, of the epoch that goes on."""
        shown = {"add_history": True, "add_progbar": verbose != 0, "verbose": verbose, "epochs": epochs, "steps": None}
        super().__init__(callbacks, model=course.model, **shown)
        self._course, self._metrics, self._begun = course, metrics, False
        self._logs: dict | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        if not self._begun:
            self._begun = True
            super().on_train_begin(logs)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        for variable, value in self._metrics:
            variable.assign(value)
        self._metrics = []
        super().on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._course.after_epoch(self.params["steps"])
        super().on_epoch_end(epoch, logs)

    def on_train_end(self, logs: dict | None = None) -> None:
        self._logs = logs

    def end(self) -> None:
        """After the last segment, or where there is none."""
        self.on_train_begin()
        super().on_train_end(self._logs)
