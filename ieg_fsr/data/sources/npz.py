"""A user's own arrays in a NumPy archive."""

import os
import zipfile

import numpy as np

from ieg_fsr.data.sources import own_data
from ieg_fsr.data.sources.dataset_spec import DataSetSpec
from ieg_fsr.data.sources.hold_out import hold_out
from ieg_fsr.data.sources.image_source import ArraySource, DataSet
from ieg_fsr.errors import UserError, refusal
from ieg_fsr.unlabelled import labelled

_TRAIN, _TEST = ("x_train", "y_train"), ("x_test", "y_test")
_MEMBERS = {f"{key}.npy" for key in (*_TRAIN, *_TEST)}


def load_npz(file: str) -> DataSet:
    """Loads x_train uint8 [N, H, W] or [N, H, W, channels], y_train integers [N], and x_test, y_test if they are there.

    A label of -1 in y_train is none. Classes are 0 up to the largest label. Without a test part a tenth of each class
    is held out. Pickled arrays are refused: they could run code.

    Raises:
      UserError: no such file, no archive, missing keys, wrong shapes or types, fewer than two classes.
    """
    name = f"npz:{file}"
    arrays = _read(name, os.path.expanduser(file))
    train = _source(name, arrays, _TRAIN)
    if (found := len(np.unique(train.labels[labelled(train.labels)]))) < 2:
        raise UserError(f"--dataset={name} must have two or more classes in y_train. Received: {found}")
    class_names = tuple(map(str, range(train.labels.max() + 1)))
    if _TEST[0] not in arrays and _TEST[1] not in arrays:
        kept, held_out, note = hold_out(train, name)
        return DataSet(name, kept, held_out, class_names, notes=(note,))
    test = _source(name, arrays, _TEST)
    if test.image_shape != train.image_shape:
        shapes = " and ".join("x".join(map(str, part.image_shape)) for part in (train, test))
        raise UserError(f"--dataset={name} must have images of one shape in x_train and x_test. Received: {shapes}")
    if len(test) and test.labels.max() >= len(class_names):
        raise refusal(f"--dataset={name}", "have the classes of y_test in y_train too", test.labels.max())
    return DataSet(name, train, test, class_names)


def image_side(file: str) -> int | None:
    """The longer side of the images in x_train, from the header alone; None if it cannot be told."""
    try:
        with zipfile.ZipFile(os.path.expanduser(file)) as archive, archive.open("x_train.npy") as stream:
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, _ = read(stream)
    except Exception:  # A damaged archive fails in any way there is; reading it whole will tell.
        return None
    return max(shape[1:3]) if len(shape) in (3, 4) else None


def _read(name: str, path: str) -> dict[str, np.ndarray]:
    """The four arrays, those that are there."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("a single array")
            missing = [key for key in _TRAIN if key not in archive]
            if missing:
                rule = "have x_train and y_train, and perhaps x_test and y_test"
                raise refusal(f"--dataset={name}", rule, ", ".join(archive.files) or "an empty archive")
            _check_size(name, path)
            arrays = {key: archive[key] for key in (*_TRAIN, *_TEST) if key in archive}
            # A member that is no array comes as the bytes that it has.
            if strange := [key for key, array in arrays.items() if not isinstance(array, np.ndarray)]:
                raise ValueError(f"{strange[0]} is no array")
            return arrays
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"--dataset=npz:FILE must name an existing file. Received: {name}") from None
    except Exception as error:  # A damaged archive fails in any way there is.
        cause = " ".join(str(error).split())[:150] or type(error).__name__
        raise UserError(f"--dataset={name} must be a whole .npz file of plain arrays. Received: {cause}") from error


def _check_size(name: str, path: str) -> None:
    """A few kilobytes can unpack to more than the machine has; no member yields more than the archive says."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist() if member.filename in _MEMBERS)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if unpacked > memory:
        raise UserError(f"--dataset={name} must fit into this machine's memory of {memory / 2**30:.1f} GiB. "
                        f"Received: {unpacked / 2**30:.1f} GiB unpacked")  # fmt: skip


def _source(name: str, arrays: dict[str, np.ndarray], keys: tuple[str, str]) -> ArraySource:
    """One part, checked; the message names its arrays."""
    missing = [key for key in keys if key not in arrays]
    if missing:
        raise UserError(f"--dataset={name} must have {keys[0]} together with {keys[1]}. Received: no {missing[0]}")
    images, labels = arrays[keys[0]], arrays[keys[1]]
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    try:
        return ArraySource(images, labels)
    except UserError as error:
        raise UserError(f"--dataset={name}, {keys[0]} and {keys[1]}: {error}") from None


SPEC = DataSetSpec(
    "npz",
    "your arrays: x_train, y_train, perhaps x_test, y_test",
    lambda request: load_npz(request.place),
    own_data.recipe_of_arrays,
    place="FILE",
    image_side=lambda place, _: image_side(place),
)
