"""Classifier re-training (cRT): the final layer anew, on the features as they are and batches of balanced classes (Kang
et al., Decoupling Representation and Classifier for Long-Tailed Recognition, ICLR 2020, section 4.1)."""

import keras
import numpy as np

from ieg_fsr.data.pipeline.examples import Source
from ieg_fsr.errors import refusal
from ieg_fsr.methods.models.label_report import predicted_logits, probabilities_of
from ieg_fsr.networks.split import input_structure, split_classifier
from ieg_fsr.unlabelled import class_counts, labelled

# The paper's ten epochs of SGD whose rate falls to 0 along a cosine.
_EPOCHS, _BATCH, _RATE, _MOMENTUM, _WEIGHT_DECAY = 10, 100, 0.1, 0.9, 5e-4
# Of a few hundred examples ten epochs are hardly any steps.
_FEWEST_STEPS = 1000
_STREAM = 10  # of the seed


def check_classes(given_labels: np.ndarray, num_classes: int) -> None:
    """Raises UserError if a class has no example among the given labels [N]."""
    counts = class_counts(given_labels, num_classes)
    if counts.min() < 1:
        rule = "have a training example labelled as each class"
        raise refusal("--head=crt", rule, f"none of class {counts.argmin()}")


def with_retrained_head(classifier: keras.Model, source: Source, given_labels: np.ndarray, seed: int) -> keras.Model:
    """A classifier of the same layers but the last, which is trained anew from zeros by `balanced_regression`.

    Args: source: of N inputs, taken as they are. given_labels: [N], each class among them. seed: of the batches.
    """
    shared, head = split_classifier(classifier)
    known = np.flatnonzero(labelled(given_labels))
    features = predicted_logits(shared, source)[known]
    kernel, bias = balanced_regression(features, given_labels[known], head.units, seed)
    dense = keras.layers.Dense(head.units, dtype=head.dtype_policy, name=head.name)
    model = keras.Model(input_structure(classifier), dense(shared.output), name=classifier.name)
    dense.set_weights([kernel, bias])
    return model


def balanced_regression(
    features: np.ndarray, labels: np.ndarray, num_classes: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel [D, C] and bias [C] of a softmax regression by momentum SGD.

    A batch draws a class, all alike, and then an example of it, for each of its places.
    """
    rng = np.random.default_rng([seed, _STREAM])
    members = [np.flatnonzero(labels == label) for label in range(num_classes)]
    inputs = np.hstack([features, np.ones([len(features), 1], features.dtype)]).astype(np.float64)
    weights = np.zeros([inputs.shape[1], num_classes])
    velocity = np.zeros_like(weights)
    steps = max(_EPOCHS * len(labels) // _BATCH, _FEWEST_STEPS)
    for step in range(steps):
        classes = rng.integers(num_classes, size=_BATCH)
        drawn = np.array([members[one][rng.integers(len(members[one]))] for one in classes])
        error = probabilities_of(inputs[drawn] @ weights) - np.eye(num_classes)[classes]
        gradient = inputs[drawn].T @ error / _BATCH + _WEIGHT_DECAY * weights
        rate = 0.5 * _RATE * (1.0 + np.cos(np.pi * step / steps))
        velocity = _MOMENTUM * velocity - rate * gradient
        weights += velocity
    return weights[:-1], weights[-1]
