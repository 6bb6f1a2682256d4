"""Sizes of the gradients of a linear network by hand, and of a convolutional one without a trace in the model."""

import keras
import numpy as np
import pytest

import ieg_fsr
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.layer_gradients import layer_gradients
from ieg_fsr.networks import build_network

pytestmark = pytest.mark.usefixtures("two_blocks")

N, D, C, ETA, DECAY = 12, 4, 3, 0.2, 0.05


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def gradient(x, y, kernel, bias):
    errors = (softmax(x @ kernel + bias) - y) / len(x)
    return np.append(x.T @ errors, errors.sum(axis=0))


def size(values):
    return np.linalg.norm(values) / np.sqrt(values.size)


def test_one_dense_layer_by_hand():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(N, D)).astype(np.float32), np.arange(N) % C
    clean_x = rng.normal(size=(C, D)).astype(np.float32)
    classifier = keras.Sequential([keras.Input((D,)), keras.layers.Dense(C, bias_initializer="normal", name="logits")])
    # A batch of everything, and a reward batch that draws each of three clean examples once.
    model = ieg_fsr.FSR(
        classifier, N, 6, clean_examples=ieg_fsr.examples(clean_x, np.arange(C), 1), reward_batch_size=C,
        lookahead_learning_rate=ETA, weight_decay=DECAY, mixup_alpha=0.0, reweight_warmup_epochs=0,
    )  # fmt: skip
    model.compile(optimizer=keras.optimizers.SGD(0.1), metrics=["accuracy"])
    model.fit(ieg_fsr.examples(x, labels, batch_size=N), epochs=1, verbose=0)
    [row] = layer_gradients(model, epoch=0)
    kernel, bias = (p.astype(np.float64) for p in classifier.get_weights())
    training = gradient(x, np.eye(C)[labels], kernel, bias)
    step = training + DECAY * np.append(kernel, bias)
    after = np.append(kernel, bias) - ETA * step
    meta = gradient(clean_x, np.eye(C), after[:-C].reshape(D, C), after[-C:])
    assert (row["layer"], row["parameters"]) == ("logits", D * C + C)
    assert row["training_gradient"] == pytest.approx(size(training), rel=1e-4)
    assert row["meta_gradient"] == pytest.approx(size(meta), rel=1e-4)


@pytest.mark.parametrize("meta_layers", ["dense", "all"])
def test_every_layer_is_measured_and_nothing_changes(meta_layers):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (40, 8, 8, 1), np.uint8), np.arange(40) % 4
    classifier = build_network("small_cnn", (8, 8, 1), 4)
    model = ieg_fsr.FSR(classifier, 40, 12, meta_layers=meta_layers, reward_batch_size=8, reweight_warmup_epochs=9)
    model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), metrics=["accuracy"])
    model.fit(ieg_fsr.examples(x, y, batch_size=10), epochs=1, verbose=0)
    before = [v.numpy() for v in (*classifier.variables, *model.optimizer.variables, *model.meta_part.accumulators)]
    rows = layer_gradients(model, epoch=0)
    after = [v.numpy() for v in (*classifier.variables, *model.optimizer.variables, *model.meta_part.accumulators)]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    trained = [layer.name for layer in classifier.layers if layer.trainable_variables]
    assert [row["layer"] for row in rows] == trained
    assert sum(row["parameters"] for row in rows) == sum(int(np.prod(v.shape)) for v in classifier.trainable_variables)
    assert all(row["training_gradient"] > 0 and row["meta_gradient"] > 0 for row in rows)
    assert layer_gradients(model, epoch=0) == rows


def test_nested_layers_are_found_and_training_must_come_first():
    trunk = keras.Sequential([keras.Input((D,)), keras.layers.Dense(3, name="inner")])
    classifier = keras.Sequential([keras.Input((D,)), trunk, keras.layers.Dense(C, name="logits")])
    model = ieg_fsr.FSR(classifier, N, 6, reward_batch_size=4)
    with pytest.raises(UserError, match="fit must come first"):
        layer_gradients(model, epoch=0)
    model.compile(optimizer=keras.optimizers.SGD(0.1), metrics=["accuracy"])
    x = np.random.default_rng(0).normal(size=(N, D)).astype(np.float32)
    model.fit(ieg_fsr.examples(x, np.arange(N) % C, batch_size=4), epochs=1, verbose=0)
    assert [row["layer"] for row in layer_gradients(model, epoch=0)] == ["inner", "logits"]
