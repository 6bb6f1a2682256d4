"""`--features=frozen`: training sees the features of a frozen backbone in the place of the images.

The trained head and the backbone together are the classifier, from images to logits.
"""

import dataclasses
import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

from ieg_fsr.data.sources.image_source import DataSet, checked_ids
from ieg_fsr.networks.backbones import seeded
from ieg_fsr.networks.split import split_classifier
from ieg_fsr.setting import Config
from ieg_fsr.training.feature_cache import cached_features
from ieg_fsr.training.network import network_of

FROZEN = "frozen"
# Features are brought to mean 0 and to one scale; the mean square of their length, which the paper's learning rates go
# with, is that of 64 features of variance 1.
_SQUARED_LENGTH = 64.0
# Of the mean variance: what varies less stays as small as it is.
_SMALLEST_VARIANCE = 1e-2


class Seen(NamedTuple):
    """What a run trains on.

    Attributes:
        data: its sources give images, or features [n, D] in the place of them.
        network: from a seed to a classifier of them.
        whole: from such a classifier, trained, to the one of images.
        sha256: hash of the features of the training images; None of images.
    """

    data: DataSet
    network: Callable[[int], keras.Model]
    whole: Callable[[keras.Model], keras.Model]
    sha256: str | None


class FeatureSource:
    """Features in the place of images: an `ImageSource` but for the shape."""

    def __init__(self, features: np.ndarray, labels: np.ndarray) -> None:
        """Args: features: [N, D], float32. labels: [N]."""
        self._features, self.labels = features, labels
        self.image_shape: Any = features.shape[1:]

    def __len__(self) -> int:
        return len(self.labels)

    def images(self, ids: Any) -> np.ndarray:
        """Features [n, D] of the examples `ids` [n], a copy."""
        return self._features[checked_ids(ids, len(self))]

    def take(self, ids: Any) -> "FeatureSource":
        """A new source of these examples."""
        checked = checked_ids(ids, len(self))
        return FeatureSource(self._features[checked], self.labels[checked])


def what_is_seen(config: Config, data: DataSet) -> Seen:
    """The images and the network of the settings, or the features of its backbone and a head for them.

    Raises:
        UserError: see `network_of`, `cached_features`.
    """
    network = network_of(config, data.train.image_shape, data.num_classes)
    if config.features != FROZEN:
        return Seen(data, network, lambda classifier: classifier, None)
    backbone = split_classifier(network(config.seed)).below
    parts = {"train": data.train, "test": data.test} | ({"holdout": data.holdout} if data.holdout else {})
    sources = [*parts.values(), *data.extra_tests.values()]
    features = cached_features(backbone, sources, config.features_dir)
    seen = [FeatureSource(array, source.labels) for array, source in zip(features, sources, strict=True)]
    replaced: dict[str, Any] = dict(zip(parts, seen, strict=False))
    extra_tests = dict(zip(data.extra_tests, seen[len(parts) :], strict=True))
    data_seen = dataclasses.replace(data, extra_tests=extra_tests, **replaced)
    head = _heads(features[0], data.num_classes, config.head_units)
    sha256 = hashlib.sha256(np.ascontiguousarray(features[0])).hexdigest()
    return Seen(data_seen, head, lambda classifier: joined(backbone, classifier), sha256)


def _heads(features: np.ndarray, num_classes: int, units: int) -> Callable[[int], keras.Model]:
    """From a seed to a classifier of features [B, D]: standardised, a hidden layer of some units or none, logits."""
    variance = features.var(axis=0, dtype=np.float64)
    variance = np.maximum(variance, max(_SMALLEST_VARIANCE * variance.mean(), np.finfo(np.float32).tiny))
    mean, variance = features.mean(axis=0, dtype=np.float64), variance * features.shape[1] / _SQUARED_LENGTH

    def head(seed: int) -> keras.Model:
        with seeded(seed):
            inputs = keras.Input(features.shape[1:])
            standard = keras.layers.Normalization(
                mean=mean.astype(np.float32).tolist(), variance=variance.astype(np.float32).tolist(), dtype="float32",
                name="standardised",
            )  # fmt: skip
            hidden = standard(inputs)
            if units:
                hidden = keras.layers.Dense(units, "relu", kernel_initializer="he_normal", name="hidden")(hidden)
            logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(hidden)
            return keras.Model(inputs, logits, name="head")

    return head


def joined(backbone: keras.Model, classifier: keras.Model) -> keras.Model:
    """A backbone and a classifier of its features as one flat network of the same layers."""
    # Calls the layers of the classifier on the features, as calling it would, but not as one layer.
    logits = classifier._run_through_graph(backbone.outputs, operation_fn=lambda layer: layer)
    return keras.Model(backbone.inputs[0], keras.tree.flatten(logits)[0], name=backbone.name.removesuffix("_shared"))
