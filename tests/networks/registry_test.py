"""Tests of `ieg_fsr.networks`: the names, the common frame of all networks, seeds."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.errors import UserError
from ieg_fsr.networks import NETWORKS, build_network

# runs where ieg_fsr cannot be imported: a saved classifier must not need it
LOAD_ALONE = """
import sys
sys.modules["ieg_fsr"] = None
import keras, numpy as np
model = keras.saving.load_model(sys.argv[1], compile=False, safe_mode=True)
np.save(sys.argv[3], model(np.load(sys.argv[2])).numpy())
"""


def pixels(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_names():
    assert NETWORKS == ("small_cnn", "resnet32", "wrn28_10", "wrn28_2", "resnet50")


def test_names_do_not_import_keras():
    code = "import sys, ieg_fsr.networks; print([name for name in ('keras', 'tensorflow') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_unknown_name():
    with pytest.raises(UserError, match=r"^--network must be one of small_cnn, .*\. Received: resnet18$"):
        build_network("resnet18", (32, 32, 3), 10)


@pytest.mark.parametrize("name", ["small_cnn", "resnet32", "wrn28_2", "resnet50"])
def test_frame(name):
    model = build_network(name, (32, 32, 3), 7)
    assert model.input_shape == (None, 32, 32, 3)
    assert model.output_shape == (None, 7)
    scaling = model.layers[1]
    assert isinstance(scaling, keras.layers.Rescaling)
    np.testing.assert_allclose(scaling(np.array([0.0, 127.5, 255.0])), [-1, 0, 1], atol=1e-6)
    head = model.layers[-1]
    assert isinstance(head, keras.layers.Dense)
    assert head.name == "logits"
    assert head.activation is keras.activations.linear
    assert not any(isinstance(layer, keras.layers.Lambda) for layer in model.layers)


@pytest.mark.parametrize("name", ["small_cnn", "resnet32", "wrn28_2"])
def test_seed_decides_the_weights(name):
    first = build_network(name, (32, 32, 1), 3, seed=5)
    keras.utils.set_random_seed(99)  # the global seed must not matter
    same = build_network(name, (32, 32, 1), 3, seed=5)
    other = build_network(name, (32, 32, 1), 3, seed=6)
    kernels = 0
    for a, b, c in zip(first.weights, same.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
        if a.path.endswith("kernel"):
            kernels += 1
            assert not np.array_equal(a.numpy(), c.numpy()), a.path
    assert kernels == sum(hasattr(layer, "kernel") for layer in first.layers)


def test_every_layer_draws_from_its_own_seed():
    model = build_network("resnet32", (32, 32, 3), 10)
    kernels = [layer.kernel.numpy() for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    same_shape = [kernel.ravel() for kernel in kernels if kernel.shape == (3, 3, 16, 16)]
    assert len(same_shape) == 10
    assert len({kernel.tobytes() for kernel in same_shape}) == 10


def test_saved_file_loads_without_the_package(tmp_path, start):
    model = build_network("resnet32", (16, 16, 3), 5)
    images = pixels(4, 16, 16, 3)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", images)
    done = start("-c", LOAD_ALONE, "model.keras", "images.npy", "logits.npy", cwd=tmp_path).ended()
    assert done.code == 0, done.err
    np.testing.assert_array_equal(np.load(tmp_path / "logits.npy"), model(images).numpy())


@pytest.mark.parametrize("name", ["small_cnn", "resnet32"])
def test_h5_and_export(name, tmp_path):
    model = build_network(name, (8, 8, 1), 3)
    images = pixels(2, 8, 8, 1).astype(np.float32)
    expected = model(images).numpy()
    model.save(tmp_path / "model.h5")
    loaded = keras.saving.load_model(tmp_path / "model.h5", compile=False)
    np.testing.assert_array_equal(loaded(images).numpy(), expected)
    model.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    np.testing.assert_allclose(exported.serve(images), expected, rtol=1e-5, atol=1e-5)


def test_logits_are_float32_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_network("small_cnn", (8, 8, 1), 3)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.layers[2].compute_dtype == "bfloat16"
    assert model(pixels(2, 8, 8, 1)).dtype == tf.float32


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("small_cnn", [f"block{k}" for k in range(1, 7)]),
        ("resnet32", [f"stage{stage}_block{k}" for stage in (1, 2, 3) for k in range(1, 6)]),
        ("wrn28_2", [f"stage{stage}_block{k}" for stage in (1, 2, 3) for k in range(1, 5)]),
    ],
)
def test_ends_of_blocks_have_names_that_do_not_depend_on_what_was_built_before(name, blocks):
    for _ in range(2):
        layers = [layer.name for layer in build_network(name, (16, 16, 3), 3).layers]
        assert [layer for layer in layers if "block" in layer] == blocks


@pytest.mark.parametrize("name", ["small_cnn", "resnet50"])
def test_precision_is_that_of_this_network_alone(name):
    model = build_network(name, (32, 32, 3), 3, precision="mixed_float16")
    assert keras.config.dtype_policy().name == "float32"
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert {layer.compute_dtype for layer in convolutions} == {"float16"}
    assert {variable.dtype for variable in model.variables} == {"float32"}
    assert (model.layers[1].compute_dtype, model.layers[-1].compute_dtype) == ("float32", "float32")


def test_pixels_between_whole_numbers_survive_until_they_are_scaled():
    """127.75 of 255 is 0.002 after scaling; rounded to bfloat16 first, it would be 128 and so 0.0039."""
    model = build_network("small_cnn", (8, 8, 1), 3, precision="mixed_bfloat16")
    scaled = keras.Model(model.inputs, model.layers[1].output)(tf.fill([1, 8, 8, 1], 127.75))
    np.testing.assert_allclose(scaled, 127.75 / 127.5 - 1, rtol=1e-3)
