"""Tests of `ieg_fsr.evaluation.untrusted_models`: genuine attack files, which write a file where they are executed."""

import json
import pathlib
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from ieg_fsr.errors import UserError
from ieg_fsr.evaluation.evaluate import load_classifier
from ieg_fsr.evaluation.untrusted_models import check_archive, check_saved_model

layers = keras.layers
IMAGES = tf.TensorSpec([None, 8, 8, 1], tf.float32)


def write_marker(marker):
    return lambda: tf.io.write_file(str(marker), "executed")


def write_in_a_branch(marker):
    def act():
        tf.cond(tf.random.uniform([]) < 2.0, lambda: write_marker(marker)() and tf.constant(1), lambda: tf.constant(0))

    return act


def call_python(marker):
    return lambda: tf.numpy_function(
        lambda: pathlib.Path(marker).write_text("executed") and np.float32(0), [], tf.float32
    )


def read_a_file(marker):
    return lambda: tf.print(tf.io.read_file("/etc/hostname"), output_stream=f"file://{marker}")


ATTACKS = [write_marker, write_in_a_branch, call_python, read_a_file]


class Attack(tf.Module):
    """A classifier that acts when it is called."""

    def __init__(self, act):
        super().__init__()
        self.act, self.kernel = act, tf.Variable(tf.zeros([64, 10]))

    @tf.function(input_signature=[IMAGES])
    def serve(self, images):
        self.act()
        return tf.reshape(images, [-1, 64]) @ self.kernel


class Resource(tf.saved_model.experimental.TrackableResource):
    """A table that acts when it is initialized, which loading does."""

    def __init__(self, act):
        super().__init__()
        self.act = act

    def _create_resource(self):
        return tf.raw_ops.MutableHashTableV2(key_dtype=tf.int64, value_dtype=tf.int64)

    def _initialize(self):
        self.act()


def export(model, path):
    tf.saved_model.save(model, str(path), signatures={"serving_default": model.serve.get_concrete_function()})


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_saved_model_that_acts_when_it_is_called(tmp_path, attack):
    marker = tmp_path / "marker"
    model = Attack(attack(marker))
    export(model, tmp_path / "model")
    model.serve(tf.zeros([1, 8, 8, 1]))
    acted = [path for path in tmp_path.iterdir() if path.name.startswith("marker")]
    assert acted, "the attack would do nothing"
    for path in acted:
        path.unlink()
    with pytest.raises(UserError, match=r"^--model is not a Keras model: it has the operation \w+, which may do more"):
        load_classifier(tmp_path / "model")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("marker")]


def test_a_saved_model_that_acts_when_it_is_loaded(tmp_path):
    marker = tmp_path / "marker"
    model = Attack(lambda: None)
    model.resource = Resource(write_marker(marker))
    export(model, tmp_path / "model")
    marker.unlink(missing_ok=True)
    tf.saved_model.load(str(tmp_path / "model"))
    assert marker.exists(), "the attack would do nothing"
    marker.unlink()
    with pytest.raises(UserError, match="it has the operation"):
        load_classifier(tmp_path / "model")
    assert not marker.exists()


def test_a_saved_model_of_tensorflow_1_form_is_refused(tmp_path):
    export(Attack(lambda: None), tmp_path / "model")
    path = tmp_path / "model" / "saved_model.pb"
    check_saved_model(tmp_path / "model")
    content = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    content.meta_graphs[0].ClearField("object_graph_def")
    path.write_bytes(content.SerializeToString())
    with pytest.raises(ValueError, match="not of the form that TensorFlow 2 writes"):
        check_saved_model(tmp_path / "model")


@pytest.mark.parametrize(
    "operation",
    ["Frobnicate", "SaveV2", "RestoreV2", "ReadFile", "ImmutableConst", "DebugIdentity", "PyFuncStateless", "Abort"],
)
def test_an_operation_that_may_do_more_than_compute_is_refused(tmp_path, operation):
    export(Attack(lambda: None), tmp_path / "model")
    path = tmp_path / "model" / "saved_model.pb"
    content = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for function in content.meta_graphs[0].graph_def.library.function:
        for node in function.node_def:
            node.op = operation if node.op == "MatMul" else node.op
    path.write_bytes(content.SerializeToString())
    with pytest.raises(ValueError, match=f"the operation {operation}"):
        check_saved_model(tmp_path / "model")


@pytest.mark.parametrize(
    "body",
    [
        lambda x: layers.Dropout(0.5)(layers.BatchNormalization()(layers.Conv2D(3, 3)(x))),
        lambda x: layers.GRU(4)(layers.LSTM(4, return_sequences=True)(layers.Reshape((8, 8))(x))),
        lambda x: layers.MultiHeadAttention(2, 4)(*[layers.Reshape((8, 8))(x)] * 2),
        lambda x: layers.LayerNormalization()(layers.UpSampling2D()(layers.DepthwiseConv2D(3, activation="gelu")(x))),
    ],
    ids=["convolution", "recurrence", "attention", "other"],
)
def test_networks_that_only_compute_are_loaded(tmp_path, body):
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, layers.Dense(10)(layers.Flatten()(body(inputs))))
    model.export(tmp_path / "model", verbose=False)
    images = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 1)).astype(np.float32)
    loaded = load_classifier(tmp_path / "model")
    np.testing.assert_allclose(loaded(tf.constant(images)), model(images, training=False), rtol=1e-4, atol=1e-4)


def test_a_network_that_draws_random_numbers_is_loaded(tmp_path):
    inputs = keras.Input((8, 8, 1))
    drawn = layers.RandomFlip()(layers.RandomRotation(0.1)(layers.GaussianNoise(0.1)(inputs)))
    model = keras.Model(inputs, layers.Dense(10)(layers.Flatten()(drawn)))
    model.export(tmp_path / "model", verbose=False)
    assert load_classifier(tmp_path / "model")(tf.zeros([2, 8, 8, 1])).shape == (2, 10)


def classifier(path):
    keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(10)]).save(path)


def rewrite(path, edit):
    """Changes the members {name: bytes} of a .keras archive."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    edit(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("name", ["../marker", "assets/../../marker", "/marker", "..\\marker", "C:\\marker"])
def test_a_keras_archive_that_would_leave_its_folder(tmp_path, name):
    path = tmp_path / "model.keras"
    classifier(path)
    check_archive(path)
    rewrite(path, lambda members: members.update({name: b"escaped"}))
    with pytest.raises(UserError, match=r"would unpack .* outside of its folder"):
        load_classifier(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.keras"]


def last_layer(config, entry):
    config["config"]["layers"][-1] |= entry


CALLS = [
    {"module": "subprocess", "class_name": "Popen", "config": {"args": ["touch", "marker"]}, "registered_name": None},
    {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
    {"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "get_file"},
    {"module": "keras.config", "class_name": "function", "config": "enable_unsafe_deserialization"},
    {"class_name": "__lambda__", "config": {"value": "4wAAAA=="}},
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: str(call["config"])[:20])
def test_a_keras_file_that_names_a_function_to_call(tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    classifier("model.keras")

    def edit(members):
        config = json.loads(members["config.json"])
        last_layer(config, call)
        members["config.json"] = json.dumps(config).encode()

    rewrite("model.keras", edit)
    with pytest.raises(UserError, match=r"^--model is not a Keras model: ") as caught:
        load_classifier("model.keras")
    assert "\n" not in str(caught.value)
    assert not pathlib.Path("marker").exists()
    assert keras.src.saving.serialization_lib.in_safe_mode() is None


def test_a_keras_file_with_a_saved_model_inside(tmp_path):
    marker = tmp_path / "marker"
    model = Attack(lambda: None)
    model.resource = Resource(write_marker(marker))
    export(model, tmp_path / "model")
    layer = layers.TFSMLayer(str(tmp_path / "model"), call_endpoint="serving_default")
    keras.Sequential([keras.Input((8, 8, 1)), layer]).save(tmp_path / "model.keras")
    marker.unlink()
    with pytest.raises(UserError, match="TFSMLayer"):
        load_classifier(tmp_path / "model.keras")
    assert not marker.exists()


def test_weights_are_not_taken_from_another_file(tmp_path):
    path = tmp_path / "model.keras"
    classifier(path)
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.ones((64, 10), np.float32)

    def edit(members):
        (tmp_path / "weights.h5").write_bytes(members["model.weights.h5"])
        with h5py.File(tmp_path / "weights.h5", "a") as file:
            [kernel] = [file[f"layers/{name}/vars"] for name in file["layers"] if name.startswith("dense")]
            del kernel["0"]
            kernel["0"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "x")
        members["model.weights.h5"] = (tmp_path / "weights.h5").read_bytes()

    rewrite(path, edit)
    with pytest.raises(UserError, match=r"^--model is not a Keras model: "):
        load_classifier(path)


def test_a_damaged_fingerprint_is_told_in_one_line(tmp_path, capfd):
    export(Attack(lambda: None), tmp_path / "model")
    capfd.readouterr()
    with open(tmp_path / "model" / "fingerprint.pb", "ab") as file:
        file.write(b"\xff" * 20)
    with pytest.raises(UserError, match=r"^--model is not a Keras model: "):
        load_classifier(tmp_path / "model")
    assert "Traceback" not in capfd.readouterr().err
