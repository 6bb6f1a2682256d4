"""Co-teaching: the selection against a hand-traced batch, one step against both updates written out by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.coteaching import CoTeaching, small_loss_mask

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(8, 3)).astype(np.float32), np.arange(8, dtype=np.int32) % 2


def linear(seed):
    inputs = keras.Input([3])
    return keras.Model(inputs, keras.layers.Dense(2, kernel_initializer=keras.initializers.GlorotUniform(seed))(inputs))


def compiled(**settings):
    model = CoTeaching(linear(1), linear(2), **settings)
    model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), metrics=["accuracy"])
    return model


@pytest.mark.parametrize(
    ("share", "mask"),
    [
        (1.0, [1, 1, 1, 1, 1]),
        (0.6, [0, 1, 1, 0, 1]),
        (0.5, [0, 1, 0, 0, 1]),  # 2.5 samples: half goes to even
        (0.2, [0, 1, 0, 0, 0]),  # of two equal losses the first
        (0.0, [0, 1, 0, 0, 0]),  # never none
    ],
)
def test_the_smallest_losses_are_kept(share, mask):
    losses = tf.constant([0.9, 0.1, 0.5, 0.7, 0.1])
    np.testing.assert_array_equal(small_loss_mask(losses, tf.constant(share)), mask)


@pytest.mark.parametrize("kept", range(1, 101))
def test_a_share_in_float32_keeps_the_whole_number_that_was_meant(kept):
    losses = tf.constant(RNG.permutation(100).astype(np.float32))
    np.testing.assert_array_equal(small_loss_mask(losses, tf.constant(kept / 100)), losses.numpy() < kept)


def test_share_that_is_kept_falls_linearly():
    model = compiled(forget_rate=0.4, warmup_epochs=4)
    shares = []
    for epoch in range(6):
        model.set_epoch(epoch)
        shares.append(float(model.kept_share))
    np.testing.assert_allclose(shares, [1.0, 0.9, 0.8, 0.7, 0.6, 0.6], rtol=1e-6)
    at_once = compiled(forget_rate=0.4, warmup_epochs=0)
    at_once.set_epoch(0)
    assert float(at_once.kept_share) == pytest.approx(0.6)


def test_a_step_trains_each_network_on_the_choice_of_the_other():
    model = compiled(forget_rate=0.5, warmup_epochs=0, weight_decay=0.01)
    kernels = [network.get_weights()[0].astype(np.float64) for network in (model.classifier, model.second_classifier)]

    def forward(kernel):
        powers = np.exp(X @ kernel)
        probabilities = powers / powers.sum(axis=1, keepdims=True)
        return probabilities, -np.log(probabilities[np.arange(8), Y])

    outputs = [forward(kernel) for kernel in kernels]
    chosen = [np.argsort(losses)[:4] for _, losses in outputs]
    assert set(chosen[0]) != set(chosen[1])
    model.fit(ieg_fsr.examples(X, Y, batch_size=8), epochs=1, verbose=0)
    trained = (model.classifier, model.second_classifier)
    for network, kernel, (probabilities, _), others_choice in zip(trained, kernels, outputs, chosen[::-1], strict=True):
        error = (probabilities - np.eye(2)[Y])[others_choice] / 4
        expected = kernel - 0.1 * (X[others_choice].T @ error + 0.01 * kernel)
        np.testing.assert_allclose(network.get_weights()[0], expected, atol=1e-6)


def test_each_network_is_trained_with_its_own_regularizers():
    """A Keras L2 factor f adds 2 f W to the gradient."""

    def moved(*factors):
        networks = []
        for seed, factor in enumerate(factors):
            start = keras.initializers.GlorotUniform(seed)
            regularizer = keras.regularizers.L2(factor) if factor else None
            head = keras.layers.Dense(2, kernel_initializer=start, kernel_regularizer=regularizer)
            networks.append(keras.Sequential([keras.Input([3]), head]))
        before = [network.get_weights()[0] for network in networks]
        model = CoTeaching(*networks, forget_rate=0.5, warmup_epochs=0)
        model.compile(optimizer=keras.optimizers.SGD(0.1))
        model.fit(ieg_fsr.examples(X, Y, batch_size=8), verbose=0)
        return before, [network.get_weights()[0] for network in networks]

    (before, plain), (_, regularized) = moved(0.0, 0.0), moved(0.3, 0.2)
    for factor, start, one, other in zip((0.3, 0.2), before, plain, regularized, strict=True):
        np.testing.assert_allclose(other - one, -0.1 * 2 * factor * start, atol=1e-6)


def test_both_networks_normalise_by_the_fused_kernel():
    def network() -> keras.Model:
        layers = [keras.layers.BatchNormalization(), keras.layers.Flatten(), keras.layers.Dense(2)]
        return keras.Sequential([keras.Input([4, 4, 1]), *layers])

    model = CoTeaching(network(), network(), forget_rate=0.2)
    model.compile(keras.optimizers.SGD(0.1))
    step = tf.function(model.train_step).get_concrete_function((tf.zeros([8, 4, 4, 1]), Y, tf.range(8)))
    assert sum(operation.type == "FusedBatchNormGradV3" for operation in step.graph.get_operations()) == 2


def test_fit_called_again_goes_on_with_the_share():
    model, shares = compiled(forget_rate=0.4, warmup_epochs=4), []
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: shares.append(float(model.kept_share)))
    for options in ({"epochs": 2}, {"epochs": 1}, {"initial_epoch": 1, "epochs": 2}):
        model.fit(ieg_fsr.examples(X, Y, batch_size=4), **options, callbacks=look, verbose=0)
    np.testing.assert_allclose(shares, [1.0, 0.9, 0.8, 0.9], rtol=1e-6)


def test_nothing_left_out_is_supervised_training():
    model = compiled(forget_rate=0.0)
    plain = ieg_fsr.Supervised(linear(1))
    plain.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), metrics=["accuracy"])
    for method in (model, plain):
        method.fit(ieg_fsr.examples(X, Y, batch_size=4), epochs=3, verbose=0)
    np.testing.assert_allclose(model.classifier.get_weights()[0], plain.classifier.get_weights()[0], atol=1e-6)


def test_with_and_without_xla():
    results = []
    for jit_compile in (False, True):
        model = compiled(forget_rate=0.5, warmup_epochs=1)
        model.jit_compile = jit_compile
        model.fit(ieg_fsr.examples(X, Y, batch_size=4), epochs=2, verbose=0)
        results.append([model.classifier.get_weights()[0], model.second_classifier.get_weights()[0]])
    np.testing.assert_allclose(results[0], results[1], atol=1e-5)


def test_one_trace_for_all_epochs():
    model = compiled(forget_rate=0.4, warmup_epochs=2)
    traces = []
    step = model.train_step
    model.train_step = lambda data: (traces.append(1), step(data))[1]
    model.fit(ieg_fsr.examples(X, Y, batch_size=4), epochs=4, verbose=0)
    assert len(traces) == 1


def test_what_cannot_be_taught():
    network = linear(1)
    with pytest.raises(UserError, match=r"^second_classifier must have variables of its own"):
        CoTeaching(network, network, forget_rate=0.4)
    with pytest.raises(UserError, match=r"^mixup_alpha must be 0"):
        CoTeaching(linear(1), linear(2), forget_rate=0.4, mixup_alpha=1.0)
    for name, value in (("forget_rate", 1.0), ("warmup_epochs", -1)):
        with pytest.raises(UserError, match=rf"^{name} must be .*Received: {value}$"):
            CoTeaching(linear(1), linear(2), **({"forget_rate": 0.4} | {name: value}))
