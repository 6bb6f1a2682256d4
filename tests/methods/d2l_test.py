"""D2L: targets by hand, the turning point, what goes back and what does not, and going on from a checkpoint."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.batch import Batch
from ieg_fsr.methods.models.d2l import D2L
from ieg_fsr.methods.models.intrinsic_dimension import local_intrinsic_dimensions
from ieg_fsr.methods.registry import METHODS
from ieg_fsr.training.inputs import load_training_data
from ieg_fsr.training.survival.checkpoints import Checkpoints

RNG = np.random.default_rng(0)
N, C, STEPS = 24, 3, 3
X, Y = RNG.normal(size=(N, 5)).astype(np.float32), np.arange(N, dtype=np.int32) % C
EPOCHS = 6
# Before epoch index 4 the dimension rises: mean 3, deviation .1 of the two before.
RISING = [5.0, 4.0, 2.9, 3.1, 3.5, 3.3]
STATE = ("classifier", "optimizer", "parameter_average")


def data():
    return ieg_fsr.examples(X, Y, batch_size=N // STEPS)


def compiled(seed=0, method=D2L, **settings):
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(4, "relu"), keras.layers.BatchNormalization(), keras.layers.Dense(C)]
    settings = ({"window": 2, "start_share": 1 / 3, "neighbours": 5} if method is D2L else {}) | settings
    model = method(keras.Sequential([keras.Input([5]), *layers]), parameter_average_decay=0.9, **settings)
    rates = keras.optimizers.schedules.CosineDecay(0.1, STEPS * EPOCHS)
    model.compile(keras.optimizers.SGD(rates, momentum=0.9), metrics=["accuracy"], jit_compile=False)
    return model


def with_dimensions(model, values):
    model.dimension = lambda epoch: values[epoch]
    return model


def state(model):
    """Arrays by name, the count of steps apart."""
    parts = model.checkpoint_parts()
    arrays = [np.asarray(v) for name in STATE for v in getattr(parts[name], "variables", parts[name])]
    steps = int(model.optimizer.iterations)
    return [a for a in arrays if not (a.dtype.kind in "iu" and a.shape == () and a == steps)], steps


class Look(keras.callbacks.Callback):
    """What the state and the given values were before each epoch, after `set_epoch`."""

    def __init__(self):
        super().__init__()
        self.states, self.steps, self.shares = [], [], []

    def on_epoch_begin(self, epoch, logs=None):
        arrays, steps = state(self.model)
        self.states.append(arrays)
        self.steps.append(steps)
        self.shares.append(float(self.model.label_share))


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_at_the_turning_point_it_goes_back_once_and_trusts_labels_less():
    model, look = with_dimensions(compiled(), [*RISING[:5], 9.0]), Look()
    model.fit(data(), epochs=EPOCHS, callbacks=[look], verbose=0)
    assert int(model.turned) == 5
    # Epoch index 4 begins with the state that index 3 began with; index 5, whose dimension rises again, does not.
    pairs = [(i, j) for i in range(EPOCHS) for j in range(i) if same(look.states[i], look.states[j])]
    assert pairs == [(4, 3)]
    assert look.steps == [0, 3, 6, 9, 12, 15]
    # exp(-t / T LID_t / min LID).
    np.testing.assert_allclose(
        look.shares, [1, 1, 1, 1, np.exp(-4 / 6 * 3.5 / 2.9), np.exp(-5 / 6 * 9 / 2.9)], rtol=1e-6
    )
    figures = model.figures()
    assert figures["turning_epoch"] == 5
    assert figures["lid"] == pytest.approx(9.0)
    assert figures["label_share"] == pytest.approx(look.shares[-1])


@pytest.mark.parametrize(
    ("values", "turned"),
    [
        ([3.0, 3.1, 4.0, 3.0, 3.0, 2.0], 0),  # the rise is before there are more than a third of the epochs + w
        ([3.0, 3.1, 3.0, 3.1, 3.0, 4.0], 6),
        ([3.0, 2.9, 2.8, 2.7, 2.6, 2.5], 0),
    ],
)
def test_when_it_turns(values, turned):
    model = with_dimensions(compiled(), values)
    model.fit(data(), epochs=EPOCHS, verbose=0)
    assert int(model.turned) == turned


def test_without_a_turning_point_it_is_plain_training_bit_for_bit():
    model, plain = with_dimensions(compiled(), [2.0] * EPOCHS), compiled(method=ieg_fsr.Supervised)
    for one in (model, plain):
        one.fit(data(), epochs=EPOCHS, verbose=0)
    assert same(state(model)[0], state(plain)[0])


@pytest.mark.parametrize("bad", [np.nan, 0.0, -1.0, np.inf])
def test_a_dimension_that_is_none_is_the_last_one(bad):
    model = compiled()
    for value in (bad, 3.0, 2.0, bad):
        model.take_in(value)
    assert model.dimensions.numpy().tolist() == [3.0, 2.0, 2.0]
    assert (float(model.smallest), int(model.known)) == (2.0, 3)


def test_targets_by_hand():
    """alpha = 1/4, p = (1/4, 3/4), given 0, predicted 1: 1/4 log 4 + 3/4 log 4/3; and the gradient p - y*."""
    model = D2L(keras.Sequential([keras.Input([2]), keras.layers.Dense(2)]))
    model.label_share.assign(0.25)
    images, logits = tf.zeros([1, 2]), tf.math.log([[1.0, 3.0]])
    batch = Batch(images, tf.constant([[1.0, 0.0]]), images, tf.constant([0]), tf.constant([0]))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = model.sample_losses(batch, logits)
    np.testing.assert_allclose(losses, [np.log(4) / 4 + 3 * np.log(4 / 3) / 4], rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(losses, logits), [[1 / 4 - 1 / 4, 3 / 4 - 3 / 4]], atol=1e-6)


def test_the_dimension_is_that_of_the_input_of_the_final_layer_in_test_mode():
    """All examples, in one batch: another order changes nothing."""
    model = compiled()
    model.fit(data(), epochs=1, verbose=0)
    before = state(model)[0]
    found = model.dimension(3)
    dense, norm, _ = model.classifier.layers
    gamma, beta, mean, variance = norm.get_weights()
    kernel, bias = dense.get_weights()
    features = (np.maximum(X @ kernel + bias, 0) - mean) / np.sqrt(variance + norm.epsilon) * gamma + beta
    assert found == pytest.approx(np.mean(local_intrinsic_dimensions(features, 5)), rel=1e-3)
    assert same(before, state(model)[0])


@pytest.mark.parametrize("stop", [10, 11, 12, 13, 14])
def test_it_goes_on_bit_for_bit_around_the_turning_point(tmp_path, stop):
    """From the epoch before (steps 10 to 12), whose first state the turning point needs, and from within its own."""

    class Save(keras.callbacks.Callback):
        done = 0

        def on_train_batch_end(self, batch, logs=None):
            self.done += 1
            if self.done == stop and stop % STEPS:
                Checkpoints(tmp_path, self.model).save(stop)

        def on_epoch_end(self, epoch, logs=None):
            if self.done == stop and not stop % STEPS:
                Checkpoints(tmp_path, self.model).save(stop)

    whole = with_dimensions(compiled(), RISING)
    whole.fit(data(), epochs=EPOCHS, callbacks=[Save()], verbose=0)
    assert int(whole.turned) == 5
    rest = with_dimensions(compiled(seed=1), RISING)
    assert Checkpoints(tmp_path, rest).restore() == stop
    epoch, step = divmod(stop, STEPS)
    rest.fit(data(), epochs=EPOCHS, initial_epoch=epoch, first_step=step, verbose=0)
    for name, part in whole.checkpoint_parts().items():
        other = rest.checkpoint_parts()[name]
        pairs = zip(getattr(part, "variables", part), getattr(other, "variables", other), strict=True)
        for one, two in pairs:
            np.testing.assert_array_equal(np.asarray(one), np.asarray(two), err_msg=name)
    assert float(whole.label_share) == float(rest.label_share)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 1}, "window must be a whole number in 2..1000. Received: 1"),
        ({"start_share": 1.5}, "start_share must be a number in [0, 1]. Received: 1.5"),
        ({"neighbours": 128}, "neighbours must be a whole number in 2..127. Received: 128"),
        ({"mixup_alpha": 1.0}, "mixup_alpha must be 0 with D2L. Received: 1"),
    ],
)
def test_what_the_class_refuses(arguments, message):
    with pytest.raises(UserError) as caught:
        compiled(**arguments)
    assert str(caught.value) == message


def test_too_few_examples_are_refused_before_training():
    with pytest.raises(UserError, match=r"^neighbours must be at most 23\. Received: 24$"):
        compiled(neighbours=24).fit(data(), verbose=0)
    config = resolve({"method": "d2l", "train_examples": 20, "batch_size": 10, "model_dir": "x"})
    with pytest.raises(UserError) as caught:
        load_training_data(config)
    assert str(caught.value) == (
        "--d2l_neighbours must be at most 19, one less than the training examples. Received: 20"
    )


def test_data_without_random_access_are_refused():
    with pytest.raises(UserError, match=r"^fit must be given ieg_fsr\.examples\(x, y\)"):
        compiled().fit(X, Y, verbose=0)


def test_what_a_run_says_in_the_end():
    conclusion = METHODS["d2l"].conclusion
    assert conclusion({}) == []
    assert conclusion({"turning_epoch": None}) == ["turning point   none was found: trained as usual"]
    assert conclusion({"turning_epoch": 5}) == [
        "turning point   before epoch 5: went back to the state before epoch 4, and trusted labels less"
    ]
