"""Tests of parameters from files: every form that Keras writes, and files of something else."""

import h5py
import keras
import numpy as np
import pytest

from ieg_fsr.errors import UserError
from ieg_fsr.networks import build_network
from ieg_fsr.networks.parameter_files import read_parameters, settled_names, take_over

SHAPE = (8, 8, 1)


def trained(num_classes=4, network="small_cnn"):
    model = build_network(network, SHAPE, num_classes, seed=1)
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 0.5, one.shape) for one in model.get_weights()])
    return model


@pytest.mark.parametrize("name", ["a.keras", "a.h5", "a.weights.h5"])
@pytest.mark.parametrize("num_classes", [4, 3])
def test_all_layers_are_taken_over_and_the_final_one_where_it_fits(name, num_classes, tmp_path):
    path = str(tmp_path / name)
    saved = trained()
    saved.save_weights(path) if "weights" in name else saved.save(path)
    model = build_network("small_cnn", SHAPE, num_classes, seed=2)
    own = model.layers[-1].get_weights()
    take_over(model, path, "small_cnn")
    for one, other in zip(model.layers[:-1], saved.layers[:-1], strict=True):
        for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    for a, b in zip(
        model.layers[-1].get_weights(), saved.layers[-1].get_weights() if num_classes == 4 else own, strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_layers_of_a_nested_model_are_found_by_their_names(tmp_path):
    inner = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, name="inside")])
    outer = keras.Sequential([keras.Input((5,)), inner, keras.layers.Dense(2, name="logits")])
    flat = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(4, name="inside"), keras.layers.Dense(3, name="logits")]
    )
    for name in ("a.keras", "a.weights.h5"):
        flat.layers[0].kernel.assign(np.zeros([5, 4]))
        path = str(tmp_path / name)
        outer.save_weights(path) if "weights" in name else outer.save(path)
        take_over(flat, path, "x")
        np.testing.assert_array_equal(flat.layers[0].kernel, inner.layers[0].kernel)


def test_names_that_keras_made_up_count_from_zero():
    assert settled_names(["conv2d_94", "conv1_bn", "conv2d_95", "add_3", "block_12", "conv2d_100"]) == [
        *("conv2d", "conv1_bn", "conv2d_1", "add", "block_12", "conv2d_2")
    ]


def test_a_file_of_another_network(tmp_path):
    path = str(tmp_path / "a.weights.h5")
    trained(network="resnet32").save_weights(path)
    with pytest.raises(UserError, match=r"^--init must be of --network=small_cnn but [^\n]* of its 13 layers [^\n]*$"):
        take_over(trained(), path, "small_cnn")


@pytest.mark.parametrize("name", ["a.keras", "a.h5", "a.weights.h5"])
def test_a_damaged_file(name, tmp_path):
    path = tmp_path / name
    trained().save_weights(path) if "weights" in name else trained().save(path)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(UserError, match=r"^--init must be a whole file of parameters \([^\n]*$"):
        take_over(trained(), str(path), "small_cnn")


@pytest.mark.parametrize("name", ["none.keras", "tests.txt"])
def test_no_such_file(name, tmp_path):
    with pytest.raises(UserError, match=r"^--init must be imagenet, none or an existing"):
        take_over(trained(), str(tmp_path / name), "small_cnn")


def linked(file, other):
    file["a/kernel:0"] = h5py.ExternalLink(other, "secret")


def outside(file, other):
    file.create_dataset("a/kernel:0", (2,), "f4", external=[(other, 0, 8)])


def virtual(file, other):
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource(other, "secret", (2,))
    file.create_virtual_dataset("a/kernel:0", layout)


@pytest.mark.parametrize("attack", [linked, outside, virtual])
def test_arrays_that_lie_in_another_file_are_not_read(attack, tmp_path):
    other, path = str(tmp_path / "other.h5"), str(tmp_path / "a.h5")
    with h5py.File(other, "w") as file:
        file["secret"] = np.ones(2, np.float32)
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["a"]
        file.create_group("a").attrs["weight_names"] = ["kernel:0"]
        attack(file, other)
    with h5py.File(path, "r") as file:
        assert file["a/kernel:0"].shape == (2,)  # the attack works
    with pytest.raises(UserError, match=r"it takes its arrays from other files"):
        read_parameters(path)
