"""FSR's training step: its off-switches, its parts against independent computations, its two phases."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.data.pipeline.augmentation import pad_crop_flip
from ieg_fsr.errors import UserError
from ieg_fsr.networks import build_network
from ieg_fsr.reweighting import lookahead_weights

pytestmark = pytest.mark.usefixtures("two_blocks")

NEVER = 10**6
NUMBERS = (
    *("reward_batch_size", "reward_interval", "score_momentum", "label_momentum", "lookahead_learning_rate"),
    *("lookahead_momentum", "pseudo_label_loss_weight", "reweight_warmup_epochs", "mixup_alpha"),
)


def images(n: int = 40, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n, 8, 8, 1), np.uint8), (np.arange(n) % classes).astype(np.int32)


def fsr(n: int = 40, classes: int = 4, **options) -> ieg_fsr.FSR:
    settings = {"dictionary_size": 12, "reward_batch_size": 8, "reweight_warmup_epochs": 0, "weight_decay": 5e-4}
    model = ieg_fsr.FSR(build_network("small_cnn", (8, 8, 1), classes), n, **(settings | options))
    return compiled(model)


def compiled(model: keras.Model) -> keras.Model:
    model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), metrics=["accuracy"], jit_compile=False)
    return model


def augment(inputs: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    return pad_crop_flip(inputs, seed, padding=1, flip=True)


def parameters(model: keras.Model) -> list[np.ndarray]:
    return model.classifier.get_weights()


@pytest.mark.parametrize("pusher", ["lookahead", "release"])
def test_switched_off_fsr_is_supervised_training(pusher):
    x, y = images()
    examples = ieg_fsr.examples(x, y, batch_size=10)
    plain = compiled(
        ieg_fsr.Supervised(build_network("small_cnn", (8, 8, 1), 4), augment=augment, weight_decay=5e-4, seed=3)
    )
    off = fsr(
        reweight_warmup_epochs=NEVER,
        pseudo_label_loss_weight=0.0,
        mixup_alpha=0.0,
        augment=augment,
        seed=3,
        pusher=pusher,
    )
    for model in (plain, off):
        model.fit(examples, epochs=5, verbose=0)
    assert int(plain.optimizer.iterations) == int(off.optimizer.iterations) == 20
    for expected, received in zip(parameters(plain), parameters(off), strict=True):
        np.testing.assert_allclose(received, expected, atol=1e-6)


def test_train_step_is_traced_once_per_phase():
    traces = []

    class Counting(ieg_fsr.FSR):
        def train_step(self, data):
            traces.append(self.reweighting)
            return super().train_step(data)

    x, y = images()
    model = compiled(
        Counting(build_network("small_cnn", (8, 8, 1), 4), 40, 12, reward_batch_size=8, reweight_warmup_epochs=2)
    )
    model.fit(ieg_fsr.examples(x, y, batch_size=10), epochs=5, verbose=0)
    assert traces == [False, True]


@pytest.mark.parametrize("reward_features", ["forward", "history"])
def test_no_reward_batch_is_forwarded_during_warmup(reward_features):
    x, y = images()
    model = fsr(reweight_warmup_epochs=2, reward_features=reward_features)
    forwards = tf.Variable(0)
    frozen = model.frozen_features

    def counted(inputs):
        forwards.assign_add(1)
        return frozen(inputs)

    model.frozen_features = counted
    model.fit(ieg_fsr.examples(x, y, batch_size=10), epochs=1, verbose=0)
    assert int(forwards) == 0
    model.fit(ieg_fsr.examples(x, y, batch_size=10), initial_epoch=1, epochs=4, verbose=0)
    # Two epochs of four steps with a forward every fourth; or 12 members in chunks of at most 8, before epochs 2, 3, 4.
    assert int(forwards) == {"forward": 2, "history": 6}[reward_features]


@pytest.mark.parametrize(
    ("given", "features", "interval"),
    [({}, "history", 4), ({"reward_interval": 2}, "forward", 2), ({"reward_features": "forward"}, "forward", 4)],
)
def test_reward_features_come_from_history_unless_something_asks_for_forwards(given, features, interval):
    model = fsr(**given)
    assert (model.reward_features, model.reward_interval) == (features, interval)


def test_weights_of_a_step_are_those_of_the_pure_function():
    x, y = images()
    model = fsr(mixup_alpha=0.0, reward_interval=1, lookahead_momentum=0.9)
    examples = ieg_fsr.examples(x, y, batch_size=10)
    model.fit(examples, epochs=1, verbose=0)
    model.set_epoch(1)
    batch_ids = np.array([3, 1, 4, 15, 9, 2, 6, 5, 35, 8])
    features = model.shared_network(x[batch_ids].astype(np.float32), training=True).numpy()
    reward_features, reward_targets = model.draw_reward()
    # A forward does not change the parameters, so the layer below is the one that the step starts from. Keras' SGD
    # keeps -lr times the accumulator in gradient units.
    kernel, bias = model.head.kernel.numpy(), model.head.bias.numpy()
    velocity = {id(v): m for v, m in zip(model.classifier.trainable_variables, model.optimizer.momentums, strict=True)}
    accumulators = [-velocity[id(v)].numpy() / 0.1 for v in (model.head.kernel, model.head.bias)]
    expected = lookahead_weights(
        features,
        np.eye(4)[y[batch_ids]],
        reward_features,
        reward_targets,
        kernel,
        bias,
        *accumulators,
        weight_decay=5e-4,
    )
    model.train_step((tf.constant(x[batch_ids]), tf.constant(y[batch_ids]), tf.constant(batch_ids, tf.int32)))
    received = model.last_weights.numpy()[batch_ids] / 10
    np.testing.assert_allclose(received, expected.sample_weights, atol=1e-5)
    assert received.std() > 1e-3


def test_accumulators_are_the_optimizers_momentum_in_gradient_units():
    x, y = images()
    model = fsr()
    model.fit(ieg_fsr.examples(x, y, batch_size=10), epochs=2, verbose=0)
    velocity = {id(v): m for v, m in zip(model.classifier.trainable_variables, model.optimizer.momentums, strict=True)}
    for accumulator, variable in zip(model.meta_part.accumulators, (model.head.kernel, model.head.bias), strict=True):
        np.testing.assert_allclose(accumulator, -velocity[id(variable)].numpy() / 0.1, atol=1e-5)


def test_frozen_features_use_batch_statistics_and_leave_the_averages():
    x, _ = images()
    model = fsr()
    inputs = tf.constant(x, tf.float32)
    averages = [v.numpy() for v in model.shared_network.non_trainable_variables]
    frozen = model.frozen_features(inputs)
    for before, after in zip(averages, model.shared_network.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(before, after.numpy())
    np.testing.assert_allclose(frozen, model.shared_network(inputs, training=True), atol=1e-5)
    inference = model.shared_network(inputs, training=False).numpy()
    assert np.abs(frozen - inference).max() > 1e-3


def test_tables_follow_the_examples_of_the_batch_only():
    x, y = images()
    model = fsr(reweight_warmup_epochs=NEVER, mixup_alpha=0.0)
    model.training_examples = ieg_fsr.examples(x, y, batch_size=10)
    ids = np.array([7, 3, 20])
    logits = model.classifier(x[ids].astype(np.float32), training=True).numpy()
    model.optimizer.build(model.classifier.trainable_variables)
    model.train_step((tf.constant(x[ids]), tf.constant(y[ids]), tf.constant(ids, tf.int32)))
    others = np.setdiff1d(np.arange(40), ids)
    report, believed = model.label_report(), model.pseudo_labels.read()
    assert np.isfinite(report.score[ids]).all()
    assert np.isneginf(report.score[others]).all()
    np.testing.assert_array_equal(believed[ids].argmax(axis=1), logits.argmax(axis=1))
    np.testing.assert_allclose(believed[others], 0.25, atol=1e-6)
    np.testing.assert_array_equal(report.suggested_label, model.predict(x, verbose=0).argmax(axis=1))


def test_without_mixup_the_released_score_is_that_of_shared_features():
    x, y = images()
    scores = []
    for pusher in ("release", "shared"):
        model = fsr(pusher=pusher, mixup_alpha=0.0, augment=augment, seed=3)
        model.fit(ieg_fsr.examples(x, y, batch_size=10), epochs=2, verbose=0)
        scores.append(model.scores.read())
    np.testing.assert_array_equal(*scores)


def test_losses_around_the_lookahead_are_kept_where_asked_for():
    """With plain SGD and p = 0, warm-up's step is the lookahead's: the head after it is the lookahead's head."""
    x, y = images()
    settings = {"reweight_warmup_epochs": NEVER, "mixup_alpha": 0.0, "pseudo_label_loss_weight": 0.0}
    model = fsr(lookahead_losses=True, lookahead_learning_rate=0.1, lookahead_momentum=0.0, **settings)
    model.compile(optimizer=keras.optimizers.SGD(0.1), metrics=["accuracy"], jit_compile=False)
    model.optimizer.build(model.classifier.trainable_variables)
    ids = np.array([7, 3, 20])
    features = model.shared_network(x[ids].astype(np.float32), training=True).numpy()

    def losses():
        logits = features @ model.head.kernel.numpy() + model.head.bias.numpy()
        return np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(3), y[ids]]

    before = losses()
    model.train_step((tf.constant(x[ids]), tf.constant(y[ids]), tf.constant(ids, tf.int32)))
    kept = model.last_losses.numpy()
    np.testing.assert_allclose(kept[ids], np.stack([before, losses()], axis=1), atol=1e-5)
    assert np.isnan(np.delete(kept, ids, axis=0)).all()
    assert fsr().last_losses is None


@pytest.mark.parametrize(
    ("pusher", "reward_features", "jit_compile"),
    [
        ("lookahead", "forward", False),
        ("shared", "history", False),
        ("release", "forward", False),
        ("paper", "history", False),
        ("area_under_margin", "forward", False),
        ("forgetting_inverse", "forward", False),
        # Of the others, tests/training/build_test.py compares what is compiled with what is not.
        pytest.param("forgetting", "forward", True, marks=pytest.mark.slow),
    ],
)
def test_every_choice_trains_and_repeats_itself(pusher, reward_features, jit_compile):
    x, y = images(20)

    def trained() -> list[np.ndarray]:
        model = fsr(20, pusher=pusher, reward_features=reward_features, augment=augment, dictionary_size=8)
        model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), metrics=["accuracy"], jit_compile=jit_compile)
        model.fit(ieg_fsr.examples(x, y, batch_size=10), epochs=2, verbose=0)
        assert model.last_weights.numpy().std() > 0
        return parameters(model)

    first, again = trained(), trained()
    for one, other in zip(first, again, strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_array_equal(one, other)


def test_dictionary_holds_the_best_scored_of_each_class_after_an_epoch():
    x, y = images()
    model = fsr(reweight_warmup_epochs=NEVER)
    model.fit(ieg_fsr.examples(x, y, batch_size=10), epochs=1, verbose=0)
    scores, members = model.scores.read(), model.dictionary.members()
    for label in range(4):
        of_class = np.flatnonzero(y == label)
        best = of_class[np.argsort(-scores[of_class])][:3]
        np.testing.assert_array_equal(members[y[members] == label], best)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pusher": "best"}, "pusher must be one of lookahead, shared, release, paper, .*Received: best"),
        ({"reward_features": "none"}, "reward_features must be one of forward, history. Received: none"),
        ({"weight_constraint": "none"}, "weight_constraint must be one of clip, shift. Received: none"),
        ({"dictionary_size": 41}, r"dictionary_size must be a whole number in 1..40. Received: 41"),
        *[({name: -1}, f"^{name} must be a (whole )?number .*Received: -1$") for name in NUMBERS],
        ({"meta_layers": "none"}, "--meta_layers must be dense, all, an index in 0..9 or one of .*Received: none"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(UserError, match=message):
        fsr(**options)


def test_data_without_ids_are_refused():
    x, y = images()
    with pytest.raises(UserError, match=r"takes ieg_fsr.examples\(x, y, batch_size\).*Received: ndarray"):
        fsr().fit(x, y)
    with pytest.raises(UserError, match=r"num_examples must be that of the data, 40\. Received: 39"):
        fsr(39).fit(ieg_fsr.examples(x, y, batch_size=10))
    with pytest.raises(UserError, match="fit must come first"):
        fsr().label_report()


@pytest.mark.parametrize("mixup_alpha", [0.0, 1.0])
def test_history_learns_from_images_that_are_not_mixed(mixup_alpha):
    x, y = images()
    model = fsr(mixup_alpha=mixup_alpha, reward_features="history")
    model.fit(ieg_fsr.examples(x, y, batch_size=10), epochs=1, verbose=0)
    kept = model.reward.features.numpy()[:-1].copy()
    [batch] = ieg_fsr.examples(x, y, batch_size=40).batches(0, 1)
    model.train_step(batch)
    changed = np.any(model.reward.features.numpy()[:-1] != kept, axis=1)
    assert changed[: len(model.dictionary.members())].all() == (mixup_alpha == 0)
    assert changed.any() == (mixup_alpha == 0)
