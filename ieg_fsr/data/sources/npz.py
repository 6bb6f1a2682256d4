"""A user's own arrays in a NumPy archive."""

import os
import zipfile
from collections.abc import Mapping

import numpy as np

from ieg_fsr.data.sources import own_data
from ieg_fsr.data.sources.array_forms import as_class_numbers, as_images, sides_of
from ieg_fsr.data.sources.dataset_spec import DataSetSpec
from ieg_fsr.data.sources.hold_out import hold_out
from ieg_fsr.data.sources.image_source import ArraySource, DataSet
from ieg_fsr.errors import UserError, refusal

_TRAIN, _TEST = ("x_train", "y_train"), ("x_test", "y_test")
_MEMBERS = {f"{key}.npy" for key in (*_TRAIN, *_TEST)}


def load_npz(file: str) -> DataSet:
    """Loads x_train [N, H, W] or [N, H, W, channels], y_train [N], and x_test, y_test if they are there.

    Images are uint8, or what `array_forms` makes of others; labels are class numbers, or texts, and -1 is none. Classes
    are those that y_train has. Without a test part a tenth of each class is held out. Pickled arrays are refused: they
    could run code.

    Raises:
      UserError: no such file, no archive, missing keys, wrong shapes or types, fewer than two classes.
    """
    name = f"npz:{file}"
    arrays = _read(name, os.path.expanduser(file))
    keys = (_TRAIN, _TEST) if _TEST[0] in arrays or _TEST[1] in arrays else (_TRAIN,)
    for pair in keys:
        if missing := [key for key in pair if key not in arrays]:
            raise UserError(f"--dataset={name} must have {pair[0]} together with {pair[1]}. Received: no {missing[0]}")
    images, done = as_images(f"--dataset={name}", {x: arrays.pop(x) for x, _ in keys})
    labels, class_names, done_to_labels = as_class_numbers(f"--dataset={name}", {y: arrays[y] for _, y in keys})
    train, *tests = [_source(name, images, labels, pair) for pair in keys]
    notes = [f"--dataset={name}: {'; '.join(done + done_to_labels)}"] if done + done_to_labels else []
    if not tests:
        train, test, note = hold_out(train, name)
        return DataSet(name, train, test, class_names, notes=(*notes, note))
    [test] = tests
    if test.image_shape != train.image_shape:
        shapes = " and ".join("x".join(map(str, part.image_shape)) for part in (train, test))
        raise UserError(f"--dataset={name} must have images of one shape in x_train and x_test. Received: {shapes}")
    return DataSet(name, train, test, class_names, notes=tuple(notes))


def image_side(file: str) -> int | None:
    """The longer side of the images in x_train, from the header alone; None if it cannot be told."""
    try:
        with zipfile.ZipFile(os.path.expanduser(file)) as archive, archive.open("x_train.npy") as stream:
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, _ = read(stream)
    except Exception:  # A damaged archive fails in any way there is; reading it whole will tell.
        return None
    return max(sides_of(shape), default=None)


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


def _source(
    name: str, images: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray], keys: tuple[str, str]
) -> ArraySource:
    """One part, checked; the message names its arrays."""
    try:
        return ArraySource(images[keys[0]], labels[keys[1]])
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
