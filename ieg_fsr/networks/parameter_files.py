"""Parameters from a file to begin with: of a .keras archive, or HDF5 of weights or of a model, by the names of layers.

Only names and arrays are read: no model is built, and nothing that a file brings is run.
"""

import collections
import io
import os
import re
import zipfile
from collections.abc import Iterator, Sequence

import h5py
import keras
import numpy as np

from ieg_fsr.errors import UserError, one_line, refusal

# A name that may be Keras' own: that of the class, and a number.
_MADE_UP = re.compile(r"(.+?)(?:_(\d+))?")
_CLASSES = frozenset(name.lower() for name in dir(keras.layers))
_IN_ARCHIVE = "model.weights.h5"


def take_over(classifier: keras.Model, path: str, network: str) -> None:
    """Gives a classifier the parameters in a file, layer by layer of the same name and shapes.

    The final layer keeps its own where the file has none for it, or those of another number of classes.

    Args: network: value of --network, for messages.

    Raises:
      UserError: there is no such file, it cannot be read, or it lacks any of the other layers.
    """
    stored, head = read_parameters(path), classifier.layers[-1]
    stored = dict(zip(settled_names(list(stored)), stored.values(), strict=True))
    layers = [layer for layer in classifier.layers if layer.weights]
    names = settled_names([layer.name for layer in layers])
    found = {
        name: stored[name]
        for name, layer in zip(names, layers, strict=True)
        if name in stored and [one.shape for one in stored[name]] == [tuple(one.shape) for one in layer.weights]
    }
    missing = [name for name, layer in zip(names, layers, strict=True) if name not in found and layer is not head]
    if missing:
        rule = f"be of --network={network} but for the final layer"
        fits = f"{len(found)} of its {len(layers)} layers with parameters fit by name and shape"
        raise refusal("--init", rule, f"{path}: {fits}, not {missing[0]}")
    for name, layer in zip(names, layers, strict=True):
        if name in found:
            layer.set_weights(found[name])


def read_parameters(path: str) -> dict[str, list[np.ndarray]]:
    """Arrays of each layer in a file, by its name.

    Raises:
      UserError: there is no such file, or it holds no parameters by the names of layers.
    """
    if not os.path.isfile(path) or not path.endswith((".keras", ".h5", ".hdf5")):
        raise refusal("--init", "be imagenet, none or an existing .keras, .h5 or .weights.h5 file", path)
    try:
        if path.endswith(".keras"):
            with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read(_IN_ARCHIVE)), "r") as file:
                found = dict(_by_variables(file))
        else:
            with h5py.File(path, "r") as file:
                found = dict(_by_variables(file)) or dict(_of_keras_2(file))
        if not found:
            raise ValueError("it has no layers with parameters")
    except Exception as error:  # a broken file can raise anything from the zip and HDF5 readers
        raise UserError(
            f"--init must be a whole file of parameters ({one_line(error)[:160]}). Received: {path}"
        ) from None
    return found


def settled_names(names: Sequence[str]) -> list[str]:
    """Names of layers, where those that Keras made up count from 0: they do not depend on what was built before."""
    found: list[tuple[str, int | None]] = []
    numbers: dict[str, set[int]] = collections.defaultdict(set)
    for name in names:
        part = _MADE_UP.fullmatch(name)
        kind, number = (part[1], int(part[2] or 0)) if part else (name, 0)
        if kind.replace("_", "") in _CLASSES:
            numbers[kind].add(number)
            found.append((kind, number))
        else:
            found.append((name, None))
    places: dict[tuple[str, int | None], int] = {
        (kind, one): place for kind, some in numbers.items() for place, one in enumerate(sorted(some))
    }
    return [f"{kind}_{places[kind, one]}" if places.get((kind, one)) else kind for kind, one in found]


def _by_variables(file: h5py.Group) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Layers as Keras 3 writes them: groups `vars` that say the layer's name and hold its arrays 0, 1, ..."""
    groups: list[h5py.Group] = []
    file.visititems(lambda name, one: groups.append(one) if name.rpartition("/")[2] == "vars" else None)
    for group in groups:
        if "name" in group.attrs and len(group):
            yield _text(group.attrs["name"]), [_array(group[str(number)], file) for number in range(len(group))]


def _of_keras_2(file: h5py.Group) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Layers as Keras 2 wrote them, and .h5 files still have them: groups with a list of `weight_names`."""
    file = file.get("model_weights", file)
    for layer in file.attrs.get("layer_names", ()):
        arrays: dict[str, list[np.ndarray]] = {}
        for name in file[_text(layer)].attrs.get("weight_names", ()):
            # Of a nested model the layers stand in the names of its weights: layer/kernel:0.
            of = _text(name).split("/")[-2:-1] or [_text(layer)]
            arrays.setdefault(of[0], []).append(_array(file[_text(layer)][_text(name)], file))
        yield from arrays.items()


def _array(dataset: h5py.Dataset, file: h5py.Group) -> np.ndarray:
    if dataset.external or dataset.is_virtual or dataset.file != file.file:
        raise ValueError("it takes its arrays from other files")
    return np.asarray(dataset)


def _text(name: str | bytes) -> str:
    return name.decode("utf-8") if isinstance(name, bytes) else str(name)
