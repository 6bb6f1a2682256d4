"""The data sets of the command line, by name.

Nothing here imports TensorFlow before it is needed: a mistyped flag is answered at once.
"""

import os

from ieg_fsr.data.sources import npz, tfds_named
from ieg_fsr.data.sources.cifar import load_cifar
from ieg_fsr.data.sources.digits import load_digits
from ieg_fsr.data.sources.fashion_mnist import load_fashion_mnist
from ieg_fsr.data.sources.folder import load_folder
from ieg_fsr.data.sources.image_source import DataSet
from ieg_fsr.data.sources.inaturalist import load_inaturalist2018
from ieg_fsr.data.sources.webvision import load_webvision_mini
from ieg_fsr.errors import UserError

DATASETS = ("digits", "fashion_mnist", "cifar10", "cifar100", "webvision_mini", "inaturalist2018")
# A user's own data: kind -> what stands behind the colon.
OWN_DATA = {"folder": "DIR", "npz": "FILE", "tfds": "NAME"}
CHOICES = ", ".join((*DATASETS, *(f"{kind}:{place}" for kind, place in OWN_DATA.items())))


def is_dataset(name: str) -> bool:
    """Whether `name` is one of `DATASETS`, or a kind of own data with something behind the colon."""
    kind, colon, place = name.partition(":")
    return name in DATASETS or (kind in OWN_DATA and bool(colon and place))


def image_side(name: str, data_dir: str | None = None) -> int | None:
    """The longer side of the images of npz:FILE or tfds:NAME, if it can be told at once; of tfds: up to 64."""
    kind, _, place = name.partition(":")
    if kind == "npz":
        return npz.image_side(place)
    return tfds_named.image_side(place, data_dir) if kind == "tfds" else None


def load_dataset(
    name: str, data_dir: str | None = None, image_size: int | None = None, strict_data: bool = False
) -> DataSet:
    """Loads a data set with its true labels.

    Args:
      name: a name from `DATASETS`, folder:DIR, npz:FILE or tfds:NAME.
      data_dir: directory of the data set's files; None: the places that need no flag (packages, the default
        directory of tensorflow_datasets), then a download.
      image_size: side to which images in files are brought; None: 224, or as they are where all have one size.
      strict_data: whether an image that cannot be decoded is an error; otherwise it is left out and reported.

    Raises:
      UserError: an unknown name, a missing directory, a damaged file, or a file that is not here and not reachable.
    """
    if not is_dataset(name):
        raise UserError(f"--dataset must be one of {CHOICES}. Received: {name}")
    if data_dir is not None:
        expanded = os.path.expanduser(data_dir)
        if not os.path.isdir(expanded):
            raise UserError(f"--data_dir must be an existing directory. Received: {data_dir}")
        data_dir = expanded
    kind, _, place = name.partition(":")
    if kind == "folder":
        return load_folder(place, image_size, strict_data)
    if kind == "tfds":
        return tfds_named.load_tfds_named(place, data_dir, image_size, strict_data)
    if name == "webvision_mini":
        return load_webvision_mini(data_dir, image_size, strict_data)
    if name == "inaturalist2018":
        return load_inaturalist2018(data_dir, image_size, strict_data)
    data = npz.load_npz(place) if kind == "npz" else _load_arrays(name, data_dir)
    if image_size is not None:
        sides = "x".join(map(str, data.train.image_shape))
        raise UserError(f"--image_size must be left out: --dataset={name} has images of one size, {sides}. "
                        f"Received: {image_size}")  # fmt: skip
    return data


def _load_arrays(name: str, data_dir: str | None) -> DataSet:
    """The data sets of small images, held in memory."""
    if name == "digits":
        return load_digits()
    if name == "fashion_mnist":
        return load_fashion_mnist(data_dir)
    return load_cifar(name, data_dir)
