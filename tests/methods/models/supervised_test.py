"""One step of `Supervised` against SGD written out by hand, and what it does with its options."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.errors import UserError


def linear_classifier(features: int = 3, classes: int = 2) -> keras.Model:
    inputs = keras.Input([features])
    return keras.Model(inputs, keras.layers.Dense(classes, kernel_initializer="glorot_uniform")(inputs))


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def data(n: int = 12, features: int = 3, classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, features)).astype(np.float32), rng.integers(0, classes, n).astype(np.int32)


def compiled(model: keras.Model, learning_rate: float = 0.1, momentum: float = 0.9) -> keras.Model:
    model.compile(optimizer=keras.optimizers.SGD(learning_rate, momentum=momentum), metrics=["accuracy"])
    return model


def test_two_full_batch_steps_are_momentum_sgd_with_smoothing_and_weight_decay():
    x, y = data()
    classifier = linear_classifier()
    kernel, bias = (v.astype(np.float64) for v in classifier.get_weights())
    model = compiled(ieg_fsr.Supervised(classifier, label_smoothing=0.2, weight_decay=0.01))
    model.fit(ieg_fsr.examples(x, y, batch_size=12), epochs=2, verbose=0)

    targets = 0.8 * np.eye(2)[y] + 0.1
    velocity = [np.zeros_like(kernel), np.zeros_like(bias)]
    for _ in range(2):
        error = (softmax(x @ kernel + bias) - targets) / 12
        gradients = [x.T @ error + 0.01 * kernel, error.sum(axis=0) + 0.01 * bias]
        velocity = [0.9 * v - 0.1 * g for v, g in zip(velocity, gradients, strict=True)]
        kernel, bias = kernel + velocity[0], bias + velocity[1]
    np.testing.assert_allclose(classifier.get_weights()[0], kernel, atol=1e-6)
    np.testing.assert_allclose(classifier.get_weights()[1], bias, atol=1e-6)


def test_batch_norm_by_the_fused_kernel_trains_as_plain_keras_does(tmp_path):
    x, y = np.random.default_rng(0).normal(2.0, 1.0, (12, 6, 6, 3)).astype(np.float32), data()[1]

    def network() -> keras.Model:
        keras.utils.set_random_seed(0)
        layers = [keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(momentum=0.9), keras.layers.ReLU()]
        return keras.Sequential([keras.Input([6, 6, 3]), *layers, keras.layers.Flatten(), keras.layers.Dense(2)])

    plain, model = network(), compiled(ieg_fsr.Supervised(network()))
    plain.compile(keras.optimizers.SGD(0.1, momentum=0.9), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    plain.fit(x, y, batch_size=12, epochs=3, verbose=0)
    model.fit(ieg_fsr.examples(x, y, batch_size=12), epochs=3, verbose=0)
    for own, expected in zip(model.classifier.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(own, expected, atol=1e-5)
    step = tf.function(model.train_step).get_concrete_function((x, y, tf.range(12)))
    assert sum(operation.type == "FusedBatchNormGradV3" for operation in step.graph.get_operations()) == 1
    model.save(tmp_path / "classifier.keras")
    loaded = keras.models.load_model(tmp_path / "classifier.keras")
    assert type(loaded.layers[1]) is keras.layers.BatchNormalization
    np.testing.assert_allclose(loaded(x), plain(x), atol=1e-5)


def test_reported_loss_and_accuracy_are_those_of_the_given_labels():
    x, y = data()
    classifier = linear_classifier()
    logits = classifier(x).numpy()
    history = compiled(ieg_fsr.Supervised(classifier)).fit(ieg_fsr.examples(x, y, batch_size=12), epochs=1, verbose=0)
    expected_loss = -np.log(softmax(logits)[np.arange(12), y]).mean()
    assert history.history["loss"][0] == pytest.approx(expected_loss, abs=1e-6)
    assert history.history["accuracy"][0] == pytest.approx((logits.argmax(axis=1) == y).mean())


def test_evaluate_measures_without_training():
    x, y = data()
    model = compiled(ieg_fsr.Supervised(linear_classifier(), label_smoothing=0.3, mixup_alpha=1.0))
    before = model.classifier.get_weights()
    figures = model.evaluate(x, y, verbose=0, return_dict=True)
    logits = model.classifier(x).numpy()
    assert figures["loss"] == pytest.approx(-np.log(softmax(logits)[np.arange(12), y]).mean(), abs=1e-5)
    for old, new in zip(before, model.classifier.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_loss_of_ones_own_is_trained_with_but_not_reported_by_evaluate():
    x, y = data()
    classifier = linear_classifier()
    kernel, logits = classifier.get_weights()[0].astype(np.float64), classifier(x).numpy()

    def squares(batch, logits):
        return batch.targets[:, 0] * tf.reduce_sum(logits**2, axis=-1) * tf.cast(batch.example_ids, tf.float32)

    model = compiled(ieg_fsr.Supervised(classifier, sample_loss=squares))
    cross_entropy = -np.log(softmax(logits)[np.arange(12), y]).mean()
    assert model.evaluate(x, y, verbose=0, return_dict=True)["loss"] == pytest.approx(cross_entropy, abs=1e-6)
    history = model.fit(ieg_fsr.examples(x, y, batch_size=12), epochs=1, verbose=0)
    factors = (y == 0) * np.arange(12) / 12
    assert history.history["loss"][0] == pytest.approx((factors * (logits**2).sum(axis=1)).sum(), rel=1e-5)
    expected = kernel - 0.1 * x.T @ (factors[:, np.newaxis] * 2 * logits)
    np.testing.assert_allclose(classifier.get_weights()[0], expected, atol=1e-5)


def test_mixup_and_augmentation_change_the_batch_the_same_way_for_the_same_seed():
    x, y = data()

    def prepared(seed: int) -> tuple[np.ndarray, np.ndarray]:
        model = compiled(
            ieg_fsr.Supervised(
                linear_classifier(), mixup_alpha=1.0, augment=lambda inputs, seed: inputs + 10.0, seed=seed
            )
        )
        batch = model.prepare((tf.constant(x), tf.constant(y), tf.range(12)))
        np.testing.assert_allclose(batch.unmixed_images, x + 10.0)
        return batch.images.numpy(), batch.targets.numpy()

    first, again, other = prepared(1), prepared(1), prepared(2)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert np.abs(first[0] - other[0]).max() > 1e-3
    # A sample keeps at least half of its own label.
    assert (first[1][np.arange(12), y] >= 0.5).all()


def test_integer_inputs_reach_the_classifier_as_floats():
    model = compiled(ieg_fsr.Supervised(linear_classifier()))
    batch = model.prepare((tf.constant([[1, 2, 255]], tf.uint8), tf.constant([1])))
    assert batch.images.dtype == tf.float32
    assert batch.example_ids is None
    np.testing.assert_array_equal(batch.images, [[1.0, 2.0, 255.0]])


def test_a_classifier_that_ends_in_softmax_is_refused():
    inputs = keras.Input([3])
    with pytest.raises(UserError, match=r"Received: .*softmax"):
        ieg_fsr.Supervised(keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(inputs)))


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"mixup_alpha": -1}, "at least 0"),
        ({"label_smoothing": 2}, r"in \[0, 1\)"),
        ({"weight_decay": -1}, "at least 0"),
        ({"parameter_average_decay": 2}, r"in \[0, 1\)"),
        ({"seed": -1}, r"in 0\.\.2147483647"),
        ({"weight_decay": "0.1"}, "at least 0"),
    ],
)
def test_numbers_out_of_range_are_refused(options, rule):
    [(name, value)] = options.items()
    with pytest.raises(UserError, match=rf"^{name} must be a (whole )?number {rule}\. Received: {value}$"):
        ieg_fsr.Supervised(linear_classifier(), **options)


def scaled(model: keras.Model, initial_scale: float) -> keras.Model:
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, momentum=0.9), initial_scale)
    model.compile(optimizer=optimizer, metrics=["accuracy"])
    return model


def fsr(classifier: keras.Model) -> ieg_fsr.FSR:
    return ieg_fsr.FSR(classifier, 12, 4, reward_batch_size=4, reweight_warmup_epochs=0, weight_decay=0.01)


def test_a_loss_scale_changes_no_step_no_weight_decay_and_no_accumulator():
    """A power of two only moves exponents."""
    x, y = data()
    trained = []
    for compile_ in (compiled, lambda model: scaled(model, 2.0**10)):
        keras.utils.set_random_seed(0)
        model = compile_(fsr(linear_classifier()))
        model.fit(ieg_fsr.examples(x, y, batch_size=6), epochs=3, verbose=0)
        trained.append([*model.classifier.get_weights(), *(a.numpy() for a in model.meta_part.accumulators)])
    for plain, received in zip(*trained, strict=True):
        np.testing.assert_allclose(received, plain, rtol=1e-6, atol=1e-7)
        assert np.abs(plain).max() > 0


def test_a_step_that_overflows_is_left_out_of_parameters_and_accumulators():
    x, y = data()
    model = scaled(fsr(linear_classifier()), 2.0**10)
    examples = ieg_fsr.examples(x, y, batch_size=6)
    model.fit(examples, epochs=1, verbose=0)
    before = [*model.classifier.get_weights(), *(a.numpy() for a in model.meta_part.accumulators)]
    model.optimizer.dynamic_scale.assign(np.inf)
    model.train_step((tf.constant(x[:6]), tf.constant(y[:6]), tf.range(6)))
    after = [*model.classifier.get_weights(), *(a.numpy() for a in model.meta_part.accumulators)]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    assert int(model.optimizer.iterations) == 2


def test_gradients_of_a_float16_classifier_are_scaled():
    def optimizer(policy: str) -> keras.optimizers.Optimizer:
        head = keras.layers.Dense(2, dtype="float32")
        classifier = keras.Sequential([keras.Input([3]), keras.layers.Dense(4, dtype=policy), head])
        classifier.dtype_policy = policy
        return compiled(ieg_fsr.Supervised(classifier)).optimizer

    assert isinstance(optimizer("mixed_float16"), keras.optimizers.LossScaleOptimizer)
    assert isinstance(optimizer("mixed_bfloat16"), keras.optimizers.SGD)
    assert isinstance(optimizer("float32"), keras.optimizers.SGD)


def test_a_single_callback_is_heard_and_half_a_backup_refused():
    x, y = data()
    model, epochs = compiled(ieg_fsr.Supervised(linear_classifier())), []
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    model.fit(ieg_fsr.examples(x, y, batch_size=6), epochs=2, callbacks=look, verbose=0)
    assert epochs == [0, 1]
    with pytest.raises(UserError, match="callbacks must not hold BackupAndRestore"):
        model.fit(x, y, callbacks=keras.callbacks.BackupAndRestore("backup"))
