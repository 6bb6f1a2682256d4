"""INCV: what each training learns, judges and selects, and what Co-teaching sees."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.methods.models.coteaching import CoTeaching
from ieg_fsr.methods.models.cross_selection import noise_rate_of_selected
from ieg_fsr.methods.models.incv import CANDIDATE, INCV, REMOVED, SELECTED

RNG = np.random.default_rng(0)
N, C, B = 40, 3, 5
TRUE = np.arange(N, dtype=np.int32) % C
X = (np.eye(C)[TRUE] @ RNG.normal(size=(C, 5)) * 2 + RNG.normal(size=(N, 5))).astype(np.float32)
Y = np.where(RNG.random(N) < 0.3, RNG.integers(0, C, N), TRUE).astype(np.int32)
GIVEN = np.where(np.arange(N) % 10 == 7, -1, Y)  # 36 have a label
KNOWN = np.flatnonzero(GIVEN != -1)


def network(seed):
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(6, "relu"), keras.layers.BatchNormalization(), keras.layers.Dense(C)]
    return keras.Sequential([keras.Input([5]), *layers])


def compiled(seed=0, method=INCV, **settings):
    settings = ({"num_examples": N} if method is INCV else {}) | settings
    model = method(network(2 * seed), network(2 * seed + 1), **settings)
    model.compile(keras.optimizers.SGD(0.7, momentum=0.9), metrics=["accuracy"], jit_compile=False)
    return model


def data(given=GIVEN):
    return ieg_fsr.examples(X, given, batch_size=B)


class Look(keras.callbacks.Callback):
    """What each epoch visited, at which rate, and the tables after it."""

    def __init__(self):
        super().__init__()
        self.stages, self.visits, self.rates, self.kept, self.selections, self.halves = ([] for _ in range(6))

    def on_epoch_begin(self, epoch, logs=None):
        model = self.model
        self.stages.append(model.stage_name)
        self.visits.append(np.sort(model.course.visits[1].ids))
        self.rates.append(float(model.optimizer.learning_rate))
        self.kept.append(float(model.kept_share))
        self.halves.append(model.half.numpy())

    def on_epoch_end(self, epoch, logs=None):
        self.selections.append(self.model.selection.numpy())


def test_each_training_learns_the_selected_and_one_half_and_selects_from_the_other():
    """Two iterations of two epochs a training, then one of Co-teaching."""
    model, look = compiled(iterations=2, selection_share=1.0, most_removed=0.3), Look()
    model.fit(data(), epochs=9, callbacks=[look], verbose=0)
    names = [name for name in ("selection 1a", "selection 1b", "selection 2a", "selection 2b") for _ in range(2)]
    assert look.stages == [*names, "co-teaching"]
    before = np.zeros(N, int)
    for iteration in range(2):
        first = 4 * iteration
        candidates = set(KNOWN[before[KNOWN] == CANDIDATE])
        halves = [set(np.flatnonzero(look.halves[first] == half)) for half in (0, 1)]
        assert halves[0] | halves[1] == candidates
        assert not halves[0] & halves[1]
        assert 0 <= len(halves[1]) - len(halves[0]) <= 1
        selected = set(np.flatnonzero(before == SELECTED))
        for epoch in range(first, first + 4):
            learned, judged = halves if epoch < first + 2 else halves[::-1]
            assert set(look.visits[epoch]) == selected | learned
            changed = set(np.flatnonzero(look.selections[epoch] != (look.selections[epoch - 1] if epoch else 0)))
            assert changed <= (judged if epoch % 2 else set())
        before = look.selections[first + 3]
    assert set(before[KNOWN]) == {CANDIDATE, SELECTED, REMOVED}
    assert not before[GIVEN == -1].any()
    np.testing.assert_array_equal(before, look.selections[-1])
    # From the rate of the method, not the optimizer's: each training from the start, at halves of two epochs.
    np.testing.assert_allclose(look.rates[:8], [0.1, 0.05] * 4, rtol=1e-6)
    np.testing.assert_allclose(look.rates[8:], [0.1], rtol=1e-6)


def test_every_training_begins_with_the_first_parameters():
    model, starts = compiled(iterations=1), []

    class Start(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            parts = (model.classifier.variables, model.second_classifier.variables, model.optimizer.variables)
            starts.append([np.asarray(one) for part in parts for one in part])

    model.fit(data(), epochs=4, callbacks=[Start()], verbose=0)
    for epoch in (1, 2):
        for one, other in zip(starts[0], starts[epoch], strict=True):
            np.testing.assert_array_equal(one, other)
    assert any(not np.array_equal(one, other) for one, other in zip(starts[0], starts[3], strict=True))


def test_the_best_epoch_s_predictions_are_kept_or_the_last_one_s():
    """Logits are made to agree with 3, 1 and 2 of four labels of the other half."""
    model = compiled()
    model.training_examples = data(np.zeros(N, np.int32))
    ids = np.array([3, 8, 21, 30])
    outputs = [np.log(np.where(np.arange(4)[:, None] < right, [[0.8, 0.1, 0.1]], [[0.1, 0.2, 0.7]])) for right in
               (3, 1, 2, 3)]  # fmt: skip
    for takes_best, expected in ((True, outputs[0]), (False, outputs[-1])):
        model.best.assign(-1)
        for number, logits in enumerate(outputs):
            logits = logits if number < 3 else np.log([[0.4, 0.3, 0.3]] * 3 + [[0.3, 0.4, 0.3]])  # as many as the first
            model._log_probabilities = lambda inputs, logits=logits: tf.constant(logits[: len(inputs)])
            model.look(ids, takes_best)
        expected = expected if takes_best else logits
        np.testing.assert_array_equal(model.predicted.numpy()[ids], expected.argmax(axis=1))
        np.testing.assert_allclose(model.losses_unseen.numpy()[ids], -expected[:, 0], rtol=1e-6)
    assert not model.predicted.numpy()[np.setdiff1d(np.arange(N), ids)].any()


def test_predictions_are_on_plain_inputs_in_test_mode():
    model = compiled(augment=lambda x, seed: x + 100)
    model.fit(data(), epochs=1, verbose=0)
    ids = KNOWN[[5, 1, 17, 30, 2, 9, 11]]  # two batches
    model.look(ids, takes_best=False)
    logits = model.classifier(X[ids], training=False).numpy()
    expected = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(7), GIVEN[ids]]
    np.testing.assert_allclose(model.losses_unseen.numpy()[ids], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(model.predicted.numpy()[ids], logits.argmax(axis=1))


@pytest.mark.parametrize(("rate", "pairs", "iterations"), [(-1.0, False, 4), (0.2, False, 4), (0.5, False, 2),
                                                           (0.7, False, 1), (0.2, True, 1)])  # fmt: skip
def test_in_how_many_iterations_the_best_epoch_counts(rate, pairs, iterations):
    model = compiled(pairs=pairs)
    model.noise_rate.assign(rate)
    assert model.iterations_of_best_epochs() == iterations


@pytest.mark.parametrize("pairs", [False, True])
def test_noise_is_estimated_by_labels_trained_on_and_by_others(pairs):
    """Of the ten surest of eleven others six agree, and of the surest eight that were learned seven.

    m = (7/8 - 0.6) / 0.4, and (1 - m) (1 - e) + m ((1 - e)^2 + e^2 / 2) = 0.6; of pairs e^2 / 1 there.
    """
    model = compiled(pairs=pairs)
    model.training_examples = data(np.zeros(N, np.int32))
    learned, others = np.arange(9), np.arange(10, 21)
    right, wrong, unsure = np.log([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.5, 0.25, 0.25]])
    said = np.zeros((N, C))
    said[learned] = [*[right] * 7, wrong, unsure]
    said[others] = [*[right] * 6, *[wrong] * 4, unsure]
    model.log_probabilities = lambda ids: said[ids]
    model.estimate_noise_rate(learned, others)
    rate, m = float(model.noise_rate), (7 / 8 - 0.6) / 0.4
    assert 0.2 < rate < 0.5
    assert (1 - m) * (1 - rate) + m * ((1 - rate) ** 2 + rate**2 / (1 if pairs else 2)) == pytest.approx(0.6, abs=1e-5)


@pytest.mark.parametrize("pairs", [False, True])
def test_what_is_removed_goes_by_the_noise(pairs):
    """Of ten labels six agree: of pairs nothing is removed."""
    model = compiled(pairs=pairs)
    model.training_examples = data(np.zeros(N, np.int32))
    ids, agrees, rate = np.arange(10, 20), np.arange(10) < 6, 0.27
    predicted, losses = model.predicted.numpy(), np.zeros(N, np.float32)
    predicted[ids], losses[ids] = np.where(agrees, 0, 1), np.where(agrees, 0.1, np.arange(10))
    model.predicted.assign(predicted)
    model.losses_unseen.assign(losses)
    model.noise_rate.assign(rate)
    model.select(ids)
    removed = [] if pairs else [18, 19]  # 6 x 0.27 / 0.73 = 2.2
    assert np.flatnonzero(model.selection.numpy() == SELECTED).tolist() == list(range(10, 16))
    assert np.flatnonzero(model.selection.numpy() == REMOVED).tolist() == removed


def test_without_candidates_an_iteration_is_skipped():
    """All is selected in the first: the second makes a step an epoch, and changes nothing."""
    model, look = compiled(iterations=2), Look()
    judged = []

    def agree(ids, takes_best):
        judged.append(len(ids))
        predicted = model.predicted.numpy()
        predicted[ids] = GIVEN[ids]
        model.predicted.assign(predicted)
        return False  # the estimate stays

    model.look = agree
    model.noise_rate.assign(0.0)
    counts: list[int] = []
    steps = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: counts.append(model.course.position.total))
    model.fit(data(), epochs=6, callbacks=[look, steps], verbose=0)
    assert judged == [18, 18]
    assert np.diff([0, *counts]).tolist() == [3, 3, 1, 1, 7, 7]
    np.testing.assert_array_equal(look.selections[1], np.where(GIVEN != -1, SELECTED, CANDIDATE))
    np.testing.assert_array_equal(look.selections[3], look.selections[1])


def with_selection(model, selected, removed, noise_rate):
    selection = np.zeros(N, np.int32)
    selection[selected], selection[removed] = SELECTED, REMOVED
    model.selection.assign(selection)
    model.noise_rate.assign(noise_rate)
    return model


@pytest.mark.parametrize(("noise_rate", "pairs", "alone"), [(0.4, False, 3), (0.7, False, 5), (0.4, True, 5)])
def test_coteaching_learns_from_the_selected_then_with_some_candidates(noise_rate, pairs, alone):
    """Five of 20 candidates beside ten selected, another draw each epoch; the share that is kept falls as they come."""
    selected, removed = KNOWN[:10], KNOWN[10:16]
    model = with_selection(compiled(pairs=pairs, selection_share=0.0), selected, removed, noise_rate)
    visits, kept = coteaching_epochs(model, 10)
    candidates, forget = set(KNOWN[16:]), noise_rate_of_selected(noise_rate, 2 if pairs else C)
    for epoch, ids in enumerate(map(set, visits)):
        assert set(selected) <= ids
        assert ids - set(selected) <= candidates
        assert len(ids) == len(visits[epoch]) == (10 if epoch < alone else 15)
        part = 1 if epoch < alone else 10 / 15
        assert kept[epoch] == pytest.approx((1 - forget) * part, rel=1e-6)
    assert len({tuple(ids) for ids in visits[alone:]}) > 1
    np.testing.assert_array_equal(coteaching_epochs(model, 10)[0][-1], visits[-1])


def coteaching_epochs(model, epochs):
    """What epochs of Co-teaching visit, and the shares that they keep, without training."""
    model.training_examples = data()
    model.course.lay_out(epochs)
    visits, kept = [], []
    for epoch in range(epochs):
        model.course.visits = epoch, model.coteaching_visits(epoch)
        model.set_epoch(epoch)
        visits.append(model.course.visits[1].ids)
        kept.append(float(model.kept_share))
    return visits, kept


def test_the_share_left_out_rises_over_a_twentieth_of_coteaching():
    model = with_selection(compiled(selection_share=0.0), KNOWN, [], 0.5)
    forget = 0.25 / (0.25 + 2 * 0.25)
    kept = coteaching_epochs(model, 40)[1]
    np.testing.assert_allclose(kept[:4], [1, 1 - forget / 2, 1 - forget, 1 - forget], rtol=1e-6)


def test_without_selection_it_is_co_teaching_that_leaves_out_nothing():
    """Bit for bit, at the same rates."""
    models = [compiled(selection_share=0.0), compiled(method=CoTeaching, forget_rate=0.0)]
    models[1].optimizer.learning_rate = models[1].second_optimizer.learning_rate = 0.1
    for model in models:
        model.fit(data(), epochs=1, verbose=0)
    found = [[*one.classifier.get_weights(), *one.second_classifier.get_weights()] for one in models]
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
