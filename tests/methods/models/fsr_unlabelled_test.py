"""FSR with examples that have no given label: they train on their pseudo labels, and nothing else of FSR sees them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr

NONE = np.arange(24) % 4 == 3
RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 5)).astype(np.float32)
Y = np.where(NONE, -1, np.arange(24) % 3)


def fsr(examples, **options):
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((5,)), keras.layers.Dense(6, "relu"), keras.layers.Dense(3)])
    options = {"reward_batch_size": 3, "reweight_warmup_epochs": 1, "mixup_alpha": 0.0, **options}
    model = ieg_fsr.FSR(network, len(examples.source), 6, **options)
    model.compile(keras.optimizers.SGD(0.1), metrics=["accuracy"], jit_compile=False)
    return model


def test_without_the_loss_of_pseudo_labels_it_is_training_on_the_labelled_alone():
    trained = []
    for part in (np.arange(24), np.flatnonzero(~NONE)):
        examples = ieg_fsr.examples(X[part], Y[part], batch_size=6)
        model = fsr(examples, pseudo_label_loss_weight=0.0, mixup_alpha=1.0)
        model.fit(examples, epochs=4, verbose=0)
        trained.append(model.classifier.get_weights())
    for one, other in zip(*trained, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def trained():
    examples = ieg_fsr.examples(X, Y, batch_size=6)
    model = fsr(examples)
    history = model.fit(examples, epochs=2, verbose=0)
    return model, examples, history.history


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def cross_entropy(targets, logits):
    return -(targets * np.log(softmax(logits))).sum(axis=1)


def test_loss_of_a_step_by_hand(trained):
    """Six labelled with their weights, and p times the mean over these and two unlabelled against pseudo labels."""
    model, examples, _ = trained
    step = model.course.position.total
    [(x, y, ids)] = examples.with_unlabelled().batches(step, step + 1).as_numpy_iterator()
    assert (len(y), len(ids)) == (6, 8)
    logits, pseudo = model.classifier.predict(x, verbose=0), model.pseudo_labels.read()[ids]
    model.loss_metric.reset_state()
    loss = float(model.train_step(tuple(map(tf.constant, (x, y, ids))))["loss"])
    weights = model.last_weights.numpy()[ids[:6]] / 6
    by_hand = (weights * cross_entropy(np.eye(3)[y], logits[:6])).sum() + 2.0 * cross_entropy(pseudo, logits).mean()
    assert loss == pytest.approx(by_hand, rel=1e-5)


def test_nothing_of_fsr_but_the_pseudo_labels_sees_them(trained):
    model, _, _ = trained
    assert not NONE[model.dictionary.members()].any()
    assert np.isneginf(model.scores.read()[NONE]).all()
    assert (model.last_weights.numpy()[NONE] == 1).all(), "never moved"
    assert (np.abs(model.pseudo_labels.read()[NONE] - 1 / 3) > 1e-3).any(axis=1).sum() >= 5, "but one left out, moved"


def test_figures_are_of_labelled_examples(trained):
    model, _, _ = trained
    right = np.arange(24) % 2 == 0
    weights = model.last_weights.numpy()
    figures = model.figures(right)
    assert figures["weight_noisy"] == pytest.approx(weights[~NONE & ~right].mean())
    assert figures["zero_weight_ratio"] == np.mean(weights[~NONE] <= 0)
    assert len(model.histograms(right)["weights/all"]) == 18
    assert not NONE[model.example_grids()["suspects/worst"].ids].any()


def test_their_lines_in_the_report(trained):
    model, _, _ = trained
    report = model.label_report()
    probabilities = softmax(model.classifier.predict(X, verbose=0))
    np.testing.assert_array_equal(report.given_label, Y)
    np.testing.assert_array_equal(report.suggested_label[NONE], probabilities[NONE].argmax(axis=1))
    np.testing.assert_allclose(report.confidence[NONE], probabilities[NONE].max(axis=1), rtol=1e-5)
    assert np.isneginf(report.score[NONE]).all()
    assert not report.weight[NONE].any()
    assert not report.suspect[NONE].any()
    assert not set(report.suspects().example_id) & set(np.flatnonzero(NONE))
