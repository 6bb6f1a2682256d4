"""Forward correction as a method: before, at and after the estimate."""

import keras
import numpy as np
import pytest

import ieg_fsr
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.forward_correction import ForwardCorrection

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 3)).astype(np.float32), np.arange(12, dtype=np.int32) % 2


def linear():
    inputs = keras.Input([3])
    return keras.Model(inputs, keras.layers.Dense(2, kernel_initializer=keras.initializers.GlorotUniform(1))(inputs))


def fitted(model, epochs):
    model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), metrics=["accuracy"])
    model.fit(ieg_fsr.examples(X, Y, batch_size=4), epochs=epochs, verbose=0)
    return model


def softmax(logits):
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


def test_before_the_estimate_it_is_supervised_training():
    model = fitted(ForwardCorrection(linear(), correction_warmup_epochs=3), 3)
    plain = fitted(ieg_fsr.Supervised(linear()), 3)
    np.testing.assert_array_equal(model.transition_matrix, np.eye(2))
    np.testing.assert_allclose(model.classifier.get_weights()[0], plain.classifier.get_weights()[0], atol=1e-6)


def test_the_estimate_is_what_the_plain_network_says_of_its_surest_examples():
    model = fitted(ForwardCorrection(linear(), correction_warmup_epochs=2), 3)
    plain = fitted(ieg_fsr.Supervised(linear()), 2)
    probabilities = softmax(plain.classifier(X).numpy())
    # Six examples a class: the floor(1.8) = 1 surest is skipped.
    anchors = [np.argsort(-probabilities[:, i])[1] for i in range(2)]
    np.testing.assert_allclose(model.transition_matrix, probabilities[anchors], atol=1e-6)


def test_a_step_with_a_given_matrix():
    matrix = np.array([[0.9, 0.1], [0.3, 0.7]])
    model = ForwardCorrection(linear(), matrix)
    kernel = model.classifier.get_weights()[0].astype(np.float64)
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    model.fit(ieg_fsr.examples(X, Y, batch_size=12), epochs=1, verbose=0)

    def loss(kernel):
        return -np.log((softmax(X @ kernel) @ matrix)[np.arange(12), Y]).mean()

    gradient = np.zeros_like(kernel)
    for index in np.ndindex(kernel.shape):
        step = np.zeros_like(kernel)
        step[index] = 1e-6
        gradient[index] = (loss(kernel + step) - loss(kernel - step)) / 2e-6
    np.testing.assert_allclose(model.classifier.get_weights()[0], kernel - 0.1 * gradient, atol=1e-6)


def test_an_estimate_needs_all_examples():
    model = ForwardCorrection(linear())
    model.compile(optimizer="sgd")
    with pytest.raises(UserError, match=r"^fit must be given ieg_fsr\.examples"):
        model.fit(X, Y, verbose=0)
    given = ForwardCorrection(linear(), np.eye(2))
    given.compile(optimizer="sgd", metrics=["accuracy"])
    given.fit(X, Y, verbose=0)


def test_fit_called_again_estimates_once_and_takes_a_single_callback():
    """Two calls are one long one: the second begins after plain training."""
    whole = fitted(ForwardCorrection(linear(), correction_warmup_epochs=1), 3)
    parts, epochs = fitted(ForwardCorrection(linear(), correction_warmup_epochs=1), 1), []
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    parts.fit(ieg_fsr.examples(X, Y, batch_size=4), epochs=2, callbacks=look, verbose=0)
    assert epochs == [0, 1]
    np.testing.assert_array_equal(parts.transition_matrix, whole.transition_matrix)
    np.testing.assert_array_equal(parts.classifier.get_weights()[0], whole.classifier.get_weights()[0])
