"""Tests of the conversion of EfficientNet-Lite0: PyTorch's old format, read by hand-made files; what it refuses.

The outputs of the real network were compared with PyTorch's on three images of 224x224: logits differ by 1e-5 of 8.
"""

import importlib.util
import io
import pathlib
import pickle
import sys
import types
from collections import OrderedDict

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("efficientnet_lite0", ROOT / "launch" / "efficientnet_lite0.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Tensor:
    """Pickles as PyTorch's tensors do."""

    def __init__(self, key, offset, shape, strides, size):
        self.key, self.arguments, self.size = key, (offset, shape, strides, False, OrderedDict()), size

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, (Storage(self), *self.arguments)


class Storage:
    def __init__(self, tensor):
        self.key, self.size = tensor.key, tensor.size


class Writer(pickle.Pickler):
    def persistent_id(self, one):
        if isinstance(one, Storage):
            return ("storage", sys.modules["torch"].FloatStorage, one.key, "cpu", one.size, None)
        return None


@pytest.fixture
def written(monkeypatch):
    """From tensors by name and arrays by key to the bytes that torch.save would write."""

    def _rebuild_tensor_v2():
        """Only its name is written."""

    class FloatStorage:
        """Only its name is written."""

    torch, inside = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage, inside._rebuild_tensor_v2 = FloatStorage, _rebuild_tensor_v2
    for one, module in ((FloatStorage, "torch"), (_rebuild_tensor_v2, "torch._utils")):
        one.__module__, one.__qualname__ = module, one.__name__
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", inside)

    def write(tensors, arrays):
        file = io.BytesIO()
        for one in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, OrderedDict(tensors), list(arrays)):
            Writer(file, 2).dump(one)
        for array in arrays.values():
            file.write(len(array).to_bytes(8, "little") + np.asarray(array, "<f4").tobytes())
        return file.getvalue()

    return write


def test_tensors_are_read_with_their_offsets_and_strides(script, written):
    tensors = {"whole": Tensor("a", 0, (2, 3), (3, 1), 6), "turned": Tensor("a", 0, (3, 2), (1, 3), 6)}
    tensors |= {"part": Tensor("b", 1, (2,), (1,), 4), "number": Tensor("b", 3, (), (), 4)}
    state = script.read_state(io.BytesIO(written(tensors, {"a": range(6), "b": [7, 8, 9, 10]})))
    np.testing.assert_array_equal(state["whole"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(state["turned"], [[0, 3], [1, 4], [2, 5]])
    np.testing.assert_array_equal(state["part"], [8, 9])
    assert state["number"] == 10


@pytest.mark.parametrize("tensor", [Tensor("a", 4, (3,), (1,), 6), Tensor("a", 0, (3,), (-1,), 6)])
def test_nothing_outside_of_a_storage_is_read(script, written, tensor):
    with pytest.raises(ValueError, match="outside of its storage"):
        script.read_state(io.BytesIO(written({"x": tensor}, {"a": range(6)})))


class Call:
    def __reduce__(self):
        return print, ("run",)


def test_a_call_is_refused(script, written, tmp_path, capsys):
    path = tmp_path / "bad.pth"
    path.write_bytes(written({"x": Call()}, {}))
    assert script.main([f"--source={path}", f"--output={tmp_path / 'a.keras'}"]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith(
        "ieg_fsr: --source must hold the parameters of EfficientNet-Lite0 (UnpicklingError: a"
    )
    assert streams.err.count("\n") == 1
    assert [one.name for one in tmp_path.iterdir()] == ["bad.pth"]


@pytest.mark.parametrize("content", [None, b"", b"\x80\x02"])
def test_no_file_of_parameters(script, content, tmp_path, capsys):
    path = tmp_path / "bad.pth"
    if content is not None:
        path.write_bytes(content)
    assert script.main([f"--source={path}", f"--output={tmp_path / 'a.keras'}"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.slow
def test_every_parameter_has_its_place(script):
    """Of 4.65 million trainable ones, as published."""
    model = script.efficientnet_lite0()
    assert sum(int(np.prod(one.shape)) for one in model.trainable_weights) == 4_652_008
    state, axes = {}, {"Conv2D": (3, 2, 0, 1), "DepthwiseConv2D": (2, 3, 0, 1), "Dense": (1, 0)}
    rng = np.random.default_rng(0)
    for layer in model.layers:
        kinds = ["weight", "bias", "running_mean", "running_var"]
        for kind, array in zip(kinds, layer.get_weights(), strict=False):
            name = layer.name.replace("blocks_", "_blocks.", 1)
            name = name.replace("_", "._", 2).replace("._blocks", "_blocks") if "blocks" in name else f"_{name}"
            values = rng.normal(size=array.shape)
            state[f"{name}.{kind}"] = values.transpose(axes[type(layer).__name__]) if array.ndim > 1 else values
    script.with_state(model, state)
    with pytest.raises(ValueError, match="which the network has not"):
        script.with_state(model, state | {"_more.weight": np.zeros(3)})
