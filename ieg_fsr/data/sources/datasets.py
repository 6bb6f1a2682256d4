"""The data sets of the command line: a line for each.

Nothing here imports TensorFlow before it is needed: a mistyped flag is answered at once.
"""

import os

import numpy as np

from ieg_fsr.data.sources import (
    cifar,
    digits,
    fashion_mnist,
    folder,
    image_table,
    inaturalist,
    npz,
    tfds_named,
    webvision,
)
from ieg_fsr.data.sources.dataset_spec import DataSetSpec, Request
from ieg_fsr.data.sources.image_source import DataSet
from ieg_fsr.errors import UserError, refusal
from ieg_fsr.unlabelled import labelled

_SPECS = (
    digits.SPEC,
    fashion_mnist.SPEC,
    cifar.CIFAR10,
    cifar.CIFAR100,
    webvision.SPEC,
    inaturalist.SPEC,
    folder.SPEC,
    image_table.SPEC,
    npz.SPEC,
    tfds_named.SPEC,
)
SPECS: dict[str, DataSetSpec] = {spec.name: spec for spec in _SPECS}
# Those with a name of their own; the others are kinds of a user's own data.
DATASETS = tuple(spec.name for spec in _SPECS if not spec.place)
CHOICES = ", ".join(spec.usage for spec in _SPECS)


def is_dataset(name: str) -> bool:
    """Whether `name` is one of `DATASETS`, or a kind of own data with something behind the colon."""
    kind, colon, place = name.partition(":")
    spec = SPECS.get(kind)
    return spec is not None and bool(place if spec.place else not colon)


def spec_of(name: str) -> DataSetSpec:
    """The data set of a value of --dataset.

    Raises:
        UserError: there is none.
    """
    if not is_dataset(name):
        raise UserError(f"--dataset must be one of {CHOICES}. Received: {name}")
    return SPECS[name.partition(":")[0]]


def image_side(name: str, data_dir: str | None = None) -> int | None:
    """The longer side of the images of own data, if it can be told at once; of files and of tfds: up to 64."""
    return spec_of(name).image_side(name.partition(":")[2], data_dir)


def load_dataset(
    name: str, data_dir: str | None = None, image_size: int | None = None, strict_data: bool = False
) -> DataSet:
    """Loads a data set with its true labels.

    The arguments are the value of --dataset and what `Request` says of the others. Without `data_dir` come the places
    that need no flag (packages, the default directory of tensorflow_datasets), then a download.

    Raises:
      UserError: an unknown name, a missing directory, a damaged file, or a file that is not here and not reachable.
    """
    spec = spec_of(name)
    if data_dir is not None:
        expanded = os.path.expanduser(data_dir)
        if not os.path.isdir(expanded):
            raise UserError(f"--data_dir must be an existing directory. Received: {data_dir}")
        data_dir = expanded
    elif spec.data_dir:
        raise UserError(f"--data_dir must be given with --dataset={name}: {spec.data_dir}. Received: nothing")
    data = spec.load(Request(name.partition(":")[2], data_dir, image_size, strict_data))
    for part in (data.test, *data.extra_tests.values()):
        if without := int(np.sum(~labelled(part.labels))):
            raise refusal(f"--dataset={name}", "have a label for each image to test on", f"{without} without")
    if image_size is not None and not spec.resizes:
        sides = "x".join(map(str, data.train.image_shape))
        raise UserError(f"--image_size must be left out: --dataset={name} has images of one size, {sides}. "
                        f"Received: {image_size}")  # fmt: skip
    return data


def help_lines() -> str:
    """A line for each data set: its name, what it is, how many classes."""
    classes = {name: f" [{spec.num_classes:,} classes]" if spec.num_classes else "" for name, spec in SPECS.items()}
    return "\n".join(f"  {spec.usage:<28} {spec.help}{classes[name]}" for name, spec in SPECS.items())
