"""Tests of training on frozen features: the whole classifier, resuming, and what has changed since."""

import json

import keras
import numpy as np
import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.data.sources.datasets import load_dataset
from ieg_fsr.errors import UserError
from ieg_fsr.networks.split import split_classifier
from ieg_fsr.training.frozen_features import joined, what_is_seen
from ieg_fsr.training.network import network_of
from ieg_fsr.training.run import train


def save_network(path, seed=0, classes=3):
    """A saved classifier of another number of classes, with a softmax as its last layer."""
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Rescaling(1 / 16), keras.layers.Conv2D(12, 3, strides=2, activation="relu")]
    layers += [
        keras.layers.BatchNormalization(),
        keras.layers.Flatten(),
        keras.layers.Dense(classes),
        keras.layers.Softmax(),
    ]
    keras.Sequential([keras.Input((8, 8, 1)), *layers]).save(path)


@pytest.fixture
def settings(tmp_path):
    save_network(tmp_path / "mine.keras")
    return {
        "network": f"file:{tmp_path / 'mine.keras'}", "features": "frozen", "features_dir": str(tmp_path / "features"),
        "noise": 0.4, "epochs": 2, "train_examples": 300, "method": "supervised", "model_dir": str(tmp_path / "run"),
    }  # fmt: skip


@pytest.mark.slow
def test_the_saved_model_is_the_backbone_and_the_head_and_goes_on_with_what_is_kept(settings, tmp_path, capsys):
    summary = train(resolve(settings), lambda text: None)
    assert "660 of 660 images go through the frozen backbone once" in capsys.readouterr().out
    run, test = tmp_path / "run", load_dataset("digits").test
    model = keras.saving.load_model(run / "model.keras", safe_mode=True)
    images = test.images(np.arange(len(test)))
    logits = model.predict(images, verbose=0)
    assert np.mean(logits.argmax(axis=1) == test.labels) == pytest.approx(summary["test_accuracy"], abs=1e-6)
    # Its layers but the last are those of the file, with their parameters.
    mine = keras.saving.load_model(tmp_path / "mine.keras")
    for one in (0, 1):
        np.testing.assert_array_equal(model.get_layer("conv2d").get_weights()[one], mine.layers[1].get_weights()[one])
    # Only the epochs' files of a run that was stopped.
    (run / "summary.json").unlink()
    again = train(resolve(settings), lambda text: None)
    assert "go through" not in capsys.readouterr().out
    assert again["test_accuracy"] == summary["test_accuracy"]
    (run / "summary.json").unlink()
    save_network(tmp_path / "mine.keras", seed=1)
    with pytest.raises(UserError, match=r"hold a run with the same frozen features \([^\n]*--noresume replaces"):
        train(resolve(settings), lambda text: None)


def test_joined_they_compute_what_they_do_one_after_the_other(settings):
    data = load_dataset("digits")
    config = resolve(settings | {"head_units": 7})
    seen = what_is_seen(config, data)
    head = seen.network(3)
    images, ids = data.test.images(np.arange(20)), np.arange(20)
    features = split_classifier(network_of(config, (8, 8, 1), 10)(0)).below(images.astype(np.float32))
    np.testing.assert_allclose(seen.data.test.images(ids), features, rtol=1e-5, atol=1e-5)
    expected = head(seen.data.test.images(ids))
    np.testing.assert_allclose(seen.whole(head)(images), expected, rtol=1e-4, atol=1e-5)
    # Standardised, but for features that hardly vary: a mean of 0, a mean square of length of 64.
    standard = keras.Model(head.inputs, head.get_layer("standardised").output)
    values = standard(seen.data.train.images(np.arange(len(data.train)))).numpy()
    np.testing.assert_allclose(values.mean(axis=0), 0.0, atol=1e-3)
    assert np.square(values).sum(axis=1).mean() == pytest.approx(64, rel=0.3)
    assert seen.data.train.image_shape == (108,)


def test_layers_that_merge_are_joined_too():
    body = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    x = keras.Input((4,))
    sides = [keras.layers.Dense(2)(x), keras.layers.Dense(2)(keras.layers.ReLU()(x))]
    head = keras.Model(x, keras.layers.Subtract()(sides))
    inputs = np.random.default_rng(0).normal(size=[5, 3]).astype(np.float32)
    np.testing.assert_allclose(joined(body, head)(inputs), head(body(inputs)), rtol=1e-5)


@pytest.mark.slow
def test_fsr_on_features_finds_wrong_labels(settings):
    summary = train(resolve(settings | {"method": "fsr", "epochs": 30, "train_examples": 1437}), lambda text: None)
    assert summary["detection_f1"] > 0.8
    assert json.dumps(summary)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"flip": True}, r"^--flip must be False with --features=frozen"),
        ({"padding": 1}, r"^--padding must be 0 with --features=frozen"),
        ({"freeze": "conv2d"}, r"^--freeze must be none with --features=frozen"),
        ({"network": "small_cnn"}, r"^--init must be given with --features=frozen"),
        ({"network": "resnet32", "init": "imagenet"}, r"^--init must be none or a file with --network=resnet32"),
        ({"features": "trained", "head_units": 3}, r"^--head_units must be 0 without --features=frozen"),
        ({"network": "keras:Nobody"}, r"^--network must be one of small_cnn, .* Received: keras:Nobody$"),
    ],
)
def test_settings_that_do_not_go_together(settings, given, message):
    with pytest.raises(UserError, match=message):
        resolve(settings | given)


def test_the_directory_of_a_run_has_the_name_of_a_file_without_its_folders(settings):
    del settings["model_dir"]
    assert "networkfilemine.keras" in resolve(settings).model_dir
