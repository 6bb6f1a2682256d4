"""Pictures of a run for TensorBoard: the confusion matrix, and the examples that the method has to show."""

import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.data.sources.image_source import DataSet, ImageSource
from ieg_fsr.evaluation.evaluate import compile_classifier, predict_logits
from ieg_fsr.evaluation.image_grid import displayable, image_grid

# Pictures are made at about this many times in a run, and after its last epoch.
_TIMES = 10
_LARGEST_SIDE = 96  # of one image in a grid, in pixels
_LARGEST_MATRIX = 100  # classes; beyond, a confusion matrix is not readable
_CELL = 8  # pixels of a cell of a confusion matrix


class EpochPictures(keras.callbacks.Callback):
    """Writes images into the events of a run; after an epoch's other work, with what is known then."""

    def __init__(
        self,
        directory: pathlib.Path,
        data: DataSet,
        given_labels: np.ndarray,
        epochs: int,
        test: ImageSource | None = None,
    ) -> None:
        """Sets up the files.

        Args:
            directory: of the run.
            data: as the run trains on it.
            given_labels: [N].
            epochs: of the whole run.
            test: the test part as the classifier takes it; None for that of the data.
        """
        super().__init__()
        self.test = data.test if test is None else test
        self.data, self.given_labels, self.epochs = data, given_labels, epochs
        self.forward: Any = None
        self.writer = tf.summary.create_file_writer(str(directory), filename_suffix=".pictures")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Writes the pictures where they are due."""
        if (epoch + 1) % max(1, self.epochs // _TIMES) and epoch + 1 != self.epochs:
            return
        with self.writer.as_default(step=epoch + 1):
            for name, (image, text) in self.pictures().items():
                tf.summary.image(name, image[np.newaxis], description=text)
        self.writer.flush()

    def pictures(self) -> dict[str, tuple[np.ndarray, str]]:
        """Name -> image uint8 [H, W, 1 or 3] and what it shows."""
        from sklearn.metrics import confusion_matrix

        made = {}
        for tag, shown in self.model.example_grids().items():
            labels = f": given labels {self._names(shown.ids)}" if shown.labels_told else ""
            made[tag] = (self.grid(shown.ids, shown.columns), shown.text + labels)
        if self.data.num_classes <= _LARGEST_MATRIX:
            # Once a run: each would trace anew.
            self.forward = self.forward or compile_classifier(self.model.classifier)
            logits = predict_logits(self.forward, self.test)
            confusion = confusion_matrix(
                self.data.test.labels, logits.argmax(axis=1), labels=range(self.data.num_classes)
            )
            text = "Row: label in the data, column: predicted; the darker, the larger the share of the row."
            made["test/confusion"] = (confusion_image(confusion), text)
        return made

    def grid(self, ids: np.ndarray, columns: int) -> np.ndarray:
        """The images of some examples; an id of -1 leaves a place black."""
        images = self.data.train.images(np.maximum(ids, 0))
        images[ids < 0] = 0
        return image_grid(_shrunk(displayable(images)), columns, gap=1)

    def _names(self, ids: np.ndarray) -> str:
        return ", ".join(self.data.class_names[label] for label in self.given_labels[ids])


def confusion_image(confusion: np.ndarray) -> np.ndarray:
    """Shares of the rows in shades of grey, white = 0. Args: confusion: [C, C] counts. Returns uint8 [H, W, 1]."""
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    shades = np.round(255 * (1.0 - share)).astype(np.uint8)
    return np.kron(shades, np.ones([_CELL, _CELL], np.uint8))[..., np.newaxis]


def _shrunk(images: np.ndarray) -> np.ndarray:
    """Large images brought down to `_LARGEST_SIDE`."""
    height, width = images.shape[1:3]
    scale = _LARGEST_SIDE / max(height, width)
    if scale >= 1:
        return images
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    return tf.saturate_cast(tf.round(tf.image.resize(images, size, method="area")), tf.uint8).numpy()
