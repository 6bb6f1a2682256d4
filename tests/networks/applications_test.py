"""Tests of the networks of `keras.applications`: the names, the preprocessing, the saved file, what does not fit."""

import sys

import keras
import numpy as np
import pytest

from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.networks import applications, build_network, is_network
from ieg_fsr.networks.applications import APPLICATIONS

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 40, 40, 3)).astype(np.float32)


def preprocessed(name, images):
    return sys.modules[getattr(keras.applications, name).__module__].preprocess_input(images.copy())


def test_the_names_are_those_of_keras():
    assert set(APPLICATIONS) == {name for name in dir(keras.applications) if name[0].isupper()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("keras:ResNet50V2", True), ("keras:resnet", False), ("keras:", False), ("file:a.keras", True), ("file:", False)],
)
def test_what_is_a_network(name, expected):
    assert is_network(name) == expected


@pytest.mark.parametrize("name", ["MobileNet", "DenseNet121", "ResNet50", "VGG16", "ConvNeXtTiny", "MobileNetV3Small"])
def test_pixels_are_prepared_as_the_preprocess_input_of_the_module_does(name):
    inputs = keras.Input((40, 40, 3))
    model = keras.Model(inputs, applications.prepared(name, inputs))
    np.testing.assert_allclose(model(PIXELS), preprocessed(name, PIXELS), rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_saved_classifier_is_the_application_behind_its_preprocessing(channels, tmp_path):
    model = build_network("keras:MobileNet", (20, 20, channels), 4, seed=1, input_size=32)
    images = PIXELS[:, :20, :20, :channels]
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_variance.assign(np.full(layer.moving_variance.shape, 0.01))  # else the signal dies away
    body = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg")
    for layer in body.layers:
        if layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    grown = keras.ops.image.resize(np.repeat(images, 3 // channels, axis=3), (32, 32))
    features = body(preprocessed("MobileNet", np.array(grown)), training=False)
    expected = features @ model.layers[-1].kernel
    scale = np.abs(expected).max()
    assert scale > 1e-3
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    # Called without `training`, too: a resizing layer has a default of its own.
    np.testing.assert_allclose(loaded(images), model(images, training=False), atol=1e-5 * scale)
    # A last bit of the pixels is a hundred of them behind thirty layers that enlarge it.
    np.testing.assert_allclose(loaded(images), expected, atol=1e-3 * scale)


@pytest.mark.slow
def test_the_second_normalisation_of_efficientnet_is_there_without_a_download():
    """Keras adds it for ImageNet's weights only: after the first one, channel by channel times a constant."""
    model = build_network("keras:EfficientNetB0", (32, 32, 3), 2)
    at = keras.Model(model.inputs, model.get_layer("normalization_of_deviations").output)
    expected = PIXELS[:, :32, :32] / 255 / np.sqrt([0.229, 0.224, 0.225])
    np.testing.assert_allclose(at(PIXELS[:, :32, :32]), expected, rtol=1e-5)


@pytest.mark.slow
def test_parameters_and_names_follow_from_the_seed():
    first = build_network("keras:MobileNet", (32, 32, 3), 3, seed=5)
    keras.utils.set_random_seed(99)
    same = build_network("keras:MobileNet", (32, 32, 3), 3, seed=5)
    other = build_network("keras:MobileNet", (32, 32, 3), 3, seed=6)
    assert [layer.name for layer in first.layers[1:]] == [layer.name for layer in same.layers[1:]]
    for a, b, c in zip(first.weights, same.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not a.path.endswith("kernel") or not np.array_equal(a, c)


@pytest.mark.parametrize("shape", [(20, 20, 3), (40, 40, 2)])
def test_images_that_do_not_fit(shape):
    with pytest.raises(UserError, match=r"^--network=keras:MobileNet must take the images, or --input_size [^\n]*$"):
        build_network("keras:MobileNet", shape, 3)


def test_weights_that_cannot_be_fetched(monkeypatch):
    def get_file(*arguments, **options):
        raise Exception("URL fetch failure on there:\nno name")

    module = sys.modules[keras.applications.MobileNet.__module__]
    monkeypatch.setattr(module.file_utils, "get_file", get_file)
    with pytest.raises(UserError, match=r"^--init must be a file or none where the weights of keras:MobileNet cannot"):
        build_network("keras:MobileNet", (32, 32, 3), 3, imagenet=True)


@pytest.mark.slow
def test_it_trains_as_any_classifier():
    model = Supervised(build_network("keras:MobileNet", (32, 32, 3), 2))
    model.compile(keras.optimizers.SGD(0.01))
    before = model.classifier.get_weights()
    model.fit(PIXELS[:, :32, :32], np.array([0, 1]), batch_size=2, verbose=0)
    assert not np.array_equal(before[0], model.classifier.get_weights()[0])
