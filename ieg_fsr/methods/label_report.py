"""What training learned about each given label: the rows of `labels.csv`."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.data.pipeline import Source

_CHUNK = 250  # examples predicted at once


class LabelReport(NamedTuple):
    """One entry per training example, ordered by example id; every field is [N].

    Attributes:
        example_id: dense id 0..N-1.
        given_label: label in the data.
        score: higher = cleaner; with the pusher `forgetting` the other way round.
        weight: the sample's weight when it was last trained on, relative to uniform (1 = uniform).
        pseudo_label: class that training believes in.
        confidence: probability of `pseudo_label`, in (0, 1].
        suspect: 1 where `pseudo_label` is not `given_label`.
    """

    example_id: np.ndarray
    given_label: np.ndarray
    score: np.ndarray
    weight: np.ndarray
    pseudo_label: np.ndarray
    confidence: np.ndarray
    suspect: np.ndarray


def label_report(
    given_labels: np.ndarray, scores: np.ndarray, weights: np.ndarray, probabilities: np.ndarray
) -> LabelReport:
    """Puts the tables together. Args: given_labels, scores, weights: [N]. probabilities: [N, C]."""
    pseudo_labels = probabilities.argmax(axis=1).astype(np.int32)
    return LabelReport(
        example_id=np.arange(len(given_labels), dtype=np.int32),
        given_label=np.asarray(given_labels, np.int32),
        score=scores,
        weight=weights,
        pseudo_label=pseudo_labels,
        confidence=probabilities.max(axis=1),
        suspect=(pseudo_labels != given_labels).astype(np.int32),
    )


def predicted_probabilities(classifier: keras.Model, source: Source) -> np.ndarray:
    """Softmax probabilities [N, C] of the trained classifier for every example of a source."""
    forward = tf.function(lambda images: tf.nn.softmax(classifier(images, training=False)), reduce_retracing=True)
    chunks = np.split(np.arange(len(source)), range(_CHUNK, len(source), _CHUNK))
    return np.concatenate([forward(tf.cast(source.images(ids), tf.float32)).numpy() for ids in chunks])


def own_log_probabilities(probabilities: np.ndarray, given_labels: np.ndarray) -> np.ndarray:
    """Log-probability [N] of each given label: the score where training kept none."""
    own = probabilities[np.arange(len(given_labels)), given_labels]
    return np.log(np.maximum(own, np.finfo(np.float32).tiny))
