"""Tests of loading and measuring a classifier."""

import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
import sklearn.metrics
import tensorflow as tf

from ieg_fsr.errors import UserError
from ieg_fsr.evaluation.evaluate import (
    check_fits,
    compile_classifier,
    evaluate_model,
    load_classifier,
    predict_logits,
    report,
)
from ieg_fsr.networks import build_network

layers = keras.layers


class Source:
    """Images in memory, with the interface of a data source."""

    def __init__(self, images, labels):
        self.pixels, self.labels = images, np.asarray(labels)

    def __len__(self):
        return len(self.labels)

    def images(self, ids):
        return self.pixels[ids]


def random_source(examples=11, shape=(8, 8, 1), classes=10):
    rng = np.random.default_rng(0)
    return Source(rng.integers(0, 256, (examples, *shape), dtype=np.uint8), rng.integers(0, classes, examples))


def oracle():
    """Reads the logits from the first row of a [2, C, 1] image: predictions are known without a network."""
    inputs = keras.Input((2, 3, 1))
    return keras.Model(inputs, layers.Reshape((3,))(layers.Cropping2D(((0, 1), (0, 0)))(inputs)))


def oracle_source(predictions, labels):
    images = np.zeros((len(labels), 2, 3, 1), np.uint8)
    images[np.arange(len(labels)), 0, predictions, 0] = 200
    return Source(images, labels)


@pytest.fixture(scope="module")
def classifier():
    """A small network whose batch-norm averages have moved away from their start."""
    model = build_network("small_cnn", (8, 8, 1), 10, seed=3)
    model(random_source(50).pixels, training=True)
    return model


@pytest.mark.parametrize("batch_size", [1, 4, 11, 500])
def test_predicts_every_example_in_order(classifier, batch_size):
    source = random_source()
    logits = predict_logits(classifier, source, batch_size)
    assert logits.shape == (11, 10)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, classifier(source.pixels, training=False), rtol=1e-4, atol=1e-5)


def test_traces_once_for_float32_pixels_and_returns_float32():
    traces = []

    def model(images, training):
        traces.append((images.shape, images.dtype, training))
        return tf.cast(tf.reduce_mean(images, axis=[1, 2]), tf.bfloat16)

    source = Source(np.full((11, 8, 8, 1), 250, np.uint8), np.zeros(11, int))
    forward = compile_classifier(model)
    for _ in range(2):
        logits = predict_logits(forward, source, batch_size=4)
        assert logits.dtype == np.float32
        np.testing.assert_array_equal(logits, [[250]] * 11)
    assert traces == [((4, 8, 8, 1), tf.float32, False)]


def test_compiled_classifier_follows_the_weights():
    model = build_network("small_cnn", (8, 8, 1), 3)
    source = random_source()
    forward = compile_classifier(model)
    predict_logits(forward, source)
    head = model.layers[-1]
    head.kernel.assign(np.zeros(head.kernel.shape))
    head.bias.assign([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(predict_logits(forward, source), [[1, 2, 3]] * 11)
    assert forward.experimental_get_tracing_count() == 1


def test_empty_source(classifier):
    with pytest.raises(UserError, match=r"at least one image. Received: 0"):
        predict_logits(classifier, random_source(0))


def test_result_by_hand():
    labels, predictions = [0, 0, 0, 0, 1, 1, 0], [0, 1, 0, 1, 1, 0, 0]
    result = evaluate_model(oracle(), oracle_source(predictions, labels), num_classes=3, class_names=["a", "b", "c"])
    assert result == {
        "test_accuracy": pytest.approx(4 / 7),
        "test_top5": 1.0,
        "mean_class_accuracy": pytest.approx((3 / 5 + 1 / 2) / 2),
        "per_class_accuracy": [3 / 5, 1 / 2, None],
        "confusion_matrix": [[3, 2, 0], [1, 1, 0], [0, 0, 0]],
        "examples": 7,
        "class_names": ["a", "b", "c"],
    }
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_result_against_sklearn(classifier):
    source = random_source(60)
    logits = predict_logits(classifier, source)
    result = evaluate_model(classifier, source)
    top1 = sklearn.metrics.accuracy_score(source.labels, logits.argmax(axis=1))
    assert result["test_accuracy"] == pytest.approx(top1)
    top5 = sklearn.metrics.top_k_accuracy_score(source.labels, logits, k=5, labels=np.arange(10))
    assert result["test_top5"] == pytest.approx(top5)
    assert "class_names" not in result


def test_number_of_classes_is_checked(classifier):
    with pytest.raises(UserError, match=r"must have 7 classes.*Received: 10"):
        evaluate_model(classifier, random_source(), num_classes=7)


def test_too_large_a_matrix_is_left_out():
    source = Source(np.zeros((2, 1, 1, 1), np.uint8), [0, 1000])
    result = evaluate_model(lambda images, training: tf.zeros((len(images), 1001)), source)
    assert result["confusion_matrix"] is None
    assert len(result["per_class_accuracy"]) == 1001
    assert "the 2 worst of 1001" in report(result)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_loaded_file_predicts_exactly_the_same(classifier, tmp_path, ending):
    path = tmp_path / f"model.{ending}"
    classifier.save(path)
    source = random_source(13)
    loaded = load_classifier(path)
    np.testing.assert_array_equal(predict_logits(loaded, source, 5), predict_logits(classifier, source, 5))
    check_fits(loaded, (8, 8, 1), 10)


def test_saved_model_predicts_exactly_the_same(classifier, tmp_path):
    classifier.export(tmp_path / "exported", verbose=False)
    source = random_source(13)
    loaded = load_classifier(str(tmp_path / "exported"))
    np.testing.assert_array_equal(predict_logits(loaded, source, 5), predict_logits(classifier, source, 5))
    assert loaded.input_shape == (None, 8, 8, 1)
    assert loaded.output_shape == (None, 10)
    with pytest.raises(ValueError, match="cannot be trained"):
        loaded(source.pixels, training=True)


@pytest.mark.parametrize("name", ["missing.keras", "missing", "empty_directory", "weights.bin"])
def test_nothing_to_load(tmp_path, name):
    (tmp_path / "empty_directory").mkdir()
    (tmp_path / "weights.bin").write_bytes(b"something")
    message = r"^--model must be an existing \.keras, \.h5 file or SavedModel directory\. Received: .*" + name
    with pytest.raises(UserError, match=message):
        load_classifier(tmp_path / name)


def other_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "not a model")


def lambda_layer(path):
    keras.Sequential([keras.Input((2,)), layers.Lambda(lambda x: x + 1)]).save(path)


def other_h5(path):
    with h5py.File(path, "w") as file:
        file["numbers"] = np.arange(3)


def broken_saved_model(path):
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"\x00\x01 no protobuf")


def random_bytes(path):
    path.write_bytes(np.random.default_rng(0).bytes(3000))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("random.keras", random_bytes),
        ("text.keras", lambda path: path.write_text("hello\nworld\n")),
        ("empty.keras", lambda path: path.write_bytes(b"")),
        ("zip.keras", other_zip),
        ("lambda.keras", lambda_layer),
        ("lambda.h5", lambda_layer),
        ("random.h5", random_bytes),
        ("numbers.h5", other_h5),
        ("broken", broken_saved_model),
        ("no_serve", lambda path: tf.saved_model.save(tf.Module(), str(path))),
    ],
)
def test_not_a_keras_model(tmp_path, name, write):
    path = tmp_path / name
    write(path)
    with pytest.raises(UserError, match=r"^--model is not a Keras model: \S") as caught:
        load_classifier(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(f". Received: {path}")
    assert len(message) < 300 + len(str(path))


class Custom(layers.Layer):
    def call(self, inputs):
        return inputs


def test_reason_names_the_custom_class(tmp_path):
    keras.Sequential([keras.Input((2,)), Custom()]).save(tmp_path / "model.keras")
    with pytest.raises(UserError, match=r"Could not locate class 'Custom'\. Received: "):
        load_classifier(tmp_path / "model.keras")


def image_model(shape, classes):
    inputs = keras.Input(shape)
    return keras.Model(inputs, layers.Dense(classes)(layers.GlobalAveragePooling2D()(inputs)))


def test_fitting_models():
    check_fits(image_model((32, 32, 3), 10), (32, 32, 3), 10)
    check_fits(image_model((None, None, 3), 10), (28, 40, 3), 10)
    check_fits(lambda images, training: images, (32, 32, 3), 10)  # nothing known, nothing to object to


def test_models_that_do_not_fit():
    def message(model, shape=(32, 32, 3), classes=10):
        with pytest.raises(UserError) as caught:
            check_fits(model, shape, classes, dataset="cifar10", path="m.keras")
        return str(caught.value)

    received = ". Received: m.keras"
    assert message(image_model((32, 32, 3), 7)) == f"--model has 7 classes but --dataset=cifar10 has 10{received}"
    has = "but --dataset=cifar10 has"
    assert message(image_model((28, 28, 1), 10)) == f"--model has input 28x28x1 {has} 32x32x3{received}"
    assert message(image_model((None, None, 3), 10), (8, 8, 1)) == f"--model has input ?x?x3 {has} 8x8x1{received}"
    vectors = keras.Sequential([keras.Input((5,)), layers.Dense(10)])
    assert message(vectors) == f"--model has input 5 but --dataset=cifar10 has 32x32x3{received}"
    inputs = keras.Input((32, 32, 3))
    assert "one output" in message(keras.Model(inputs, [inputs, inputs]))
    assert "one output" in message(keras.Model(inputs, layers.Dense(10)(inputs)))
    two = keras.Model([inputs, keras.Input((5,))], layers.Dense(10)(layers.Flatten()(inputs)))
    assert message(two).startswith("--model has input [(None, 32, 32, 3), (None, 5)] but")


def test_report():
    source = oracle_source([0, 1, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1, 0])
    named = evaluate_model(oracle(), source, class_names=["cat", "dog", "eel"])
    assert report(named).splitlines() == [
        "examples             7",
        "top-1 accuracy       0.5714",
        "top-5 accuracy       1.0000",
        "mean class accuracy  0.5500",
        "",
        "accuracy per class",
        "  0 cat  0.6000",
        "  1 dog  0.5000",
        "  2 eel  no images",
        "",
        "confusion matrix (row: label in the data, column: predicted)",
        "         0 1 2",
        "  0 cat  3 2 0",
        "  1 dog  1 1 0",
        "  2 eel  0 0 0",
    ]


@pytest.mark.parametrize(("classes", "listed", "has_matrix"), [(20, 20, True), (21, 21, False), (101, 20, False)])
def test_report_of_many_classes(classes, listed, has_matrix):
    accuracies = [index / classes for index in range(classes)]
    result = {"examples": 1, "test_accuracy": 0.1, "test_top5": 0.5, "mean_class_accuracy": 0.1}
    result |= {"per_class_accuracy": accuracies, "confusion_matrix": np.eye(classes, dtype=int).tolist()}
    text = report(result)
    table = text.split("accuracy per class")[1].split("confusion")[0].splitlines()[1:]
    assert len([line for line in table if line]) == listed
    assert table[0].split() == ["0", "0.0000"]
    assert ("confusion matrix" in text) is has_matrix
