"""The strength of FSR: nothing of it is plain training, all of it the paper's step, and the one that tunes itself."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.fsr_settings import rate_falls
from ieg_fsr.reweighting.strength import FixedStrength, SelfTuningStrength
from ieg_fsr.training.survival.checkpoints import Checkpoints

N, CLASSES = 240, 3


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(N) % CLASSES
    x = rng.normal(size=[N, 6]) + 2.0 * np.eye(6)[y]
    wrong = rng.random(N) < 0.3
    return x.astype(np.float32), np.where(wrong, rng.integers(0, CLASSES, N), y).astype(np.int32)


def classifier() -> keras.Model:
    keras.utils.set_random_seed(1)
    inputs = keras.Input([6])
    hidden = keras.layers.Dense(16, "relu")(inputs)
    return keras.Model(inputs, keras.layers.Dense(CLASSES)(hidden))


def fitted(model: keras.Model, epochs: int = 5, optimizer: keras.optimizers.Optimizer | None = None) -> keras.Model:
    model.compile(optimizer=optimizer or keras.optimizers.SGD(0.1, momentum=0.9), metrics=["accuracy"])
    model.losses_of_epochs = model.fit(
        ieg_fsr.examples(*data(), batch_size=24), epochs=epochs, verbose=0
    ).history["loss"]  # fmt: skip
    return model


def fsr(**options) -> ieg_fsr.FSR:
    settings = {"dictionary_size": 24, "reward_batch_size": 12, "reweight_warmup_epochs": 2, "weight_decay": 5e-4}
    return ieg_fsr.FSR(classifier(), N, **(settings | {"strength": "auto"} | options))


def test_a_strength_of_nothing_is_plain_training_bit_for_bit_and_still_knows_its_suspects():
    plain = fitted(ieg_fsr.Supervised(classifier(), weight_decay=5e-4))
    none = fitted(fsr(strength=0))
    for one, other in zip(none.classifier.get_weights(), plain.classifier.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert none.losses_of_epochs == plain.losses_of_epochs
    report = none.label_report()
    assert report.suspect.any()
    assert np.isfinite(report.score).all()
    assert report.weight.std() > 0.1


def test_a_loss_of_its_own_is_what_is_trained_with_and_not_what_is_looked_ahead_by():
    """Strength 0 is supervised training with it; one of three times the size gives the weights of cross-entropy."""

    def tripled(batch, logits):
        return 3.0 * tf.nn.softmax_cross_entropy_with_logits(batch.targets, logits)

    none, plain = fitted(fsr(strength=0, sample_loss=tripled)), fitted(ieg_fsr.Supervised(
        classifier(), weight_decay=5e-4, sample_loss=tripled
    ))  # fmt: skip
    for one, other in zip(none.classifier.get_weights(), plain.classifier.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    # Of a network that does not move, in the one step of an epoch.
    still = {"reweight_warmup_epochs": 0, "strength": 1, "mixup_alpha": 0.0, "seed": 3}
    weights = []
    for options in ({}, {"sample_loss": tripled}):
        model = fsr(**still, **options)
        model.compile(keras.optimizers.SGD(0.0))
        model.fit(ieg_fsr.examples(*data(), batch_size=N), epochs=1, verbose=0)
        weights.append(model.last_weights.numpy())
    np.testing.assert_array_equal(*weights)
    assert weights[0].std() > 0.1


def test_full_strength_is_the_step_without_any_strength():
    """The step as it was before there was a strength: weights by the reward loss, the whole pseudo-label loss."""

    class Before(ieg_fsr.FSR):
        def tuned_weights(self, samples, reward_weights):
            return FixedStrength(1.0).weights(samples, reward_weights, True)._replace(applied=reward_weights)

        def mixup_reach(self, example_ids):
            return None

    settings = {"dictionary_size": 24, "reward_batch_size": 12, "reweight_warmup_epochs": 2, "weight_decay": 5e-4}
    before, full = fitted(Before(classifier(), N, strength=1, **settings)), fitted(fsr(strength=1.0))
    for one, other in zip(full.classifier.get_weights(), before.classifier.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert full.figures().keys() == {"zero_weight_ratio", "zero_weight_batches"}


class SaveAt(keras.callbacks.Callback):
    def __init__(self, checkpoints: Checkpoints, step: int) -> None:
        super().__init__()
        self.checkpoints, self.step, self.done = checkpoints, step, 0

    def on_train_batch_end(self, batch, logs=None) -> None:
        self.done += 1
        if self.done == self.step:
            self.checkpoints.save(self.step)


def test_it_goes_on_bit_for_bit_from_the_middle_of_an_epoch(tmp_path):
    def made() -> ieg_fsr.FSR:
        model = fsr(trusted_ids=range(0, N, 6))  # which no checkpoint holds
        model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), metrics=["accuracy"])
        return model

    examples = ieg_fsr.examples(*data(), batch_size=24)  # ten steps an epoch
    whole, rest = made(), made()
    whole.fit(examples, epochs=8, verbose=0, callbacks=[SaveAt(Checkpoints(tmp_path, whole), 43)])
    rest.course.lay_out(8)
    assert Checkpoints(tmp_path, rest).restore() == 43
    rest.fit(examples, initial_epoch=4, first_step=3, epochs=8, verbose=0)
    assert rest.figures() == whole.figures()
    parts = [model.classifier.variables + list(model.strength.variables) for model in (whole, rest)]
    for one, other in zip(*parts, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("optimizer", [lambda: keras.optimizers.SGD(0.1), lambda: keras.optimizers.Adam(0.01)])
def test_it_tunes_itself_in_a_users_own_model(optimizer):
    model = fitted(fsr(), epochs=8, optimizer=optimizer())
    figures = model.figures()
    assert isinstance(model.strength, SelfTuningStrength)
    assert 0 <= figures["strength_used"] <= 1
    assert figures["memorised_error"] > 0
    # 8 bytes an example, beside the tables that FSR has anyway.
    sizes = [v.dtype.size * int(tf.size(v)) for v in model.strength.variables if v.shape[:1] == [N]]
    assert sum(sizes) == 8 * N


def test_a_class_of_wrong_labels_alone_is_no_member_of_the_dictionary():
    model, (_, labels), rng = fitted(fsr()), data(), np.random.default_rng(0)
    scores, ids = np.where(labels == 0, np.log(0.1), np.log(0.9)), np.arange(N)  # as running means of log-probabilities
    # Training says 1 of the examples of class 0, and of the others their own class.
    model.pseudo_labels.logits.assign(5.0 * np.eye(CLASSES)[np.maximum(labels, 1)])
    assert set(labels[model.best(scores, ids, labels, rng)]) == {1, 2}
    assert set(labels[fsr(strength=1).best(scores, ids, labels, rng)]) == {0, 1, 2}
    # Where few labels are predicted (.84^4 is .498) a class that training has lost sight of keeps its places.
    for agreement, classes in ((0.43, {1, 2}), (0.42, {0, 1, 2})):
        model.strength.agreement.assign(agreement)
        assert set(labels[model.best(scores, ids, labels, rng)]) == classes
    model.strength.agreement.assign(1.0)
    # Before the first visit nothing is known of any: a random draw of all classes.
    draws = [model.best(np.full(N, -np.inf), ids, labels, np.random.default_rng(seed)) for seed in range(20)]
    assert all(set(labels[draw]) == {0, 1, 2} for draw in draws)
    assert len(np.unique(draws)) > N / 2


@pytest.mark.parametrize(
    "options",
    [
        {"weight_rule": ieg_fsr.reweighting.weight_rules.UniformWeights()},
        {"num_examples": 199},
        {"weight_constraint": "shift"},
        {"weight_rule": ieg_fsr.reweighting.weight_rules.DirectWeights("shift")},
    ],
    ids=["another rule", "few examples", "shift", "shift in a rule"],
)
def test_where_nothing_can_be_tuned_strength_is_full(options):
    settings = {"dictionary_size": 20, "num_examples": N, "strength": "auto"} | options
    assert ieg_fsr.FSR(classifier(), **settings).strength.share == 1


@pytest.mark.parametrize("value", [2, -0.1, "much", "1.5", True, None, float("nan")])
def test_a_strength_beyond_its_range_is_named(value):
    with pytest.raises(UserError, match=r"strength must be auto or a number in \[0, 1\]. Received: "):
        fsr(strength=value)


@pytest.mark.parametrize(
    ("rate", "epoch", "falls"),
    [
        (0.1, 0, False),
        (keras.optimizers.schedules.CosineDecay(0.1, 40), 1, True),
        (keras.optimizers.schedules.ExponentialDecay(0.1, 40, 0.6), 1, False),
        (keras.optimizers.schedules.PiecewiseConstantDecay([10], [0.1, 0.001]), 1, False),
    ],
    ids=["constant", "to nothing", "to six tenths", "already fallen"],
)
def test_whether_the_learning_rate_is_still_to_fall_by_half(rate, epoch, falls):
    """After 20 of 40 steps."""
    optimizer = keras.optimizers.SGD(rate)
    optimizer.iterations.assign(20)
    assert rate_falls(optimizer, epoch, 4) == falls
