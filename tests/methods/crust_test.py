"""CRUST: gradients by differentiation, the coreset's sizes and weights, a step by hand, its off-switch."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models import crust
from ieg_fsr.methods.models.crust import Crust, loss_gradients

RNG = np.random.default_rng(0)
C = 3
X, Y = RNG.normal(size=(60, 5)).astype(np.float32), np.repeat(np.arange(C, dtype=np.int32), [30, 20, 10])
GIVEN = np.where(np.arange(60) % 10 == 7, -1, Y)  # 27, 18 and 9 have a label


def compiled(method=Crust, **settings):
    keras.utils.set_random_seed(0)
    classifier = keras.Sequential([keras.Input([5]), keras.layers.Dense(4, "relu"), keras.layers.Dense(C)])
    model = method(classifier, **settings)
    model.compile(keras.optimizers.SGD(0.1), metrics=["accuracy"], jit_compile=False)
    return model


def test_gradients_are_those_of_each_example_s_own_loss():
    features, kernel, labels = RNG.normal(size=(6, 4)), RNG.normal(size=(4, C)), np.array([0, 1, 2, 0, 1, 2])
    inputs = tf.constant(features)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        logits = inputs @ kernel
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    found = loss_gradients(tf.nn.softmax(logits).numpy(), labels, kernel)
    np.testing.assert_allclose(found, tape.gradient(losses, inputs), rtol=1e-10)


@pytest.mark.parametrize("largest", [5000, 10])
def test_a_coreset_has_its_share_of_each_class_and_stands_for_all_of_it(largest, monkeypatch):
    monkeypatch.setattr(crust, "_LARGEST_PART", largest)
    model = compiled(share=1 / 3, radius=0.0)
    model.training_examples = ieg_fsr.examples(X, GIVEN, batch_size=10)
    ids, factors = model.coreset(0)
    assert len(set(ids.tolist())) == len(ids)
    np.testing.assert_array_equal(np.bincount(GIVEN[ids]), [9, 6, 3])
    np.testing.assert_array_equal([factors[GIVEN[ids] == label].sum() for label in range(C)], [27, 18, 9])
    again, _ = model.coreset(0)
    np.testing.assert_array_equal(ids, again)


def test_examples_alike_are_one_s_cluster():
    """Nine twins and one apart: with two places each kind has one, weighing as many as there are."""
    model = compiled(share=0.2, radius=0.0)
    x = np.concatenate([np.tile(X[:1], [9, 1]), 10 * X[1:2]])
    model.training_examples = ieg_fsr.examples(x, np.zeros(10, np.int32), batch_size=2)
    ids, factors = model.coreset(0)
    assert sorted(zip(factors.tolist(), (ids == 9).tolist(), strict=True)) == [(1.0, True), (9.0, False)]


def test_weights_by_the_radius_do_not_depend_on_the_size_of_the_final_layer():
    """Counted anew, in units of the mean norm of its columns; with half the kernel predictions are made to stay."""
    found = []
    for scale in (1.0, 0.5):
        model = compiled(radius=0.4)
        model.training_examples = ieg_fsr.examples(X, Y, batch_size=10)
        features = model.shared_network(X).numpy()
        model.head.kernel.assign(scale * model.head.kernel)
        model.classifier.layers[0].set_weights([one / scale for one in model.classifier.layers[0].get_weights()])
        found.append(model.coreset(0))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
    ids, factors = found[0]
    kernel, bias = compiled().head.get_weights()
    powers = np.exp(features @ kernel + bias)
    gradients = loss_gradients(powers / powers.sum(axis=1, keepdims=True), Y, kernel)
    unit = np.sqrt(np.mean(np.sum(kernel**2, axis=0)))
    for one, factor in zip(ids, factors, strict=True):
        apart = np.linalg.norm(gradients[Y[one] == Y] - gradients[one], axis=1)
        assert factor == np.sum(apart <= 0.4 * unit)
    assert len(set(factors.tolist())) > 5


def test_a_batch_is_the_mean_by_the_weights():
    model = compiled()
    factors = tf.constant([1.0, 5.0, 2.0])
    before = model.classifier.get_weights()
    features = np.maximum(X[:3] @ before[0] + before[1], 0)
    logits = features @ before[2] + before[3]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    error = np.array([[1.0], [5.0], [2.0]]) / 8 * (probabilities - np.eye(C)[Y[:3]])
    model.train_step((tf.constant(X[:3]), tf.constant(Y[:3]), tf.range(3), factors))
    np.testing.assert_allclose(model.classifier.get_weights()[2], before[2] - 0.1 * features.T @ error, atol=1e-6)


def test_stages_and_epochs():
    model = compiled()
    assert [(stage.name, stage.epochs) for stage in model.stages(120)] == [("all", 5), ("coreset", 115)]
    ids = []
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ids.append(model.course.visits))
    model.warmup_share = 0.5
    model.fit(ieg_fsr.examples(X, GIVEN, batch_size=9), epochs=4, callbacks=[look], verbose=0)
    assert [visits and (visits[0], len(visits[1].ids)) for visits in ids] == [None, None, (2, 27), (3, 27)]
    right = np.arange(60) % 2 == 0
    chosen, factors = model.course.visits[1]
    expected = sum(factor for one, factor in zip(chosen, factors, strict=True) if one % 2 == 0) / factors.sum()
    assert model.figures(right)["coreset_right"] == pytest.approx(expected)
    assert model.figures()["coreset_right"] is None


def test_a_beginning_that_lasts_is_plain_training_bit_for_bit():
    models = compiled(warmup_share=1.0), compiled(ieg_fsr.Supervised)
    for model in models:
        model.fit(ieg_fsr.examples(X, GIVEN, batch_size=9), epochs=3, verbose=0)
    for one, other in zip(models[0].classifier.get_weights(), models[1].classifier.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"share": 0.0}, "share must be a number in (0, 1]. Received: 0.0"),
        ({"radius": -1.0}, "radius must be a number at least 0. Received: -1.0"),
        ({"warmup_share": 1.5}, "warmup_share must be a number in [0, 1]. Received: 1.5"),
        ({"mixup_alpha": 1.0}, "mixup_alpha must be 0 with CRUST. Received: 1"),
    ],
)
def test_what_the_class_refuses(arguments, message):
    with pytest.raises(UserError) as caught:
        compiled(**arguments)
    assert str(caught.value) == message


def test_tokens_are_not_mixed():
    layers = [keras.layers.Embedding(5, 3), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(2)]
    classifier = keras.Sequential([keras.Input([4], dtype="int32"), *layers])
    with pytest.raises(UserError, match=r"^mix_classes must be False for a classifier of token ids or texts"):
        Crust(classifier)
    assert not Crust(classifier, mix_classes=False).mix_classes
