"""A Keras user's own model and ways of calling: each works, or one line says what to do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.coteaching import CoTeaching

N = 60
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(N, 5)), np.arange(N) % 3
TOKENS = RNG.integers(0, 50, (N, 7))
TEXTS = np.array([" ".join(RNG.choice(list("abcdefg"), 5)) for _ in range(N)])
layers = keras.layers


def classifier(**head):
    return keras.Sequential(
        [keras.Input((5,)), layers.Dense(8, activation="relu"), layers.Dropout(0.2), layers.Dense(3, **head)]
    )


def fsr(network=None, optimizer="adam", *, compiling=None, **options):
    settings = {"dictionary_size": 9, "reward_batch_size": 6, "reweight_warmup_epochs": 1}
    model = ieg_fsr.FSR(network or classifier(), N, **(settings | options))
    model.compile(optimizer, metrics=["accuracy"], **(compiling or {}))
    return model


def fit(model, data=None, epochs=2, verbose=0, **options):
    return model.fit(data or ieg_fsr.examples(X, Y, 20), epochs=epochs, verbose=verbose, **options).history


def weights_of(model):
    return model.classifier.get_weights()


def test_callbacks_of_keras(tmp_path):
    model = fsr()
    rates = []
    best = tmp_path / "best.keras"
    history = fit(
        model,
        epochs=4,
        validation_data=(X, Y),
        callbacks=[
            keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.1, patience=1, min_delta=1e6),
            keras.callbacks.ModelCheckpoint(best, monitor="val_accuracy", save_best_only=True),
            keras.callbacks.ModelCheckpoint(tmp_path / "last.weights.h5", save_weights_only=True),
            keras.callbacks.TensorBoard(tmp_path / "logs", histogram_freq=1),
            keras.callbacks.CSVLogger(tmp_path / "log.csv"),
            keras.callbacks.LambdaCallback(
                on_epoch_begin=lambda epoch, logs: rates.append(float(model.optimizer.learning_rate))
            ),
            keras.callbacks.EarlyStopping("val_loss", patience=2, min_delta=1e6, restore_best_weights=True),
        ],
    )
    # The first epoch counts as the best one, the third is the second without progress.
    assert len(history["val_loss"]) == 3
    np.testing.assert_allclose(rates, [1e-3, 1e-3, 1e-4], rtol=1e-5)
    assert keras.models.load_model(best).output_shape == (None, 3)
    other = classifier()
    other.load_weights(tmp_path / "last.weights.h5")
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4
    assert model.label_report().score.shape == (N,)


def test_fit_called_again_goes_on():
    """Two calls are one long call: the phase, the batches and the tables follow the epochs of both."""
    keras.utils.set_random_seed(0)
    start = classifier().get_weights()

    def trained(*epochs):
        network = keras.Sequential([keras.Input((5,)), layers.Dense(8, activation="relu"), layers.Dense(3)])
        network.set_weights(start)
        model, phases = fsr(network, reweight_warmup_epochs=2), []
        look = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: phases.append(model.reweighting))
        for count in epochs:
            fit(model, epochs=count, callbacks=look)
        return model, phases

    (whole, phases), (parts, phases_of_parts) = trained(4), trained(3, 1)
    assert phases == phases_of_parts == [False, False, True, True]
    assert parts.epochs_done == 4
    for one, other in zip(weights_of(whole), weights_of(parts), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    np.testing.assert_array_equal(whole.dictionary.members(), parts.dictionary.members())


def variables_of(model):
    """Values of all that a checkpoint holds."""
    lists = [getattr(part, "variables", part) for part in model.checkpoint_parts().values()]
    variables = [v for found in lists for v in (found if isinstance(found, list | tuple) else [found])]
    return [(v.value if isinstance(v, keras.Variable) else v).numpy() for v in variables]


METHODS = {
    "fsr": lambda network: ieg_fsr.FSR(network(), N, 9, reward_batch_size=6, reweight_warmup_epochs=1),
    "supervised": lambda network: ieg_fsr.Supervised(network(), mixup_alpha=1.0, parameter_average_decay=0.9),
    "coteaching": lambda network: CoTeaching(network(), network(), forget_rate=0.4, warmup_epochs=4),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("saved_after", "again"),
    [
        (6, {"initial_epoch": 2, "epochs": 3}),
        (4, {"initial_epoch": 1, "first_step": 1, "epochs": 3}),
        (4, {"first_step": 1, "epochs": 2}),  # after the epochs done
    ],
)
def test_a_run_that_is_rolled_back_is_the_run_without_the_detour(method, saved_after, again, tmp_path):
    """In one process, by the checkpoint of a number of steps of three an epoch; bit for bit."""

    def made():
        keras.utils.set_random_seed(0)
        model = METHODS[method](classifier)
        model.compile("adam", metrics=["accuracy"])
        return model

    def save(number, logs):
        if int(model.optimizer.iterations) == saved_after:
            checkpoint.write(str(tmp_path / "state"))

    expected = made()
    fit(expected, epochs=3)
    model = made()
    checkpoint = tf.train.Checkpoint(**model.checkpoint_parts())
    fit(model, epochs=4, callbacks=keras.callbacks.LambdaCallback(on_train_batch_end=save, on_epoch_end=save))
    checkpoint.read(str(tmp_path / "state")).assert_consumed()
    if "initial_epoch" not in again:
        model.epochs_done = 1
    fit(model, **again)
    assert model.epochs_done == 3
    for one, other in zip(variables_of(expected), variables_of(model), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("compiling", [{"run_eagerly": True}, {"steps_per_execution": 3}])
def test_ways_of_running_a_step_agree(compiling):
    keras.utils.set_random_seed(0)
    start = classifier().get_weights()

    def trained(**how):
        network = keras.Sequential([keras.Input((5,)), layers.Dense(8, activation="relu"), layers.Dense(3)])
        network.set_weights(start)
        model = fsr(network, keras.optimizers.SGD(0.1), compiling=how)
        fit(model)
        return weights_of(model)

    for one, other in zip(trained(), trained(**compiling), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_regularizers_of_the_classifier_are_trained_with():
    """A Keras L2 factor f adds f |W|^2, and so 2 f W to the gradient, to all but the lookahead."""

    def moved(factor):
        keras.utils.set_random_seed(1)
        regularizer = keras.regularizers.L2(factor) if factor else None
        head = layers.Dense(3, kernel_regularizer=regularizer, use_bias=False)
        model = fsr(keras.Sequential([keras.Input((5,)), head]), keras.optimizers.SGD(0.1), reweight_warmup_epochs=9)
        [before] = weights_of(model)
        model.fit(ieg_fsr.examples(X, Y, N), verbose=0)
        return before, weights_of(model)[0] - before

    (before, plain), (_, regularized) = moved(0.0), moved(0.3)
    np.testing.assert_allclose(regularized - plain, -0.1 * 2 * 0.3 * before, atol=1e-6)


def test_a_head_without_bias_trains():
    model = fsr(classifier(use_bias=False), reweight_warmup_epochs=0)
    before = weights_of(model)[-1]
    fit(model)
    assert model.last_weights.numpy().std() > 0
    assert np.abs(weights_of(model)[-1] - before).max() > 0


def test_a_replica_sends_back_its_part_of_the_regularizers(monkeypatch):
    inputs = keras.Input([2])
    classifier = keras.Model(inputs, layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.5))(inputs))
    model = ieg_fsr.Supervised(classifier)
    monkeypatch.setattr("ieg_fsr.methods.models.added_losses.count", lambda: 4)
    kernel = classifier.trainable_variables[0].value
    with tf.GradientTape() as tape:
        value = model.regularization()
    np.testing.assert_allclose(value, 0.5 * np.sum(np.square(kernel)), rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(value, kernel), kernel / 4, rtol=1e-6)


def test_tokens_and_texts_train():
    vectorization = layers.TextVectorization(20, output_sequence_length=5)
    vectorization.adapt(TEXTS)
    tail = [layers.Embedding(50, 4, mask_zero=True), layers.GlobalAveragePooling1D(), layers.Dense(3)]
    texts = keras.Sequential([keras.Input((), dtype="string"), vectorization, *tail])
    model = fsr(texts, mixup_alpha=0.0, pseudo_label_loss_weight=0.0, reward_features="history")
    fit(model, ieg_fsr.examples(TEXTS, Y, 20), validation_data=(TEXTS, Y))
    assert model.label_report().score.shape == (N,)
    assert model.predict(ieg_fsr.examples(TEXTS, Y, 20), verbose=0).shape == (N, 3)
    tail = [layers.Embedding(50, 4), layers.GlobalAveragePooling1D(), layers.Dense(3)]
    tokens = keras.Sequential([keras.Input((7,), dtype="int32"), *tail])
    model = fsr(tokens, mixup_alpha=0.0, reward_features="forward")
    prepared = model.prepare((tf.constant(TOKENS), tf.constant(Y), tf.range(N)))
    assert prepared.images.dtype.is_integer
    fit(model, ieg_fsr.examples(TOKENS, Y, 20), validation_data=(TOKENS, Y))
    with pytest.raises(UserError, match=r"mixup_alpha must be 0 for a classifier of token ids or texts.*Received: 1"):
        fsr(tokens)


@pytest.mark.parametrize("reward_features", ["forward", "history"])
def test_a_dataset_trains_as_the_arrays_it_was_made_of(reward_features):
    """In the order of `examples`, one epoch of warm-up and one of re-weighting."""
    keras.utils.set_random_seed(0)
    start = classifier().get_weights()
    x = X.astype(np.float32)
    arrays = ieg_fsr.examples(x, Y, 20)
    order = np.concatenate([ids for _, _, ids in arrays.batches(0, 3).as_numpy_iterator()])
    dataset = tf.data.Dataset.from_tensor_slices((x[order], Y[order], order)).batch(20)

    def trained(data):
        network = keras.Sequential([keras.Input((5,)), layers.Dense(8, activation="relu"), layers.Dense(3)])
        network.set_weights(start)
        model = fsr(network, reward_features=reward_features, reweight_warmup_epochs=0)
        fit(model, data, epochs=1)
        return model

    one, other = trained(arrays), trained(dataset)
    for first, second in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_allclose(first, second, atol=1e-6)
    for first, second in zip(one.label_report(), other.label_report(), strict=True):
        np.testing.assert_allclose(first, second, atol=1e-5)


def test_batches_of_a_dataset_may_differ_in_size():
    ids = RNG.permutation(N)
    dataset = tf.data.Dataset.from_tensor_slices((X[ids], Y[ids], ids)).batch(25)
    model = fsr()
    history = fit(model, dataset, validation_data=dataset)
    assert np.isfinite(history["loss"]).all()
    assert (model.last_weights.numpy() != 1).any()
    with pytest.raises(UserError, match=r"batch_size must not be given"):
        fit(model, dataset, batch_size=5)


def test_optimizers_with_settings_of_their_own_train():
    model = fsr(optimizer=keras.optimizers.AdamW(0.01, weight_decay=0.1, clipnorm=1.0, use_ema=True))
    before = weights_of(model)
    fit(model)
    assert all((one != other).any() for one, other in zip(before, weights_of(model), strict=True))


def test_mistakes_are_told_in_one_line():
    model, data = fsr(), ieg_fsr.examples(X, Y, 20)
    for options, message in (
        ({"validation_split": 0.1}, "validation_split must not be given"),
        ({"class_weight": {0: 1.0}}, "class_weight must not be given"),
        ({"sample_weight": np.ones(N)}, "sample_weight must not be given"),
        ({"validation_data": (X, np.eye(3)[Y])}, "one-hot"),
        ({"callbacks": [keras.callbacks.BackupAndRestore("backup")]}, "must not hold BackupAndRestore"),
    ):
        with pytest.raises(UserError, match=message) as caught:
            fit(model, data, **options)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"0..2, the classifier's 3 logits. Received: 3"):
        fit(model, ieg_fsr.examples(X, Y + 1, 20))
    with pytest.raises(UserError, match=r"logit for each class"):
        fsr(keras.Sequential([keras.Input((5,)), layers.Dense(1)]))
    with pytest.raises(UserError, match=r"activation=None"):
        fsr(classifier(activation="softmax"))
    with pytest.warns(UserWarning, match=r"reweight_warmup_epochs is 9 and training ends after 1"):
        fit(fsr(reweight_warmup_epochs=9), epochs=1)
