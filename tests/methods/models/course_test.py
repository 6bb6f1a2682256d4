"""A training through its stages: visits, loss factors against a step by hand, fresh starts, rates, going on."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.stages import Position, Stage, Visits
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.replicas import add_to_rows
from ieg_fsr.training.survival.checkpoints import Checkpoints

RNG = np.random.default_rng(0)
N = 12
X, Y = RNG.normal(size=(N, 3)).astype(np.float32), np.arange(N, dtype=np.int32) % 2
IDS, FACTORS = np.array([1, 2, 5, 7, 8, 10, 11]), np.array([0.5, 2, 0, 1, 1.5, 3, 0.25], np.float32)


class Staged(Supervised):
    """Has the stages that it is given, and counts how often each example was trained on."""

    def __init__(self, classifier, *stages, **supervised):
        super().__init__(classifier, **supervised)
        self.given, self.traces = stages, 0
        self.count = tf.Variable(tf.zeros([N]), trainable=False)

    def stages(self, epochs):
        return list(self.given)

    def sample_losses(self, batch, logits):
        self.traces += 1
        add_to_rows(self.count, batch.example_ids, tf.ones([batch.example_ids.shape[0]]))
        return super().sample_losses(batch, logits)

    def checkpoint_parts(self):
        return super().checkpoint_parts() | {"count": self.count}


def linear(seed=1):
    inputs = keras.Input([3])
    kernel = keras.initializers.GlorotUniform(seed)
    return keras.Model(inputs, keras.layers.Dense(2, kernel_initializer=kernel)(inputs))


def compiled(model, optimizer=None):
    model.compile(optimizer or keras.optimizers.SGD(0.1, momentum=0.9), metrics=["accuracy"])
    return model


def fit(model, epochs, batch_size=4, **arguments):
    return model.fit(ieg_fsr.examples(X, Y, batch_size=batch_size), epochs=epochs, verbose=0, **arguments)


def state(model):
    parts = [value.numpy() for value in (*model.classifier.variables, *model.optimizer.variables)]
    return parts + ([model.count.numpy()] if isinstance(model, Staged) else [])


def assert_equal_states(one, other):
    for left, right in zip(state(one), state(other), strict=True):
        np.testing.assert_array_equal(left, right)


class Watch(keras.callbacks.Callback):
    """Keeps what happens, and what `look` finds, at the beginning of each epoch."""

    def __init__(self, look=lambda model: None):
        super().__init__()
        self.events, self.look, self.found = [], look, []

    def on_train_begin(self, logs=None):
        self.events.append("begin")

    def on_train_end(self, logs=None):
        self.events.append("end")

    def on_epoch_begin(self, epoch, logs=None):
        self.found.append(self.look(self.model))

    def on_epoch_end(self, epoch, logs=None):
        self.events.append((epoch, self.model.stage_name, self.params["steps"]))


# What is visited.


def test_an_epoch_visits_what_it_is_told_each_example_once_in_an_order_of_its_own():
    orders = []

    def visits(model, epoch):
        orders.append([])
        return Visits(IDS if epoch == 1 else IDS[:4])

    model = compiled(Staged(linear(), Stage("all", 1), Stage("part", 3, visits=visits)))
    watch = Watch(lambda model: model.count.numpy())
    fit(model, 4, callbacks=[watch])
    # Seven examples in batches of four are one batch: another remainder in each epoch.
    assert [steps for _, _, steps in watch.events[1:-1]] == [3, 1, 1, 1]
    counts = np.diff([*watch.found, model.count.numpy()], axis=0)
    np.testing.assert_array_equal(counts[0], np.ones(N))
    assert sorted(np.flatnonzero(counts[1])) == sorted(set(np.flatnonzero(counts[1])) & set(IDS))
    assert counts[1].sum() == 4
    for row in counts[2:]:
        np.testing.assert_array_equal(np.flatnonzero(row), IDS[:4])
    assert len(orders) == 3


def test_fewer_examples_than_a_batch_are_one_batch():
    model = compiled(Staged(linear(), Stage("part", 2, visits=lambda model, epoch: Visits(IDS[:3]))))
    fit(model, 2)
    np.testing.assert_array_equal(model.count, 2 * np.isin(np.arange(N), IDS[:3]))
    assert int(model.optimizer.iterations) == 2


def test_visits_of_all_are_training_on_all():
    everything = compiled(Staged(linear(), Stage("part", 3, visits=lambda model, epoch: Visits(np.arange(N)))))
    plain = compiled(Staged(linear(), Stage("training", 3)))
    assert fit(everything, 3).history == fit(plain, 3).history
    assert_equal_states(everything, plain)


def test_loss_factors_against_a_step_by_hand():
    visits = Visits(IDS, FACTORS)
    model = compiled(Staged(linear(), Stage("part", 2, visits=lambda model, epoch: visits), weight_decay=0.01))
    kernel, bias = (value.astype(np.float64) for value in model.classifier.get_weights())
    fit(model, 2, batch_size=7)
    velocity = [np.zeros_like(kernel), np.zeros_like(bias)]
    x, targets = X[IDS].astype(np.float64), np.eye(2)[Y[IDS]]
    for _ in range(2):
        powers = np.exp(x @ kernel + bias)
        error = FACTORS[:, None] * (powers / powers.sum(axis=1, keepdims=True) - targets) / 7
        gradients = [x.T @ error + 0.01 * kernel, error.sum(axis=0) + 0.01 * bias]
        velocity = [0.9 * v - 0.1 * g for v, g in zip(velocity, gradients, strict=True)]
        kernel, bias = kernel + velocity[0], bias + velocity[1]
    np.testing.assert_allclose(model.classifier.get_weights()[0], kernel, atol=1e-6)
    np.testing.assert_allclose(model.classifier.get_weights()[1], bias, atol=1e-6)


def test_a_step_is_traced_once_for_each_form_of_a_batch():
    stages = [
        Stage("all", 2),
        Stage("part", 2, visits=lambda model, epoch: Visits(IDS[: 4 + epoch])),
        Stage("factors", 2, visits=lambda model, epoch: Visits(IDS, FACTORS)),
    ]
    model = compiled(Staged(linear(), *stages))
    fit(model, 6)
    one = compiled(Staged(linear(), Stage("training", 6)))
    fit(one, 6)
    assert model.traces == 2 * one.traces


# What begins with a stage.


def test_stages_are_one_training_for_callbacks():
    begun = []
    stages = [
        Stage("first", 2),
        Stage("second", 2, begin=lambda model: begun.append((model.stage_name, int(model.optimizer.iterations)))),
    ]
    model, watch = compiled(Staged(linear(), *stages)), Watch()
    history = fit(model, 4, callbacks=watch).history
    assert watch.events == ["begin", (0, "first", 3), (1, "first", 3), (2, "second", 3), (3, "second", 3), "end"]
    assert begun == [("second", 6)]
    assert len(history["loss"]) == 4
    plain = compiled(Staged(linear(), Stage("training", 4)))
    assert fit(plain, 4).history == history
    assert_equal_states(model, plain)


def test_a_callback_ends_all_stages():
    class Stop(Watch):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            self.model.stop_training = epoch == 1

    stop = Stop()
    fit(compiled(Staged(linear(), Stage("a", 2), Stage("b", 2))), 4, callbacks=[stop])
    assert stop.events == ["begin", (0, "a", 3), (1, "a", 3), "end"]


def test_a_fresh_stage_is_a_training_that_begins():
    """As a new model with the same first values does in those epochs; Adam and its average know no earlier step."""
    shared = {"parameter_average_decay": 0.9}
    learned = []
    stages = [
        Stage("first", 2),
        Stage("again", 2, fresh=True, begin=lambda model: learned.append(model.classifier.get_weights()[0])),
    ]
    model = compiled(Staged(linear(), *stages, **shared), "adam")
    first = model.classifier.get_weights()[0]
    fit(model, 4)
    new = compiled(Supervised(linear(), **shared), "adam")
    fit(new, 4, initial_epoch=2)
    for name in ("classifier", "parameter_average"):
        pairs = zip(*(getattr(method, name).variables for method in (model, new)), strict=True)
        for one, other in pairs:
            np.testing.assert_array_equal(one, other)
    for one, other in zip(model.optimizer.variables, new.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    # Its beginning still saw what the first stage had learned; tables go on.
    assert np.abs(learned[0] - first).max() > 1e-4
    np.testing.assert_array_equal(model.count, np.full(N, 4))
    assert model.course.position == Position(1, 4, 0, 12)


def test_a_stage_has_rates_of_its_own_over_its_own_steps():
    own = keras.optimizers.schedules.PiecewiseConstantDecay([5], [0.1, 0.2])
    drop = keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.5, 0.0])
    stages = [Stage("a", 1), Stage("b", 2, schedule=drop), Stage("c", 1), Stage("d", 1, schedule=drop, fresh=True)]
    model = compiled(Staged(linear(), *stages), keras.optimizers.SGD(own))
    look = Watch(lambda model: (float(model.optimizer.learning_rate), model.classifier.get_weights()[0]))
    fit(model, 5, callbacks=[look])
    assert [rate for rate, _ in look.found] == pytest.approx([0.1, 0.5, 0, 0.2, 0.5])
    kernels = [kernel for _, kernel in look.found]
    moved = [np.abs(after - before).max() > 1e-6 for before, after in itertools.pairwise(kernels)]
    # The second epoch of stage b has the rate 0.
    assert moved == [True, True, False, True]
    # The last one, by hand: as stage d begins, so does a new model of a constant rate .5.
    new = compiled(Supervised(linear()), keras.optimizers.SGD(0.5))
    fit(new, 5, initial_epoch=4)
    np.testing.assert_allclose(model.classifier.get_weights()[0], new.classifier.get_weights()[0], atol=1e-6)


# Going on.


def two_stages(seed):
    """Learns; then starts anew on what it has seen least, which follows from its table, with rates of its own."""

    def visits(model, epoch):
        ids = np.argsort(model.count.numpy(), kind="stable")[: 5 + epoch]
        return Visits(ids, 1 / (1 + model.count.numpy()[ids]))

    rates = keras.optimizers.schedules.CosineDecay(0.2, 9)
    stages = [Stage("learn", 2), Stage("choose", 3, visits=visits, fresh=True, schedule=rates)]
    model = compiled(Staged(linear(seed), *stages))
    model.course.lay_out(5)
    return model


class Save(keras.callbacks.Callback):
    def __init__(self, checkpoints, step):
        super().__init__()
        self.checkpoints, self.step, self.made = checkpoints, step, 0

    def on_train_batch_end(self, batch, logs=None):
        self.made += 1
        if self.made == self.step and batch + 1 < self.params["steps"]:
            self.checkpoints.save(self.step)

    def on_epoch_end(self, epoch, logs=None):
        if self.made == self.step:
            self.checkpoints.save(self.step)


# Six steps of two, then 3, 4 and 4 of two: 7, 8 and 9 examples.
@pytest.mark.parametrize(
    ("step", "position"),
    [(11, (0, 1, 5, 11)), (12, (1, 2, 0, 12)), (14, (1, 2, 2, 14)), (15, (1, 3, 0, 15)), (18, (1, 3, 3, 18))],
)
def test_training_goes_on_from_any_step_bit_for_bit(tmp_path, step, position):
    whole = two_stages(1)
    rows = fit(whole, 5, batch_size=2, callbacks=[Save(Checkpoints(tmp_path, whole), step)]).history
    rest = two_stages(2)
    assert Checkpoints(tmp_path, rest).restore() == step
    assert rest.course.position == position
    again = fit(rest, 5, batch_size=2, initial_epoch=position[1], first_step=position[2]).history
    assert_equal_states(whole, rest)
    assert rest.course.position == whole.course.position == (1, 5, 0, 23)
    assert again["loss"] == rows["loss"][position[1] :]


def test_a_checkpoint_of_another_plan_is_refused(tmp_path):
    Checkpoints(tmp_path, two_stages(1)).save(0)
    other = compiled(Staged(linear(), Stage("learn", 3), Stage("choose", 2)))
    other.course.lay_out(5)
    with pytest.raises(UserError) as error:
        Checkpoints(tmp_path, other).restore()
    path = tmp_path / "step-00000000"
    assert (
        str(error.value) == f"checkpoint must be of the stages learn 3, choose 2. Received: {path} of learn 2, choose 3"
    )
