"""What a Keras user may pass to `compile`, `fit` and `evaluate`, and one line for what has no meaning here."""

import warnings
from typing import Any

import keras
import tensorflow as tf

from ieg_fsr.data.array_checks import checked_class_numbers, checked_inputs
from ieg_fsr.data.dataset_examples import examples_from_dataset
from ieg_fsr.data.pipeline import Examples
from ieg_fsr.errors import UserError

# Arguments of `fit` and `evaluate`, and what to do instead.
_REFUSED = {
    "class_weight": "use weight_constraint='shift' for rare classes",
    "sample_weight": "the method finds the weights",
}
_REFUSED_WITH_EXAMPLES = {
    "y": "it is in examples",
    "batch_size": "it is in examples",
    "steps_per_epoch": "an epoch is a pass over the examples",
    "validation_split": "pass validation_data=(x, y)",
}


def refuse(examples: bool, arguments: dict[str, Any]) -> None:
    """Refuses what `fit` or `evaluate` must not be given.

    Args:
        examples: whether the data are `Examples`, which know labels, batches and steps.
        arguments: by name.

    Raises:
        UserError: one of them is given.
    """
    for name, advice in (_REFUSED | (_REFUSED_WITH_EXAMPLES if examples else {})).items():
        value = arguments.get(name)
        if value is not None and (name != "validation_split" or value):
            received = value if isinstance(value, int | float | dict) else type(value).__name__
            raise UserError(f"{name} must not be given: {advice}. Received: {received}")


def training_data(data: Any, num_examples: int, num_classes: int) -> Examples:
    """Training data with ids.

    Args:
        data: `Examples`, or a `tf.data.Dataset` of (x, y, example_id).
        num_examples: N that the model was made for.
        num_classes: C of the classifier.

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
    checked_class_numbers(examples.given_labels, "y", num_classes)
    return examples


def evaluation_data(data: Any, num_classes: int, name: str = "validation_data") -> Any:
    """`Examples`, arrays (x, y) or anything else that Keras evaluates, as Keras takes it.

    Raises:
        UserError: arrays or labels that cannot be right, or weights beside them.
    """
    if isinstance(data, Examples):
        checked_class_numbers(data.given_labels, "y", num_classes)
        return data.for_evaluation()
    if not isinstance(data, tuple | list):
        return data
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
    """Labels [b] or [b, 1] of a batch as int32 [b].

    Raises:
        UserError: one-hot labels.
    """
    if labels.shape.rank == 2 and labels.shape[1] != 1:
        raise UserError(f"y must be class numbers [b]: take the argmax of one-hot labels. Received: {labels.shape}")
    return tf.cast(tf.reshape(labels, [-1]), tf.int32)


def checked_callbacks(callbacks: Any) -> list[keras.callbacks.Callback]:
    """Callbacks as a list, without the one of Keras that would go on with half of the state.

    Raises:
        UserError: BackupAndRestore is among them.
    """
    listed = list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks] if callbacks else []
    if any(isinstance(callback, keras.callbacks.BackupAndRestore) for callback in listed):
        raise UserError(
            "callbacks must not hold BackupAndRestore, which leaves out FSR's tables: keep "
            "tf.train.Checkpoint(**model.checkpoint_parts()) and fit with initial_epoch. Received: BackupAndRestore"
        )
    return listed


def warn_of_short_training(epochs: int, warmup_epochs: int) -> None:
    """Warns where re-weighting would never start. Args: epochs: in all, this `fit`'s among them."""
    if epochs <= warmup_epochs:
        warnings.warn(
            f"reweight_warmup_epochs is {warmup_epochs} and training ends after {epochs}: weights stay uniform",
            stacklevel=3,
        )
