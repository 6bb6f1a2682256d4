"""Tests of the network that settings ask for: a saved model's, parameters from a file, frozen layers."""

import keras
import numpy as np
import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.errors import UserError
from ieg_fsr.networks import build_network
from ieg_fsr.training.network import network_of

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1)).astype(np.float32)


@pytest.fixture
def saved(tmp_path):
    """A network of three classes, none of whose parameters is a constant."""
    model = build_network("small_cnn", (8, 8, 1), 3, input_size=12)
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 0.5, one.shape) for one in model.get_weights()])
    model.save(tmp_path / "mine.keras")
    return model, str(tmp_path / "mine.keras")


def built(shape=(8, 8, 1), **settings):
    return network_of(resolve(settings), shape, 4)(settings.get("seed", 0))


def features(model, images=IMAGES):
    return keras.Model(model.inputs, model.layers[-1].input)(images, training=False)


def test_a_saved_model_with_a_new_final_layer(saved):
    model, path = saved
    network = built(network=f"file:{path}")
    np.testing.assert_allclose(features(network), features(model), rtol=1e-5)
    assert network.output_shape == (None, 4)
    # Its parameters drawn anew, by the seed alone.
    drawn, same, other = (built(network=f"file:{path}", init="none", seed=seed) for seed in (5, 5, 6))
    for a, b, c, before in zip(drawn.weights, same.weights, other.weights, network.weights, strict=True):
        np.testing.assert_array_equal(a, b)
        if a.path.endswith("kernel"):
            assert not np.array_equal(a, c)
            assert not np.array_equal(a, before)


def test_parameters_from_a_file_and_a_frozen_backbone(saved):
    model, path = saved
    network = built(network="small_cnn", init=path, input_size=12, freeze="backbone")
    np.testing.assert_allclose(features(network), features(model), rtol=1e-5)
    assert [variable.path for variable in network.trainable_variables] == ["logits/kernel", "logits/bias"]


def test_images_of_another_size_and_grey_ones(tmp_path):
    layers = [keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((None, None, 3)), *layers])
    model.save(tmp_path / "mine.keras")
    network = built(network=f"file:{tmp_path / 'mine.keras'}")
    np.testing.assert_allclose(features(network), features(model, np.repeat(IMAGES, 3, axis=3)), rtol=1e-5)


def test_a_saved_model_that_images_do_not_fit(tmp_path):
    layers = [keras.layers.Flatten(), keras.layers.Dense(4), keras.layers.Dense(2)]
    keras.Sequential([keras.Input((16, 16, 1)), *layers]).save(tmp_path / "mine.keras")
    with pytest.raises(UserError, match=r"^--network=file:[^\n]* must take the images, or --input_size[^\n]*8x8x1$"):
        built(network=f"file:{tmp_path / 'mine.keras'}")
    assert built(network=f"file:{tmp_path / 'mine.keras'}", input_size=16).input_shape == (None, 8, 8, 1)


@pytest.mark.parametrize("content", [None, b"no model"])
def test_no_model_there(content, tmp_path):
    path = tmp_path / "mine.keras"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"^--network (must be file:|is not a Keras model)[^\n]*$"):
        built(network=f"file:{path}")
