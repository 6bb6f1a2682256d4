"""PENCIL: its losses by hand, the labels' gradient by finite differences, where labels can go, its stages."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.batch import Batch
from ieg_fsr.methods.models.pencil import Pencil, compatibility, divergence, entropy
from ieg_fsr.methods.pencil import labels_can_change
from ieg_fsr.methods.registry import METHODS
from ieg_fsr.training.survival.checkpoints import Checkpoints

RNG = np.random.default_rng(0)
B, C = 4, 3
LABELS, LOGITS = RNG.normal(size=(B, C)), RNG.normal(size=(B, C))
TARGETS = np.eye(C)[[0, 1, 2, 0]]
X, Y = RNG.normal(size=(12, 5)).astype(np.float32), np.arange(12, dtype=np.int32) % C


def softmax(logits):
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


def pencil(num_examples=12, **settings):
    start = keras.initializers.GlorotUniform(1)
    classifier = keras.Sequential([keras.Input([5]), keras.layers.Dense(C, kernel_initializer=start)])
    return Pencil(classifier, num_examples, **settings)


def compiled(**settings):
    model = pencil(**settings)
    model.compile(keras.optimizers.SGD(0.7, momentum=0.9), metrics=["accuracy"], jit_compile=False)
    return model


def test_losses_by_hand():
    """f = (1/4, 3/4), y = (1/2, 1/2), given class 0."""
    predictions, labels, given = np.log([[1.0, 3.0]]), np.zeros([1, 2]), np.array([[1.0, 0.0]])
    np.testing.assert_allclose(divergence(labels, predictions), [(np.log(1 / 2) / 4 + 3 * np.log(3 / 2) / 4) / 2])
    np.testing.assert_allclose(entropy(predictions), [(np.log(4) / 4 + 3 * np.log(4 / 3) / 4) / 2])
    np.testing.assert_allclose(compatibility(np.log([[1.0, 3.0]]), given), [np.log(4)])
    # Logits 1/4 and 3/4: log(1 + e^(1/2)).
    np.testing.assert_allclose(compatibility(np.log([[1.0, 3.0]]), given, True), [np.log1p(np.exp(0.5))])


def test_sure_labels_stay_finite():
    labels = np.array([[10.0, 0.0, 0.0], [1e4, 0.0, 0.0]])
    values = [divergence(labels, -labels), compatibility(labels, TARGETS[1:3]), entropy(labels)]
    assert np.isfinite(values).all()


def loss_of(labels, alpha=0.4, beta=0.1, double_softmax=False):
    losses = divergence(labels, LOGITS) + alpha * compatibility(labels, TARGETS, double_softmax)
    return float(np.mean(losses + beta * entropy(LOGITS)))


@pytest.mark.parametrize("double_softmax", [False, True])
def test_a_label_s_step_is_lambda_times_the_gradient_by_finite_differences(double_softmax):
    """The rows of the batch move by it, and no others."""
    model = compiled(num_examples=6, alpha=0.4, label_rate=5.0, double_softmax=double_softmax)
    model.label_logits.assign(np.concatenate([LABELS, np.ones((2, C))]))
    model.stage_name = "labels"
    ids = np.array([3, 1, 0, 2], np.int32)
    model.forward = lambda images: (None, tf.constant(LOGITS[ids], tf.float32))
    model.update = lambda tape, loss: None
    model.train_step((tf.zeros([B, 5]), tf.constant(TARGETS.argmax(axis=1)[ids], tf.int32), tf.constant(ids)))
    expected = np.empty_like(LABELS)
    for index in np.ndindex(LABELS.shape):
        step = np.zeros_like(LABELS)
        step[index] = 1e-5
        difference = loss_of(LABELS + step, double_softmax=double_softmax) - loss_of(
            LABELS - step, double_softmax=double_softmax
        )
        expected[index] = LABELS[index] - 5.0 * difference / 2e-5
    np.testing.assert_allclose(model.label_logits[:4], expected, atol=1e-5)
    np.testing.assert_array_equal(model.label_logits[4:], np.ones((2, C)))
    assert np.abs(expected - LABELS).max() > 0.01


def test_the_gradient_in_closed_form():
    """(y - f) / C + alpha (y - t), over the batch."""
    labels = tf.constant(LABELS)
    with tf.GradientTape() as tape:
        tape.watch(labels)
        loss = tf.reduce_mean(divergence(labels, LOGITS) + 0.4 * compatibility(labels, TARGETS))
    y, f = softmax(LABELS), softmax(LOGITS)
    np.testing.assert_allclose(tape.gradient(loss, labels), ((y - f) / C + 0.4 * (y - TARGETS)) / B)


@pytest.mark.parametrize("double_softmax", [False, True])
@pytest.mark.parametrize("factor", [0.9, 1.1])
@pytest.mark.parametrize("num_classes", [3, 10])
def test_whether_labels_can_change(num_classes, factor, double_softmax):
    """Gradient descent on the label of class 0 while the network is sure of class 1."""
    alpha = factor * (2 if double_softmax else 1) / num_classes
    given, logits = tf.eye(num_classes)[:1], 30.0 * tf.eye(num_classes)[1:2]
    label = tf.Variable(10.0 * given)

    @tf.function
    def descend():
        for _ in tf.range(3000):
            with tf.GradientTape() as tape:
                loss = divergence(label, logits) + alpha * compatibility(label, given, double_softmax)
            label.assign_sub(2.0 * tape.gradient(loss, label))

    descend()
    assert labels_can_change(alpha, num_classes, double_softmax) == (factor < 1)
    assert int(tf.argmax(label[0])) == (1 if factor < 1 else 0)
    if not double_softmax:
        rest = alpha * num_classes / (1 + alpha * num_classes)
        np.testing.assert_allclose(tf.nn.softmax(label)[0, 0], rest, rtol=0.01)


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        (320, [70, 130, 40, 40, 40]),
        (100, [22, 40, 13, 13, 12]),
        (3, [1, 1, 1, 0, 0]),
        (1, [0, 1, 0, 0, 0]),
    ],
)
def test_stages_take_their_shares_of_the_epochs(epochs, expected):
    stages = pencil().stages(epochs)
    assert [stage.epochs for stage in stages] == expected
    assert [float(stage.schedule(5)) for stage in stages] == pytest.approx([0.06, 0.06, 0.2, 0.02, 0.002])


def test_what_each_stage_trains_on():
    model = pencil(alpha=0.4, beta=0.3)
    images = tf.zeros([B, 5])
    batch = Batch(images, tf.constant(TARGETS, tf.float32), images, tf.constant([0, 1, 2, 0]), tf.range(B))
    labels, logits = tf.constant(LABELS, tf.float32), tf.constant(LOGITS, tf.float32)
    found = {}
    for model.stage_name in ("backbone", "labels", "tuning"):
        found[model.stage_name] = model.stage_losses(batch, labels, logits).numpy()
    f, y = softmax(LOGITS), softmax(LABELS)
    kl = (f * np.log(f / y)).mean(axis=1)
    cross_entropy, compatible = (-np.log(one[np.arange(B), [0, 1, 2, 0]]) for one in (f, y))
    np.testing.assert_allclose(found["backbone"], cross_entropy, rtol=1e-5)
    np.testing.assert_allclose(found["tuning"], kl, rtol=1e-4, atol=1e-6)
    expected = kl + 0.4 * compatible - 0.3 * (f * np.log(f)).mean(axis=1)
    np.testing.assert_allclose(found["labels"], expected, rtol=1e-5)


def test_the_table_moves_in_the_second_stage_only_and_rates_are_the_stages():
    model, tables, rates = compiled(label_rate=50.0), [], []

    def look(epoch, logs):
        tables.append(model.label_logits.numpy())
        rates.append(float(model.optimizer.learning_rate))

    callback = keras.callbacks.LambdaCallback(on_epoch_end=look)
    given = np.where(np.arange(12) == 5, -1, Y)
    model.fit(ieg_fsr.examples(X, given, batch_size=4), epochs=10, callbacks=callback, verbose=0)
    changes = [np.abs(after - before).max() > 0 for before, after in itertools.pairwise(tables)]
    assert [stage.epochs for stage in model.course.plan.stages] == [2, 4, 2, 1, 1]
    assert changes == [False, True, True, True, True, False, False, False, False]
    start = 10.0 * np.eye(C)[Y]
    start[5] = 0  # without a label: no distribution, and no step reaches it
    np.testing.assert_array_equal(tables[0], start)
    np.testing.assert_array_equal(tables[-1][5], np.zeros(C))
    assert rates == pytest.approx([0.06] * 6 + [0.2] * 2 + [0.02, 0.002])


@pytest.mark.parametrize("stop", [3, 5, 12, 13, 15])
def test_it_goes_on_bit_for_bit_at_the_borders_of_its_stages_and_within(tmp_path, stop):
    """Stages of 1, 3, 1 and 1 epochs of three steps."""

    def started(seed):
        model = compiled(label_rate=50.0)
        model.classifier.layers[0].kernel.assign_add(np.full((5, C), seed, np.float32))
        assert str(model.course.lay_out(6)).startswith("backbone 1, labels 3, tuning 1, tuning at a tenth 1,")
        return model, Checkpoints(tmp_path, model)

    def save(step):
        if step == stop:
            checkpoints.save(stop)

    whole, checkpoints = started(0)
    within = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: save(int(whole.optimizer.iterations) if stop % 3 else 0),
        on_epoch_end=lambda epoch, logs: save(3 * epoch + 3),
    )
    whole.fit(ieg_fsr.examples(X, Y, batch_size=4), epochs=6, callbacks=[within], verbose=0)
    rest, checkpoints = started(1)
    assert checkpoints.restore() == stop
    rest.fit(ieg_fsr.examples(X, Y, batch_size=4), epochs=6, initial_epoch=stop // 3, first_step=stop % 3, verbose=0)
    np.testing.assert_array_equal(whole.label_logits.numpy(), rest.label_logits.numpy())
    for one, other in zip(whole.classifier.weights, rest.classifier.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    for one, other in zip(whole.optimizer.variables, rest.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_the_report_is_the_table_s():
    model = compiled()
    model.fit(ieg_fsr.examples(X, np.where(np.arange(12) == 5, -1, Y), batch_size=4), epochs=1, verbose=0)
    table = np.log(np.full((12, C), 0.2) + 0.4 * np.eye(C)[Y])
    table[3] = np.log([0.35, 0.05, 0.6])  # given 0
    table[5] = 0
    model.label_logits.assign(table)
    report = model.label_report()
    assert np.flatnonzero(report.suspect).tolist() == [3]
    assert report.suggested_label[3] == 2
    assert report.confidence[3] == pytest.approx(0.6)
    assert report.score[3] == pytest.approx(np.log(0.35))
    assert report.estimated_noise_rate == pytest.approx(1 / 11)
    assert model.figures() == {"relabelled": pytest.approx(1 / 11)}
    unlabelled = model.classifier(X[5:6]).numpy()
    assert report.suggested_label[5] == unlabelled.argmax()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": -0.1}, "alpha must be a number at least 0. Received: -0.1"),
        ({"label_rate": float("nan")}, "label_rate must be a number at least 0. Received: nan"),
        ({"tuning_rate": 0.0}, "tuning_rate must be a number greater than 0. Received: 0.0"),
        ({"backbone_share": 0.7}, "labels_share must be at most 0.3. Received: 0.40625"),
        ({"mixup_alpha": 1.0}, "mixup_alpha must be 0 with PENCIL. Received: 1"),
        ({"num_examples": 0}, "num_examples must be a whole number at least 1. Received: 0"),
    ],
)
def test_what_the_class_refuses(arguments, message):
    with pytest.raises(UserError) as caught:
        pencil(**arguments)
    assert str(caught.value) == message


def test_another_number_of_examples_is_refused():
    with pytest.raises(UserError, match=r"^num_examples must be that of the data, 12\. Received: 11$"):
        compiled(num_examples=11).fit(ieg_fsr.examples(X, Y, batch_size=4), verbose=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"pencil_backbone_share": 0.5, "pencil_labels_share": 0.6},
            "--pencil_labels_share must be at most 0.5, what --pencil_backbone_share leaves. Received: 0.6",
        ),
    ],
)
def test_what_the_command_line_refuses(settings, message):
    with pytest.raises(UserError) as caught:
        resolve({"method": "pencil"} | settings)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("settings", "lines"),
    [
        ({}, 0),
        ({"pencil_alpha": 0.1}, 1),
        ({"pencil_alpha": 0.1, "pencil_double_softmax": True}, 0),
        ({"dataset": "cifar10", "data_dir": "x"}, 1),
        ({"learning_rate": 0.1, "schedule": "cosine"}, 1),
    ],
)
def test_a_run_says_whether_labels_can_change_and_what_it_does_not_look_at(settings, lines):
    class Ten:
        num_classes = 10

    assert len(METHODS["pencil"].notes(resolve({"method": "pencil"} | settings), Ten())) == lines
