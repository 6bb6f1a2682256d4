"""Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017): 60,000 + 10,000 grey images of clothes, 28x28, 10 classes."""

import gzip
import math
import pathlib
import zlib

import numpy as np

from ieg_fsr.data.sources import digits
from ieg_fsr.data.sources.dataset_spec import DataSetSpec, Recipe
from ieg_fsr.data.sources.image_source import ArraySource, DataSet
from ieg_fsr.data.sources.tfds_source import load_with_tfds
from ieg_fsr.errors import UserError, refusal

CLASS_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"
)  # fmt: skip
# Where the Debian package dataset-fashion-mnist puts the files.
SYSTEM_DIRECTORY = "/usr/share/datasets/fashion-mnist"
_FILES = (
    "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
)  # fmt: skip
_ADDRESS = ("fashion-mnist.s3-website.eu-central-1.amazonaws.com", 80)
_UNSIGNED_BYTE = 0x08

# Not in the paper: as the digits, with the drops at the same shares of the run.
_CHANGED = {"epochs": 60, "padding": 2, "flip": True, "dictionary_size": 500}
_TAIL_CHANGED = _CHANGED | {"drop_epochs": (48, 54)}
_RECIPE = Recipe(
    digits.RECIPE.noise | _CHANGED,
    digits.TAIL | _TAIL_CHANGED,
    digits.TAIL_NOISE | _TAIL_CHANGED | {"reweight_warmup_epochs": 48},
)


def load_fashion_mnist(data_dir: str | None = None) -> DataSet:
    """Loads the four idx files, gzipped or not, else asks tensorflow_datasets.

    The files are in `data_dir`, in a folder `fashion-mnist` or `fashion_mnist` there, or where the Debian package has
    them.

    Raises:
      UserError: a damaged file, or no files and no network.
    """
    files = _find_files(data_dir)
    if files is None:
        remedy = (
            f"install the Debian package dataset-fashion-mnist, or put {', '.join(_FILES[:-1])} and {_FILES[-1]} "
            f"into {data_dir or 'a directory DIR and pass --data_dir=DIR'}"
        )
        return load_with_tfds("fashion_mnist", data_dir, _ADDRESS, remedy)
    train, test = _read_part(*files[:2]), _read_part(*files[2:])
    return DataSet("fashion_mnist", train, test, CLASS_NAMES)


def read_idx(path: str | pathlib.Path, dimensions: int) -> np.ndarray:
    """Reads an idx file of unsigned bytes, gzipped if its name ends in `.gz`: uint8 [size_1, ..., size_D].

    The format, all numbers big-endian: bytes 0, 0, type (8: unsigned byte), number of dimensions D, which must be
    `dimensions`; then D sizes of four bytes; then the values, the last dimension running fastest.

    Raises:
      UserError: the file is not what it should be; the message names it.
    """
    content = _content(pathlib.Path(path))
    magic = bytes([0, 0, _UNSIGNED_BYTE, dimensions])
    if content[:4] != magic:
        raise _damaged(path, f"start with the idx magic number {magic.hex()}", content[:4].hex() or "an empty file")
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise _damaged(path, f"have a header of {header} bytes", f"{len(content)} bytes")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", count=dimensions, offset=4))
    expected = header + math.prod(shape)
    if len(content) != expected:
        raise _damaged(path, f"have {expected} bytes for the shape {list(shape)}", f"{len(content)} bytes")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _find_files(data_dir: str | None) -> list[pathlib.Path] | None:
    """The four files, from the first directory that has them all."""
    directories = [pathlib.Path(SYSTEM_DIRECTORY)]
    if data_dir:
        root = pathlib.Path(data_dir)
        directories = [root, root / "fashion-mnist", root / "fashion_mnist", *directories]
    for directory in directories:
        pairs = [(directory / name, directory / name.removesuffix(".gz")) for name in _FILES]
        if all(any(path.is_file() for path in pair) for pair in pairs):
            return [next(path for path in pair if path.is_file()) for pair in pairs]
    return None


def _read_part(images_file: pathlib.Path, labels_file: pathlib.Path) -> ArraySource:
    """Images and labels of one part, checked against each other."""
    images, labels = read_idx(images_file, 3), read_idx(labels_file, 1)
    if images.shape[1:] != (28, 28):
        raise _damaged(images_file, "hold images of 28x28 pixels", "x".join(map(str, images.shape[1:])))
    if len(images) != len(labels):
        raise _damaged(labels_file, f"hold {len(images)} labels, one for each image", str(len(labels)))
    if labels.size and labels.max() >= len(CLASS_NAMES):
        raise _damaged(labels_file, f"hold labels below {len(CLASS_NAMES)}", str(labels.max()))
    return ArraySource(images, labels)


def _content(path: pathlib.Path) -> bytes:
    """The file's bytes, unpacked."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _damaged(path, "be readable", error.strerror or type(error).__name__) from error
    if path.suffix != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, "be a complete gzip file", str(error)) from error


def _damaged(path: str | pathlib.Path, rule: str, received: str) -> UserError:
    return refusal(f"--dataset=fashion_mnist: {path}", rule, received)


SPEC = DataSetSpec(
    "fashion_mnist",
    "28x28 grey clothes: a Debian package, files in --data_dir, or a download",
    lambda request: load_fashion_mnist(request.data_dir),
    lambda _: _RECIPE,
    num_classes=len(CLASS_NAMES),
)
