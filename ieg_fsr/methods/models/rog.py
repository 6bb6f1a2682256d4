"""RoG: a robust generative head in the place of the final layer of a trained classifier, of Keras' own layers (Lee et
al., Robust Inference via Generative Classifiers for Handling Noisy Labels, ICML 2019)."""

from typing import NamedTuple

import keras
import numpy as np

from ieg_fsr.data.pipeline.examples import Source
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.label_report import predicted_logits, probabilities_of
from ieg_fsr.methods.models.robust_gaussians import Gaussians, mixture_weights, robust_gaussians
from ieg_fsr.networks.split import input_structure, split_classifier
from ieg_fsr.unlabelled import class_counts, labelled

# Two of a class must be kept of 70 %.
FEWEST_OF_A_CLASS = 3
# Held out of training to weigh the layers by: a tenth of each class, and about as many as the paper's in all.
_HELD_OUT_SHARE, _MOST_HELD_OUT = 0.1, 500
# Of these the half is used whose labels fit the last layer best (section 3.3).
_TRUSTED_SHARE = 0.5
# Stages of a network that give features, the paper's number for a ResNet.
_MOST_LAYERS = 4
_SMALLEST_WEIGHT, _SMALLEST_PROBABILITY = 1e-6, 1e-30
_STREAM = 8  # of the seed


class Parts(NamedTuple):
    """Ids of the labelled examples, rising: those that are trained on, and those that weigh the layers."""

    training: np.ndarray
    held_out: np.ndarray


def hold_out(given_labels: np.ndarray, num_classes: int, seed: int) -> Parts:
    """Holds a seeded draw out of training, at most a tenth of each class of the given labels [N].

    Raises UserError if a class has too few examples for its Gaussian.
    """
    counts = class_counts(given_labels, num_classes)
    if counts.min() < FEWEST_OF_A_CLASS:
        raise UserError(
            f"--head=rog must have at least {FEWEST_OF_A_CLASS} training examples labelled as each class. Received: "
            f"{counts.min()} of class {counts.argmin()}"
        )
    share = min(_HELD_OUT_SHARE, _MOST_HELD_OUT / counts.sum())
    rng = np.random.default_rng([seed, _STREAM])
    held_out = [
        rng.permutation(np.flatnonzero(given_labels == label))[: int(share * count)]
        for label, count in enumerate(counts)
    ]
    held_out = np.sort(np.concatenate(held_out))
    if not len(held_out):
        rule = f"have {round(1 / share)} training examples of one class at least, of which one is held out"
        raise UserError(f"--head=rog must {rule}. Received: {counts.max()}")
    return Parts(np.setdiff1d(np.flatnonzero(labelled(given_labels)), held_out), held_out)


def with_robust_head(
    classifier: keras.Model, source: Source, given_labels: np.ndarray, parts: Parts, seed: int
) -> keras.Model:
    """A classifier of the same layers, whose logits are the log-probabilities of an ensemble of Gaussians by layer.

    Each of some layers, averaged over positions, has robust Gaussians of the given labels; the weights of the ensemble
    are those that the held-out labels are likeliest under.

    Args: source: of N inputs, taken as they are. given_labels: [N]. parts: of `hold_out`. seed: of the Gaussians.
    """
    tensors = feature_tensors(classifier)
    together = keras.layers.Concatenate(dtype="float32")(tensors) if len(tensors) > 1 else tensors[0]
    network = keras.Model(input_structure(classifier), together)
    features = predicted_logits(network, source)
    by_layer = np.split(features, np.cumsum([tensor.shape[-1] for tensor in tensors])[:-1], axis=1)
    rng, classes = np.random.default_rng([seed, _STREAM + 1]), classifier.output_shape[-1]
    labels = given_labels[parts.training]
    found = [robust_gaussians(layer[parts.training], labels, classes, rng) for layer in by_layer]
    return _ensemble(classifier, tensors, found, _layer_weights(by_layer, given_labels, parts.held_out, found))


def _layer_weights(
    by_layer: list[np.ndarray], given_labels: np.ndarray, held_out: np.ndarray, found: list[Gaussians]
) -> np.ndarray:
    """Weights [L] of the layers, by the held-out labels that fit the last layer best."""
    distances = found[-1].distances(by_layer[-1][held_out].astype(np.float64), given_labels[held_out])
    trusted = held_out[np.argsort(distances, kind="stable")[: int(np.ceil(_TRUSTED_SHARE * len(held_out)))]]
    said = []
    for features, gaussians in zip(by_layer, found, strict=True):
        kernel, bias = gaussians.linear()
        probabilities = probabilities_of(features[trusted].astype(np.float64) @ kernel + bias)
        said.append(probabilities[np.arange(len(trusted)), given_labels[trusted]])
    return mixture_weights(np.maximum(said, _SMALLEST_PROBABILITY))


def feature_tensors(classifier: keras.Model) -> list[keras.KerasTensor]:
    """Features [B, D] of the ends of a network's last stages, averaged over positions; last those of the final layer.

    A stage ends with the last activation or sum of feature maps of one size; the last one gives the final features.
    """
    shared, _ = split_classifier(classifier)
    ends: dict[tuple, keras.KerasTensor] = {}
    for layer in classifier.layers:
        kinds = keras.layers.ReLU | keras.layers.Activation | keras.layers.Add
        if isinstance(layer, kinds) and len(layer.output.shape) == 4:
            ends[layer.output.shape[1:3]] = layer.output
    maps = list(ends.values())[:-1][1 - _MOST_LAYERS :]
    return [keras.layers.GlobalAveragePooling2D(dtype="float32")(one) for one in maps] + [shared.output]


def _ensemble(
    classifier: keras.Model, tensors: list[keras.KerasTensor], found: list[Gaussians], weights: np.ndarray
) -> keras.Model:
    """log sum_l a_l softmax(z_l), by plain layers: log(e^u + e^v) = u + softplus(v - u)."""
    total, dense = None, []
    for tensor, weight in zip(tensors, np.maximum(weights, _SMALLEST_WEIGHT), strict=True):
        dense.append(keras.layers.Dense(classifier.output_shape[-1], dtype="float32"))
        said = keras.layers.Activation("log_softmax", dtype="float32")(dense[-1](tensor))
        said = keras.layers.Rescaling(1.0, offset=float(np.log(weight)), dtype="float32")(said)
        if total is None:
            total = said
            continue
        more = keras.layers.Subtract(dtype="float32")([said, total])
        more = keras.layers.Activation("softplus", dtype="float32")(more)
        total = keras.layers.Add(dtype="float32")([total, more])
    for layer, gaussians in zip(dense, found, strict=True):
        layer.set_weights(list(gaussians.linear()))
    return keras.Model(input_structure(classifier), total, name=classifier.name)
