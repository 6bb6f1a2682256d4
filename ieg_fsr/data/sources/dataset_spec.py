"""What the rest of the project knows of a data set: each data set's module declares it, `datasets` lists them.

Importing one loads no TensorFlow.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ieg_fsr.data.sources.image_source import DataSet

Settings = dict[str, Any]


# What most experiments of the paper share (Table 4); what they add for wrong labels; and for a long tail of right ones,
# which want neither MixUp nor pseudo labels.
SHARED: Settings = {
    "batch_size": 100,
    "learning_rate": 0.1,
    "weight_decay": 5e-4,
    "flip": True,
    "reward_batch_size": 200,
    "reweight_warmup_epochs": 20,
}
WRONG_LABELS: Settings = {
    "mixup": True,
    "label_momentum": 0.1,
    "pseudo_label_loss_weight": 2.0,
    "weight_constraint": "clip",
}
LONG_TAIL: Settings = {
    "schedule": "steps",
    "label_smoothing": 0.1,
    "mixup": False,
    "pseudo_label_loss_weight": 0.0,
    "weight_constraint": "shift",
}


class Recipe(NamedTuple):
    """Settings of a data set, by names of `Config`, for what is wrong with it.

    Attributes:
        noise: for wrong labels, and for nothing wrong.
        long_tail: for a long tail of right labels; None: as `noise`.
        long_tail_noise: for a long tail with wrong labels; None: as `noise`.
    """

    noise: Settings
    long_tail: Settings | None = None
    long_tail_noise: Settings | None = None

    def of(self, *, long_tailed: bool, noisy: bool) -> Settings:
        """The settings for what is wrong. Args: long_tailed: classes are cut. noisy: labels are made wrong."""
        if not long_tailed:
            return self.noise
        return (self.long_tail_noise if noisy else self.long_tail) or self.noise


class Request(NamedTuple):
    """What a run asks a data set for.

    Attributes:
        place: what stands behind the colon of --dataset; empty for a data set with a name of its own.
        data_dir: an existing directory; None: the places that need no flag.
        image_size: side to which images in files are brought; None: the data set decides.
        strict: whether an image that cannot be decoded is an error; otherwise it is left out.
    """

    place: str = ""
    data_dir: str | None = None
    image_size: int | None = None
    strict: bool = False


@dataclasses.dataclass(frozen=True)
class DataSetSpec:
    """A data set.

    Attributes:
        name: value of --dataset, or its part before the colon.
        help: what it is and where it comes from, in a line.
        load: reads it.
        recipe: from the longer side of the images, if known, its settings; names of `Config`.
        place: what stands behind the colon, of a user's own data.
        num_classes: C; None where the data decide.
        data_dir: what --data_dir must be where it must be given; else empty.
        resizes: whether --image_size is for it: images in files are brought to that side.
        has_true_labels: whether the labels in the data are right; of a user's own data nobody knows.
        image_side: from place and data_dir the longer side of the images, if it can be told at once.
        mistakes: the class [C] for which each class is mistaken, which asymmetric noise is made of.
    """

    name: str
    help: str
    load: Callable[[Request], DataSet]
    recipe: Callable[[int | None], Recipe]
    place: str = ""
    num_classes: int | None = None
    data_dir: str = ""
    resizes: bool = False
    has_true_labels: bool = True
    image_side: Callable[[str, str | None], int | None] = lambda place, data_dir: None
    mistakes: Callable[[], np.ndarray] | None = None

    @property
    def labels_are_true(self) -> bool:
        """Whether the labels in the data can be taken for the true ones."""
        return self.has_true_labels and not self.place

    @property
    def usage(self) -> str:
        """How it is named on the command line: digits, folder:DIR."""
        return f"{self.name}:{self.place}" if self.place else self.name
