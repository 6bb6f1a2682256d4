"""Skipping: which examples an epoch leaves out, their factors, the learning rate of short epochs, and refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr import FSR
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.coteaching import CoTeaching
from ieg_fsr.methods.models.skipping import FEWEST_VISITS, LossSkipping, NoSkipping, WeightSkipping
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.training.survival.checkpoints import Checkpoints

N, C = 240, 2
RNG = np.random.default_rng(0)
Y = (np.arange(N) % C).astype(np.int32)
X = (RNG.normal(size=(N, 3)) + 3 * Y[:, None]).astype(np.float32)
GIVEN = np.where(np.arange(N) < 60, 1 - Y, Y).astype(np.int32)


def linear(seed=1):
    inputs = keras.Input([3])
    return keras.Model(inputs, keras.layers.Dense(C, kernel_initializer=keras.initializers.GlorotUniform(seed))(inputs))


class Seen(keras.callbacks.Callback):
    """What each epoch visited, and its first and last learning rate."""

    def on_epoch_begin(self, epoch, logs=None):
        examples = self.model.course.examples
        self.visited = [*getattr(self, "visited", []), np.array(examples.visited)]

    def on_train_batch_end(self, batch, logs=None):
        self.rates = [*getattr(self, "rates", []), float(self.model.optimizer.learning_rate.numpy())]


def fsr(warmup, rule, **options):
    return FSR(linear(), N, 40, reweight_warmup_epochs=warmup, skipping=rule, **options)


def by_loss():
    return Supervised(linear(), skipping=LossSkipping(N), parameter_average_decay=0.9)


def schedule(epochs):
    """From 0.1 to 0 over so many epochs of 12 steps."""
    return keras.optimizers.schedules.PolynomialDecay(0.1, 12 * epochs, 0.0)


def compiled(model, rate):
    model.compile(keras.optimizers.SGD(rate, momentum=0.9))
    return model


def variables(model):
    parts = [model.classifier.variables, model.optimizer.variables, model.skipping.variables]
    parts += [model.parameter_average.variables] if model.parameter_average else [model.scores.variables]
    return [value.numpy() for part in parts for value in part]


def trained(model, epochs, rate=0.1, batch_size=20):
    model.compile(keras.optimizers.SGD(rate))
    seen = Seen()
    model.fit(ieg_fsr.examples(X, GIVEN, batch_size=batch_size), epochs=epochs, verbose=0, callbacks=[seen])
    return seen


def test_epochs_of_fsr():
    """Wrong labels are visited seldom, none for longer than it may be, and monitors and the outer epochs see all."""
    rule = WeightSkipping(N, skip_after_epochs=1, longest_skip=5)
    seen = trained(fsr(4, rule, strength=1, mixup_alpha=0.0), 30)
    visits = np.array([np.isin(np.arange(N), visited) for visited in seen.visited])
    assert visits[:5].all()
    assert visits[27:].all()
    skipping = visits[5:27]
    assert skipping.mean() < 0.85
    # Once their mean weights have come down.
    wrong, right = skipping[12:, :60].mean(), skipping[12:, 60:].mean()
    assert wrong < 0.95 * right, (wrong, right)
    for start in range(len(skipping) - 4):
        assert skipping[start : start + 5].any(axis=0).all()
    assert all(np.bincount(GIVEN[np.flatnonzero(row)]).min() >= FEWEST_VISITS for row in skipping)


@pytest.mark.parametrize(("strength", "seldom"), [(1.0, 0.25), (0.5, 0.625)])
def test_rates_by_hand(strength, seldom):
    model = FSR(linear(), N, 40, strength=strength, skipping=(rule := WeightSkipping(N)), score_momentum=0.0)
    rule.mean_weights.assign(np.where(np.arange(N) < 100, 0.19, 0.2))
    # Trusted are 140, one of them without a label. Of two above their mean one has a probability above 1/2.
    probabilities = np.select([np.arange(N) == 239, np.arange(N) == 237], [0.51, 0.49], 0.1)
    model.scores.update(tf.range(N), np.log(probabilities).astype(np.float32))
    rates, as_they_are = rule.rates(model, np.where(np.arange(N) == 238, -1, GIVEN))
    np.testing.assert_array_equal(rates, np.select([np.arange(N) < 100, np.arange(N) == 239], [seldom, 0.5], 1.0))
    np.testing.assert_array_equal(as_they_are, np.arange(N) < 100)


def test_a_running_mean_of_visited_weights():
    rule = WeightSkipping(4)
    weights = np.array([0.0, 0.0, 2.0, 1.0])
    rule.update(weights, np.array([0, 2]))
    rule.update(weights, np.array([0]))
    np.testing.assert_allclose(rule.mean_weights.numpy(), [0.64, 1.0, 1.2, 1.0], rtol=1e-6)


def test_monitors_are_always_visited():
    model = FSR(linear(), N, 40, skipping=(rule := WeightSkipping(N)))
    model.strength.begin(GIVEN)
    rule.mean_weights.assign(tf.zeros([N]))
    rates, _ = rule.rates(model, GIVEN)
    monitors = model.strength.monitor_ids()
    assert 0 < len(monitors) < N // 2
    np.testing.assert_array_equal(np.sort(monitors), np.flatnonzero(rates == 1))


def test_small_losses_are_left_out_by_half():
    """The rule of InfoBatch on losses of 1 and 3: those of 1 with probability 1/2 and factor 2."""
    rule = LossSkipping(N)
    rule.losses.assign(np.where(np.arange(N) < 120, 1.0, 3.0))
    rates, as_they_are = rule.rates(None, GIVEN)
    np.testing.assert_array_equal(rates, np.repeat([0.5, 1.0], 120))
    assert not as_they_are.any()
    model = Supervised(linear(), skipping=LossSkipping(N))
    seen = trained(model, 16)
    assert [len(visited) == N for visited in seen.visited] == [True] + [False] * 13 + [True] * 2
    # Raised from 1/2 to fill the last batch.
    _, factors = model.course.visits[1]
    assert len(set(factors)) == 2
    assert min(factors) == 1
    assert 1.7 < max(factors) <= 2


def test_the_losses_of_the_last_visit():
    """With a rate of zero they are those of the parameters."""
    model = Supervised(linear(), skipping=LossSkipping(N))
    trained(model, 4, 0.0)
    logits = model.classifier.predict(X, verbose=0)
    own = tf.nn.sparse_softmax_cross_entropy_with_logits(GIVEN, logits).numpy()
    np.testing.assert_allclose(model.skipping.losses.numpy(), own, rtol=1e-5)


def test_the_learning_rate_follows_the_epochs():
    """A schedule over 10 epochs of 12 steps: short epochs begin and end it where whole ones do."""
    seen = trained(Supervised(linear(), skipping=LossSkipping(N)), 10, schedule(10))
    steps = [len(visited) // 20 for visited in seen.visited]
    assert min(steps) < 12 == steps[0] == steps[-1]
    ends = np.cumsum(steps)
    # After the last step of an epoch the optimizer holds the rate of the next one's first.
    np.testing.assert_allclose(np.array(seen.rates)[ends - 1], 0.1 - np.arange(1, 11) / 100, atol=1e-7)


def test_a_part_of_all_is_the_rate_of_all_without_skipping():
    rule = WeightSkipping(N, skip_after_epochs=100)
    plain, skipping = (fsr(1, one) for one in (None, rule))
    trained(plain, 3), trained(skipping, 3)
    for one, other in zip(plain.classifier.variables, skipping.classifier.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


class StopError(Exception):
    """Ends training in the middle of an epoch."""


@pytest.mark.parametrize("make", [lambda: fsr(4, WeightSkipping(N)), lambda: by_loss()])
def test_it_goes_on_within_an_epoch_of_a_part(make, tmp_path):
    """From other parameters, bit for bit: the visits, tables, rate and pace come from the checkpoint."""
    whole, first, second = (compiled(make(), schedule(12)) for _ in range(3))
    data = ieg_fsr.examples(X, GIVEN, batch_size=20)
    whole.fit(data, epochs=12, verbose=0)

    def stop(batch, logs):
        if first.course.position.epoch == 8 and batch == 2:
            first.saved.save(int(first.optimizer.iterations))
            raise StopError

    first.course.lay_out(12)
    first.saved = Checkpoints(tmp_path, first)
    with pytest.raises(StopError):
        first.fit(data, epochs=12, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=stop)])
    assert len(first.course.examples.visited) < N
    second.classifier.set_weights([value + 1 for value in second.classifier.get_weights()])
    second.course.lay_out(12)
    Checkpoints(tmp_path, second).restore()
    position = second.course.position
    assert (position.epoch, position.step) == (8, 3)
    second.fit(data, epochs=12, initial_epoch=8, first_step=3, verbose=0)
    for one, other in zip(variables(second), variables(whole), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WeightSkipping(N, visit_mastered=0.0), r"^visit_mastered must be .*0.* Received: 0"),
        (lambda: WeightSkipping(N, longest_skip=0), r"^longest_skip must be .*1.* Received: 0"),
        (
            lambda: Supervised(linear(), skipping=WeightSkipping(N)),
            r"^skipping must be NoSkipping or LossSkipping with",
        ),
        (
            lambda: CoTeaching(linear(), linear(2), forget_rate=0.5, skipping=LossSkipping(N)),
            r"^skipping must be NoSkipping with this method",
        ),
        (lambda: FSR(linear(), N, skipping=WeightSkipping(N), strength=0), r"^skipping by weights must go with"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(UserError, match=message):
        make()


def test_data_that_cannot_be_skipped_in():
    numbered = tf.data.Dataset.from_tensor_slices((X, GIVEN, np.arange(N))).batch(20)
    model = Supervised(linear(), skipping=LossSkipping(N))
    model.compile(keras.optimizers.SGD(0.1))
    with pytest.raises(UserError, match=r"^fit must be given examples with random access"):
        model.fit(numbered, epochs=3, verbose=0)
    with pytest.raises(
        UserError, match=r"^num_examples of skipping must be the number of examples. Received: 240 besi"
    ):
        model.fit(ieg_fsr.examples(X[1:], GIVEN[1:]), epochs=3, verbose=0)
    assert Supervised(linear(), skipping=NoSkipping()).stages(3)[0].epochs == 3
