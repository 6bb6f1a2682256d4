"""The data sets of the command line, by name.

Nothing here imports TensorFlow before it is needed: a mistyped flag is answered at once.
"""

import os

from ieg_fsr.data.cifar import load_cifar
from ieg_fsr.data.digits import load_digits
from ieg_fsr.data.fashion_mnist import load_fashion_mnist
from ieg_fsr.data.sources import DataSet
from ieg_fsr.errors import UserError

DATASETS = ("digits", "fashion_mnist", "cifar10", "cifar100")


def load_dataset(name: str, data_dir: str | None = None) -> DataSet:
    """Loads one of `DATASETS` with its true labels.

    Args:
      name: a name from `DATASETS`.
      data_dir: directory of the data set's files; None: the places that need no flag (packages, the default
        directory of tensorflow_datasets), then a download.

    Raises:
      UserError: an unknown name, a missing directory, a damaged file, or a file that is not here and not reachable.
    """
    if name not in DATASETS:
        raise UserError(f"--dataset must be one of {', '.join(DATASETS)}. Received: {name}")
    if data_dir is not None:
        expanded = os.path.expanduser(data_dir)
        if not os.path.isdir(expanded):
            raise UserError(f"--data_dir must be an existing directory. Received: {data_dir}")
        data_dir = expanded
    if name == "digits":
        return load_digits()
    if name == "fashion_mnist":
        return load_fashion_mnist(data_dir)
    return load_cifar(name, data_dir)
