"""What a Keras user may pass to `compile`, `fit` and `evaluate`, and one line for what has no meaning here."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from ieg_fsr.data.pipeline.array_checks import checked_class_numbers, checked_inputs
from ieg_fsr.data.pipeline.dataset_examples import examples_from_dataset
from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.errors import UserError, refusal

# Arguments of `fit` and `evaluate`, and what to do instead.
_REFUSED = {
    "class_weight": "FSR(weight_constraint='shift') is for rare classes",
    "sample_weight": "FSR finds the weights, and Supervised takes batches (x, y, example_id, loss_factor)",
}
_REFUSED_WITH_EXAMPLES = {
    "y": "it is in examples",
    "batch_size": "it is in examples",
    "steps_per_epoch": "an epoch is a pass over the examples",
    "validation_split": "pass validation_data=(x, y)",
    "shuffle": "ieg_fsr.examples(x, y, seed=0) shuffles, and a dataset does so itself",
}
# Values that ask for nothing else than what is done.
_HARMLESS = {"validation_split": 0.0, "shuffle": True}
# What the batches of `checked_labels` say, in TensorFlow's words around it.
_BAD_LABEL = re.compile(r"\[(y must be class numbers [^\]]*) Received:\] \[([^\]]*)\]")


def refuse(examples: bool, arguments: dict[str, Any]) -> None:
    """Raises UserError for arguments that `fit` or `evaluate` must not be given, by name.

    `examples` says whether the data are `Examples`, which know labels, batches and steps.
    """
    for name, advice in (_REFUSED | (_REFUSED_WITH_EXAMPLES if examples else {})).items():
        value = arguments.get(name)
        if value is not None and (name not in _HARMLESS or value != _HARMLESS[name]):
            received = value if isinstance(value, int | float | dict) else type(value).__name__
            raise UserError(f"{name} must not be given: {advice}. Received: {received}")


def refuse_mixup(method: str, mixup_alpha: float) -> None:
    """Raises UserError where a method that looks at single samples is to train on mixed ones."""
    if mixup_alpha:
        raise UserError(f"mixup_alpha must be 0 with {method}. Received: {mixup_alpha:g}")


def training_data(data: Any, num_examples: int, num_classes: int) -> Examples:
    """Training data with ids: `Examples`, or a `tf.data.Dataset` of (x, y, example_id).

    Raises:
        UserError: anything else, a dataset that `examples_from_dataset` refuses, another number of examples, or a label
            that the classifier has no logit for.
    """
    examples = examples_from_dataset(data) if isinstance(data, tf.data.Dataset) else data
    if not isinstance(examples, Examples):
        raise UserError(
            "FSR.fit takes ieg_fsr.examples(x, y, batch_size), or a tf.data.Dataset of (x, y, example_id): "
            f"scores are kept by example id. Received: {type(data).__name__}"
        )
    if len(examples.source) != num_examples:
        raise UserError(f"num_examples must be that of the data, {len(examples.source)}. Received: {num_examples}")
    checked_class_numbers(examples.given_labels, "y", num_classes, unlabelled=True)
    return examples


def checked_labels(data: Any, num_classes: int) -> Any:
    """Data of batches (x, y, ...) whose labels are looked at: of `Examples` here, of a `tf.data.Dataset` as they come.

    What Keras takes beside these is given back as it is.

    UserError: the classifier has no logit for a label of `Examples`, or a dataset's third part is no example id; of its
    labels see `labels_in_one_line`.
    """
    if isinstance(data, Examples):
        checked_class_numbers(data.given_labels, "y", num_classes, unlabelled=True)
    parts = data.element_spec if isinstance(data, tf.data.Dataset) else None
    if not isinstance(parts, tuple) or not all(isinstance(part, tf.TensorSpec) for part in parts[1:2]):
        return data
    if len(parts) > 2 and not (isinstance(parts[2], tf.TensorSpec) and parts[2].dtype.is_integer):
        received = parts[2].dtype.name if isinstance(parts[2], tf.TensorSpec) else type(parts[2]).__name__
        rule = "be example ids, integers; factors of the losses are the fourth: (x, y, example_id, loss_factor)"
        raise refusal("the third part of batches", rule, received)
    rule = f"y must be class numbers from 0..{num_classes - 1}, the classifier's {num_classes} logits. Received:"

    # XLA leaves assertions out of a training step; the pipeline is on the CPU, and ahead of the steps.
    @tf.autograph.experimental.do_not_convert
    def checked(x: Any, y: tf.Tensor, *others: Any) -> tuple:
        numbers = class_numbers(y)
        given = tf.reshape(y, [-1])
        wrong = (numbers < 0) | (numbers >= num_classes) | (tf.cast(numbers, y.dtype) != given)
        with tf.control_dependencies([tf.debugging.Assert(~tf.reduce_any(wrong), [rule, given[wrong][:1]])]):
            return x, tf.identity(y), *others

    return data.map(checked)


@contextlib.contextmanager
def labels_in_one_line() -> Iterator[None]:
    """Says of a label in a dataset `checked_labels`, by UserError, what would be said of one in an array."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        if found := _BAD_LABEL.search(str(error)):
            # An assertion escapes quotes.
            raise UserError(f"{found[1]} Received: {found[2]}".replace("\\", "")) from None
        raise


def evaluation_data(data: Any, num_classes: int, name: str = "validation_data") -> Any:
    """`Examples`, arrays (x, y) or anything else that Keras evaluates, as Keras takes it, if it can be right."""
    if isinstance(data, Examples):
        checked_class_numbers(data.given_labels, "y", num_classes)
        return data.for_evaluation()
    if not isinstance(data, tuple | list):
        return checked_labels(data, num_classes)
    if len(data) != 2:
        raise UserError(f"{name} must be (x, y), without weights. Received: {len(data)} parts")
    # Keras gives back to `evaluate` the tensors of texts that it got from here.
    x = data[0] if tf.is_tensor(data[0]) else checked_inputs(data[0])
    y = checked_class_numbers(data[1], "y", num_classes)
    if len(x) != len(y):
        raise UserError(f"x and y of {name} must have the same length. Received: {len(x)} and {len(y)}")
    # Keras makes arrays of texts into objects; tensors it leaves alone.
    return (tf.constant(x) if not tf.is_tensor(x) and x.dtype.kind in "US" else x), y


def class_numbers(labels: Any) -> tf.Tensor:
    """Labels [b] or [b, 1] of a batch as int32 [b]; UserError for one-hot labels."""
    if labels.shape.rank == 2 and labels.shape[1] != 1:
        raise UserError(f"y must be class numbers [b]: take the argmax of one-hot labels. Received: {labels.shape}")
    return tf.cast(tf.reshape(labels, [-1]), tf.int32)


def checked_callbacks(callbacks: Any) -> list[keras.callbacks.Callback]:
    """Callbacks as a list; UserError for the one of Keras that would go on with half of the state."""
    listed = list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks] if callbacks else []
    if any(isinstance(callback, keras.callbacks.BackupAndRestore) for callback in listed):
        raise UserError(
            "callbacks must not hold BackupAndRestore, which leaves out the optimizer and FSR's tables: keep "
            "tf.train.Checkpoint(**model.checkpoint_parts()) and fit with initial_epoch. Received: BackupAndRestore"
        )
    return listed
