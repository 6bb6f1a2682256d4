"""Walks through the stages of a training, at the learning rates of each, and knows where it stands."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.optimizers.schedules import LearningRateSchedule

from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.stages import Plan, Position, Segment, Visits, checked_visits
from ieg_fsr.replicas import on_every_replica


class StageRate(LearningRateSchedule):
    """The schedule of the present stage, over its own steps; the optimizer's own rate where the stage has none."""

    def __init__(self) -> None:
        """To be made in the scope of the strategy."""
        self.own: Any = None
        self.present: LearningRateSchedule | None = None  # a traced step keeps the one that it was traced with
        # Steps that the optimizer had made when the stage began; part of the checkpoints.
        self.start = tf.Variable(0, trainable=False, dtype=tf.int64, name="stage_start")
        # Where epochs are uneven: steps when the epoch began, what they counted as, and what each counts as since.
        variable = lambda value, name: tf.Variable(value, trainable=False, dtype=tf.float64, name=name)  # noqa: E731
        self.pace = [variable(0.0, "epoch_start"), variable(0.0, "epoch_start_counted"), variable(1.0, "pace")]

    def rule(self, optimizers: Sequence[keras.optimizers.Optimizer], constants: bool) -> None:
        """Takes the place of the rate of optimizers that were made with the same settings.

        Args: constants: whether that of a rate without a schedule too.
        """
        for optimizer in optimizers:
            found = getattr(optimizer, "inner_optimizer", optimizer)._learning_rate
            if found is not self and (constants or isinstance(found, LearningRateSchedule)):
                self.own = found
                optimizer.learning_rate = self

    def __call__(self, step: Any) -> Any:
        """Learning rate of a step of the optimizer."""
        if self.present is not None:
            return self.present(tf.cast(step, tf.int64) - self.start)
        if isinstance(self.own, LearningRateSchedule):
            return self.own(self.counted(step))
        return self.own() if callable(self.own) else tf.convert_to_tensor(self.own)

    def counted(self, step: Any) -> tf.Tensor:
        """What a number of steps counts as, whole, if every epoch visited all examples."""
        start, counted, pace = self.pace
        return tf.cast(tf.round(counted + (tf.cast(step, tf.float64) - start) * pace), tf.int64)

    def begin(self) -> None:
        """The optimizer has made no step."""
        for variable, value in zip(self.pace, (0.0, 0.0, 1.0), strict=True):
            variable.assign(value)

    def begin_epoch(self, step: int, pace: float) -> None:
        """Each step counts as so many from now on. Args: step: steps made."""
        counted = float(self.counted(step).numpy())
        for variable, value in zip(self.pace, (float(step), counted, pace), strict=True):
            variable.assign(value)


class Course:
    """The course of a method's training through its stages."""

    def __init__(self, model: Any) -> None:
        """Args: model: a `Supervised`."""
        self.model = model
        self.plan = Plan((), 0)  # until the first `lay_out`
        self.position = Position()  # when the present epoch began, or began again
        self.visits: tuple[int, Visits] | None = None  # the latest epoch that visited a part of the examples, and which
        self.examples: Any = None  # those of the present epoch, with its number of steps
        self._rate: StageRate | None = None
        # What a stage that starts anew begins with. The parameters, in the memory of the host, are part of the
        # checkpoints: a process that goes on may have begun with others.
        self._first_parameters: list[tf.Variable] = []
        self._first_states: list[np.ndarray] = []

    def lay_out(self, epochs: int) -> Plan:
        """Plans a training of so many epochs in all, see `Plan`; before the state of a checkpoint is restored."""
        self.plan = Plan(self.model.stages(epochs), epochs)
        scheduled = any(stage.schedule for stage in self.plan.stages)
        if scheduled or self.plan.uneven:
            with self.model.distribute_strategy.scope():
                self._rate = self._rate or StageRate()
                self._rate.rule(_optimizers(self.model.checkpoint_parts().values()), scheduled)
        if any(stage.fresh for stage in self.plan.stages):
            self._keep_first_values()
        return self.plan

    def checkpoint_parts(self) -> dict[str, Any]:
        """What stages that start anew, or have a schedule, add to the checkpoints."""
        parts: dict[str, Any] = {"initial_parameters": self._first_parameters} if self._first_parameters else {}
        parts |= {"stage_start": self._rate.start} if self._rate else {}
        return parts | ({"pace": self._rate.pace} if self._rate and self.plan.uneven else {})

    @property
    def pace(self) -> tf.Variable | None:
        """How many steps a step counts as, where epochs are uneven."""
        return self._rate.pace[2] if self._rate and self.plan.uneven else None

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
        """Trains by Keras' own `fit`, segment by segment; for the callbacks they are one training.

        Args:
            epochs, start: up to which Keras counts; epoch and its step to start with, as Keras counts.
            ahead: how many epochs training is ahead of that count.

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
            # They are shuffled.
            fit(batches, callbacks=heard, verbose=verbose, **part, **(arguments | {"shuffle": False}))
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
                self._start_anew()
                if self._rate is not None:
                    self._rate.begin()
        if self._rate is not None:
            if segment.begins:
                self._rate.start.assign(tf.cast(model.optimizer.iterations.value, tf.int64))
            if self._rate.present is not stage.schedule:
                self._rate.present = stage.schedule
                model.make_train_function(force=True)
        self.examples = self._visited(segment, examples)
        if self._rate is not None and self.plan.uneven and not segment.first_step:
            pace = examples.steps_per_epoch / self.examples.steps_per_epoch
            self._rate.begin_epoch(int(model.optimizer.iterations.numpy()), pace)

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

    def _starting_parts(self) -> tuple[list[Any], list[keras.optimizers.Optimizer]]:
        """The parameters and the optimizers that a fresh stage begins with anew."""
        parts = self.model.checkpoint_parts().items()
        anew = [part for name, part in parts if name.startswith(self.model.starts_anew)]
        optimizers = _optimizers(anew)
        return [v for part in anew if not _optimizers([part]) for v in variables_of(part)], optimizers

    def _keep_first_values(self) -> None:
        """Keeps the parameters of the first call, and the state of optimizers that have made no step yet."""
        parameters, optimizers = self._starting_parts()
        if not self._first_parameters:
            with tf.device("CPU:0"):
                self._first_parameters = [tf.Variable(v.numpy(), trainable=False, name="initial") for v in parameters]
        if not self._first_states or not any(optimizer.iterations.numpy() for optimizer in optimizers):
            self._first_states = [v.numpy() for optimizer in optimizers for v in optimizer.variables]

    def _start_anew(self) -> None:
        parameters, optimizers = self._starting_parts()
        variables = parameters + [v for optimizer in optimizers for v in optimizer.variables]
        for variable, value in zip(variables, [*self._first_parameters, *self._first_states], strict=True):
            variable.assign(value)


def variables_of(part: Any) -> list[Any]:
    """The variables of a part: of a list, a variable, or what has `variables`, as models, optimizers and modules."""
    if isinstance(part, list):
        return part
    return list(part.variables) if hasattr(part, "variables") else [part]


def _optimizers(parts: Iterable[Any]) -> list[keras.optimizers.Optimizer]:
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
