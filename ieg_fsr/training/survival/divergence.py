"""What was not finite first: the steps since the last checkpoint are made once more, and the bad one is taken apart.

That costs training nothing. Steps are a function of the state and their number, so the same values come up again (on a
GPU with operations that add in any order perhaps not: then it is the loss that is named).
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.errors import RunError
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.training.survival.checkpoints import Checkpoints, NotFiniteError


class _ReachedError(Exception):
    """The replay has come to the step before the bad one."""


def explain(error: NotFiniteError, model: Supervised, examples: Examples, checkpoints: Checkpoints) -> RunError:
    """The error of a run that diverged: step, learning rate, first tensor that is not finite, checkpoint that is left.

    The model is left at the state before the bad step.
    """
    saved, course = checkpoints.restore(), model.course
    place = {"initial_epoch": course.position.epoch, "first_step": course.position.step}
    steps = iter(range(error.step - 1 - saved))

    def stop(batch: int, logs: Any) -> None:
        """Before the bad step, when its epoch has begun."""
        if next(steps, None) is None:
            raise _ReachedError

    callbacks = [keras.callbacks.LambdaCallback(on_train_batch_begin=stop)]
    with contextlib.suppress(_ReachedError):
        model.fit(examples, epochs=course.plan.epochs, verbose=0, callbacks=callbacks, **place)
    rate = float(model.optimizer.learning_rate)
    epoch, step = course.position.epoch, course.position.at_step(error.step - 1).step
    bad = first_bad_tensor(model, course.examples, epoch * course.examples.steps_per_epoch + step)
    return RunError(
        f"the loss must stay finite, lower --learning_rate. Received: {error.what} at step {error.step} (epoch "
        f"{epoch + 1}, learning rate {rate:.4g}); not finite first: {bad}; the checkpoint of step {saved} is kept"
    )


def first_bad_tensor(model: Supervised, examples: Examples, step: int) -> str:
    """The first tensor, in a step's order, that is not finite in step `step`, from 0; the model is as before it."""
    for name, tensor in _tensors(model, examples, step):
        if not bool(tf.reduce_all(tf.math.is_finite(tf.cast(tensor, tf.float32)))):
            return name
    return "the loss, or a parameter after the update"


def _tensors(model: Supervised, examples: Examples, step: int) -> Iterator[tuple[str, Any]]:
    variables = model.classifier.trainable_variables
    for variable in model.classifier.variables:
        yield f"parameter {variable.path}", variable.value
    batch = model.prepare(next(iter(examples.batches(step, step + 1))))
    yield "images", batch.images
    with tf.GradientTape() as tape:
        features, logits = model.forward(batch.images)
        losses = model.sample_losses(batch, logits)
        loss = tf.reduce_mean(losses)
    yield "features", features
    yield "logits", logits
    yield "losses of the samples", losses
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    for variable, gradient in zip(variables, gradients, strict=True):
        yield f"gradient of {variable.path}", gradient
