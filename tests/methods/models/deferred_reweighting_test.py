"""Weights of classes from an epoch on: by hand, with mixed pairs, beside what every method does, and resumed."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.data.pipeline.mixup import mixup
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.deferred_reweighting import DeferredReweighting
from ieg_fsr.results.identity import identify
from ieg_fsr.training.build import build
from ieg_fsr.training.inputs import load_training_data
from ieg_fsr.training.survival.checkpoints import Checkpoints

# Class 0 has 3 examples, class 1 one: with beta = 1/2 effective numbers of 7/4 and 1, and weights of 8/11 and 14/11.
COUNTS, WEIGHTS = np.array([3, 1]), np.array([8, 14]) / 11
X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
Y = np.array([0, 0, 1, 0], np.int32)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_two_steps_are_momentum_sgd_and_the_second_weighs_the_classes():
    classifier = keras.Sequential([keras.Input([3]), keras.layers.Dense(2)])
    kernel, bias = (v.astype(np.float64) for v in classifier.get_weights())
    model = ieg_fsr.Supervised(
        classifier, deferred_reweighting=DeferredReweighting(COUNTS, 1, 0.5), label_smoothing=0.2
    )
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9))
    model.fit(ieg_fsr.examples(X, Y, batch_size=4), epochs=2, verbose=0)

    velocity = [np.zeros_like(kernel), np.zeros_like(bias)]
    for weights in (np.ones(4), WEIGHTS[Y]):
        error = weights[:, np.newaxis] * (softmax(X @ kernel + bias) - (0.8 * np.eye(2)[Y] + 0.1)) / 4
        velocity = [0.9 * v - 0.1 * g for v, g in zip(velocity, [X.T @ error, error.sum(axis=0)], strict=True)]
        kernel, bias = kernel + velocity[0], bias + velocity[1]
    np.testing.assert_allclose(classifier.get_weights()[0], kernel, atol=1e-6)
    np.testing.assert_allclose(classifier.get_weights()[1], bias, atol=1e-6)


def test_of_a_mixed_sample_each_label_has_its_own_weight():
    deferred = DeferredReweighting(COUNTS, 0, 0.5)
    deferred.set_epoch(0)
    one_hot, seed = tf.one_hot(Y, 2), tf.constant([3, 4])
    _, mixed = mixup(tf.constant(X), one_hot, seed)  # of the same seed: the shares of the labels
    targets, factors = deferred.taken_out(mixup(tf.constant(X), deferred.weighed(one_hot, Y), seed)[1], None)
    np.testing.assert_allclose(tf.reduce_sum(targets, axis=1), 1.0, rtol=1e-6)
    logits = np.random.default_rng(1).normal(size=(4, 2))
    losses = factors * keras.losses.categorical_crossentropy(targets, logits.astype(np.float32), from_logits=True)
    np.testing.assert_allclose(losses, -(mixed.numpy() * WEIGHTS * np.log(softmax(logits))).sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(deferred.taken_out(targets, tf.fill([4], 3.0))[1], 3.0, rtol=1e-6)


def trained(**given):
    """A short run on a long tail of the digits; how often a step was traced."""
    settings = {"method": "supervised", "imbalance": 5, "train_examples": 400, "batch_size": 30, "epochs": 3} | given
    config = resolve(settings)
    data, given_labels, *_ = load_training_data(config)
    model, examples = build(config, data, given_labels)
    traces, step = [], model.train_step
    model.train_step = lambda data: traces.append(None) or step(data)
    return model, examples, traces


def fitted(epochs: int, **given) -> list[np.ndarray]:
    model, examples, traces = trained(**given)
    model.fit(examples, epochs=epochs, verbose=0)
    assert len(traces) == 1
    return model.classifier.get_weights()


def equal(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.usefixtures("two_blocks")
def test_until_its_epoch_training_is_as_without_it_and_then_no_more():
    plain = fitted(2)
    assert equal(fitted(2, deferred_reweighting=2), plain)
    assert not equal(fitted(2, deferred_reweighting=1), plain)
    assert equal(fitted(2, deferred_reweighting=0, deferred_reweighting_beta=0.0), plain)


@pytest.mark.usefixtures("two_blocks")
@pytest.mark.parametrize("method", ["supervised", "coteaching", "elr", "fsr"])
def test_methods_take_it_and_go_on_bit_for_bit(method, tmp_path):
    own = {"method": method, "deferred_reweighting": 1, "coteaching_forget_rate": 0.2, "reweight_warmup_epochs": 1}
    names = {"coteaching": {"coteaching_forget_rate"}, "fsr": {"reweight_warmup_epochs"}}.get(method, set())
    given = {name: value for name, value in own.items() if name in {"method", "deferred_reweighting", *names}}
    whole, examples, traces = trained(**given)
    checkpoints = Checkpoints(tmp_path, whole)
    per_epoch = examples.steps_per_epoch
    done = []
    save = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: (
            done.append(None) or (len(done) == per_epoch + 1 and checkpoints.save(len(done)))
        )
    )
    whole.fit(examples, epochs=3, verbose=0, callbacks=[save])
    assert len(traces) == (2 if method == "fsr" else 1)
    rest, again, _ = trained(**given)
    assert Checkpoints(tmp_path, rest).restore() == per_epoch + 1
    rest.fit(again, epochs=3, verbose=0, initial_epoch=1, first_step=1)
    assert equal(whole.classifier.get_weights(), rest.classifier.get_weights())
    without, examples, _ = trained(**{name: given[name] for name in given if name != "deferred_reweighting"})
    without.fit(examples, epochs=3, verbose=0)
    assert not equal(whole.classifier.get_weights(), without.classifier.get_weights())


def test_what_is_refused_said_and_shown():
    with pytest.raises(UserError, match=r"^epoch must be a whole number at least 0\. Received: -1$"):
        DeferredReweighting(COUNTS, -1)
    with pytest.raises(UserError, match=r"^--deferred_reweighting must not be given with --method=cb_focal, .*: 80$"):
        resolve({"method": "cb_focal", "deferred_reweighting": 80})
    late = resolve({"method": "supervised", "deferred_reweighting": 100})
    assert any("never weighed" in note for note in load_training_data(late).data.notes)
    tail = {"method": "supervised", "imbalance": 50}
    assert identify(resolve(tail | {"deferred_reweighting": 80})).variant == "supervised + deferred re-weighting"
    assert identify(resolve(tail | {"deferred_reweighting": 40})).variant == "supervised, deferred_reweighting 40"
