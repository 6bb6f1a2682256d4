"""Loads a saved classifier and measures it on a test set."""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.data.sources.image_source import ImageSource
from ieg_fsr.errors import UserError
from ieg_fsr.evaluation.metrics import accuracies, class_accuracies, mean_class_accuracy, top_k_accuracy
from ieg_fsr.evaluation.untrusted_models import check_archive, check_saved_model

# Beyond these sizes a report stops being readable, and a matrix of Python integers stops fitting into memory.
LARGEST_PRINTED_MATRIX = 20
LARGEST_PRINTED_TABLE = 100
LARGEST_STORED_MATRIX = 1000
# A batch of a forward pass: as many images as fit into this number of pixels, and no more than 500.
_BATCH_PIXELS, _LARGEST_BATCH = 500 * 64 * 64, 500

Classifier = Callable[..., Any]


class SavedModelClassifier:
    """A SavedModel written by `keras.Model.export`, called like a Keras model; it can only infer."""

    def __init__(self, path: str):
        check_saved_model(path)
        self._module = tf.saved_model.load(path)
        if not hasattr(self._module, "serve"):
            raise TypeError("it has no `serve` endpoint as `model.export` writes it")
        self._serve = self._module.serve
        signature = self._module.signatures["serving_default"]
        self.input_shape = _single(signature.structured_input_signature[1].values())
        self.output_shape = _single(signature.structured_outputs.values())

    def __call__(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Maps raw pixels float32 [B, H, W, channels] to logits [B, C]."""
        if training:
            raise ValueError(f"a SavedModel classifier cannot be trained. Received: training={training}")
        return self._serve(images)


def _single(tensors: Iterable) -> Any:
    """The shape of the only tensor, else the list of shapes, as `keras.Model.input_shape` does it."""
    shapes = [tuple(tensor.shape) for tensor in tensors]
    return shapes[0] if len(shapes) == 1 else shapes


def compile_classifier(model: Classifier) -> tf.types.experimental.PolymorphicFunction:
    """Compiles inference: raw pixels [B, H, W, channels] of any dtype to float32 logits [B, C].

    Pass the result to `predict_logits` in place of the model to trace once for many evaluations.
    """

    @tf.function
    def forward(images: tf.Tensor) -> tf.Tensor:
        return tf.cast(model(tf.cast(images, tf.float32), training=False), tf.float32)

    return forward


def predict_logits(model: Classifier, source: ImageSource, batch_size: int | None = None) -> np.ndarray:
    """Predicts every example of a source in order.

    Every batch has the same size, the last one is filled up with black images, so one trace serves them all.

    Args:
      model: a Keras classifier, one from `load_classifier`, or what `compile_classifier` made of either.
      source: N images with their labels.
      batch_size: images per call, at least 1; by default 500, of images beyond 64x64 pixels fewer.

    Returns:
      float32 [N, C].

    Raises:
      UserError: the source is empty.
    """
    if not len(source):
        raise UserError("the test set must have at least one image. Received: 0")
    forward = model if isinstance(model, tf.types.experimental.PolymorphicFunction) else compile_classifier(model)
    batch_size = min(batch_size or default_batch_size(source), len(source))
    logits = []
    for start in range(0, len(source), batch_size):
        images = source.images(np.arange(start, min(start + batch_size, len(source))))
        missing = batch_size - len(images)
        padded = np.pad(images, ((0, missing), *[(0, 0)] * (images.ndim - 1))) if missing else images
        logits.append(forward(tf.constant(padded)).numpy()[: len(images)])
    return np.concatenate(logits)


def default_batch_size(source: ImageSource) -> int:
    """Images in a batch of a forward pass: as many as fit, and no more than 500."""
    pixels = math.prod(source.images(np.arange(1)).shape[1:3])
    return max(1, min(_LARGEST_BATCH, _BATCH_PIXELS // pixels))


def figures_on(
    model: Classifier, tests: Mapping[str, ImageSource], training_counts: np.ndarray, suffix: str = ""
) -> dict[str, float]:
    """Figures of a classifier on test sets, as in metrics.jsonl and summary.json.

    Args: model: as in `predict_logits`. tests: by what comes behind the names of their figures.
        training_counts: examples of each class in training, [C]. suffix: behind that.
    """
    figures: dict[str, float] = {}
    for name, test in tests.items():
        found = accuracies(predict_logits(model, test), test.labels, training_counts)
        figures |= {f"{figure}{name}{suffix}": value for figure, value in found.items()}
    return figures


def per_class_accuracy(model: Classifier, test: ImageSource) -> list[float | None] | None:
    """Accuracy of each class, None for one without images; None for more than 1000 classes. Args: as above."""
    logits = predict_logits(model, test)
    of_classes = class_accuracies(logits.argmax(axis=1), np.asarray(test.labels), logits.shape[1])
    if len(of_classes) > LARGEST_STORED_MATRIX:
        return None
    return [None if np.isnan(accuracy) else float(accuracy) for accuracy in of_classes]


def evaluate_model(
    model: Classifier,
    source: ImageSource,
    num_classes: int | None = None,
    class_names: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Measures a classifier on a test set.

    Args:
      model: as in `predict_logits`.
      source: N images with their labels.
      num_classes: C that the data have; by default what the model returns.
      class_names: C names, stored in the result for `report`.

    Returns:
      A dictionary ready for JSON: test_accuracy, test_top5, mean_class_accuracy (over classes with images),
      per_class_accuracy (C values, None for a class without images), confusion_matrix (C rows of C counts, row =
      label in the data; None for more than 1000 classes), examples, and class_names if they were given.

    Raises:
      UserError: the model returns another number of classes, or the source is empty.
    """
    from sklearn.metrics import confusion_matrix

    logits = predict_logits(model, source)
    if num_classes is not None and logits.shape[1] != num_classes:
        raise UserError(f"the classifier must have {num_classes} classes like the data. Received: {logits.shape[1]}")
    num_classes = logits.shape[1]
    labels, predictions = np.asarray(source.labels), logits.argmax(axis=1)
    of_classes = class_accuracies(predictions, labels, num_classes)
    stored = num_classes <= LARGEST_STORED_MATRIX
    result = {
        "test_accuracy": top_k_accuracy(logits, labels, 1),
        "test_top5": top_k_accuracy(logits, labels, 5),
        "mean_class_accuracy": mean_class_accuracy(of_classes),
        "per_class_accuracy": [None if np.isnan(a) else float(a) for a in of_classes],
        "confusion_matrix": confusion_matrix(labels, predictions, labels=range(num_classes)).tolist()
        if stored
        else None,
        "examples": len(source),
    }
    return result if class_names is None else result | {"class_names": list(class_names)}


def load_classifier(path: str | os.PathLike) -> Classifier:
    """Loads a classifier from a `.keras` or `.h5` file or from a SavedModel directory made by `model.export()`.

    Nothing in it is executed but arithmetic: see `untrusted_models`.

    Raises:
      UserError: there is no such file, or no Keras model in it; the message is one line.
    """
    path = os.fspath(path)
    is_directory = os.path.isfile(os.path.join(path, "saved_model.pb"))
    if not is_directory and not (os.path.isfile(path) and path.endswith((".keras", ".h5", ".hdf5"))):
        raise UserError(f"--model must be an existing .keras, .h5 file or SavedModel directory. Received: {path}")
    if path.endswith(".keras") and not is_directory and not zipfile.is_zipfile(path):
        raise UserError(f"--model is not a Keras model: not a zip archive. Received: {path}")
    try:
        return SavedModelClassifier(path) if is_directory else _load_file(path)
    except Exception as error:  # a broken file can raise anything from the zip, JSON, HDF5 and protobuf readers
        raise UserError(f"--model is not a Keras model: {_short_reason(error)}. Received: {path}") from error


def _load_file(path: str) -> keras.Model:
    if path.endswith(".keras"):
        check_archive(path)
    model = keras.saving.load_model(path, compile=False, safe_mode=True)
    if not isinstance(model, keras.Model):
        raise TypeError(f"it holds a {type(model).__name__}")
    return model


def _short_reason(error: Exception) -> str:
    """The first sentence of an exception on one line; Keras puts the cause after a dump of the configuration."""
    message = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    cause = message.split("Exception encountered: ")[-1]
    first_line = next((line.strip() for line in cause.splitlines() if line.strip()), type(error).__name__)
    return first_line.split(". ")[0].rstrip(".")[:160]


def check_fits(
    model: Classifier, image_shape: tuple[int, int, int], num_classes: int, dataset: str = "data", path: str = "model"
) -> None:
    """Checks that a loaded classifier takes the images of a data set and knows its classes.

    Args:
      model: a classifier from `load_classifier`.
      image_shape: height, width, channels of the data.
      num_classes: classes of the data.
      dataset, path: values of --dataset and --model, for the message.

    Raises:
      UserError: input shape or number of classes do not fit.
    """
    expected, outputs = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    if expected is not None and not _accepts(expected, image_shape):
        has = f"{_sides(expected)} but --dataset={dataset} has {_sides((None, *image_shape))}"
        raise UserError(f"--model has input {has}. Received: {path}")
    if outputs is not None and (not isinstance(outputs, tuple) or len(outputs) != 2):
        raise UserError(f"--model must have one output of shape [batch, classes]. Received: {path}")
    if outputs is not None and outputs[1] not in (None, num_classes):
        has = f"{outputs[1]} classes but --dataset={dataset} has {num_classes}"
        raise UserError(f"--model has {has}. Received: {path}")


def _accepts(expected: Any, image_shape: tuple[int, int, int]) -> bool:
    """Whether [batch, height, width, channels], None for any size, takes images of this shape."""
    if not isinstance(expected, tuple) or len(expected) != 4:
        return False
    return all(want is None or want == got for want, got in zip(expected[1:], image_shape, strict=True))


def _sides(shape: Any) -> str:
    """`32x32x3` for a [batch, 32, 32, 3] shape, `?` for a free size; other structures as they are."""
    if isinstance(shape, tuple) and all(isinstance(side, int | None) for side in shape):
        return "x".join("?" if side is None else str(side) for side in shape[1:])
    return str(shape).replace("\n", " ")


def report(result: dict[str, Any]) -> str:
    """Formats a result of `evaluate_model` for the terminal.

    Up to 100 classes are listed in order, of more only the 20 worst; a confusion matrix is shown for up to 20 classes.
    """
    accuracies = result["per_class_accuracy"]
    names = result.get("class_names") or range(len(accuracies))
    titles = [str(index) if str(name) == str(index) else f"{index} {name}" for index, name in enumerate(names)]
    lines = [
        f"examples             {result['examples']}",
        f"top-1 accuracy       {result['test_accuracy']:.4f}",
        f"top-5 accuracy       {result['test_top5']:.4f}",
        f"mean class accuracy  {result['mean_class_accuracy']:.4f}",
        "",
        *_class_table(titles, accuracies),
    ]
    if result["confusion_matrix"] is not None and len(accuracies) <= LARGEST_PRINTED_MATRIX:
        lines += ["", *_confusion_table(titles, result["confusion_matrix"])]
    return "\n".join(lines)


def _class_table(titles: list[str], accuracies: list[float | None]) -> list[str]:
    order, heading = list(range(len(accuracies))), "accuracy per class"
    if len(order) > LARGEST_PRINTED_TABLE:
        order = [index for _, index in sorted((a, index) for index, a in enumerate(accuracies) if a is not None)[:20]]
        heading = f"accuracy per class, the {len(order)} worst of {len(accuracies)}"
    width = max(len(titles[index]) for index in order)
    shown = {index: "no images" if accuracies[index] is None else f"{accuracies[index]:.4f}" for index in order}
    return [heading, *(f"  {titles[index]:<{width}}  {shown[index]}" for index in order)]


def _confusion_table(titles: list[str], rows: list[list[int]]) -> list[str]:
    width = max(len(title) for title in titles)
    cell = max(len(str(number)) for row in [*rows, range(len(rows))] for number in row) + 1
    head = " " * (width + 3) + "".join(f"{column:>{cell}}" for column in range(len(rows)))
    lines = ["confusion matrix (row: label in the data, column: predicted)", head]
    for title, row in zip(titles, rows, strict=True):
        lines.append(f"  {title:<{width}} " + "".join(f"{count:>{cell}}" for count in row))
    return lines
