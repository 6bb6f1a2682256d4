"""Tests of `ieg_fsr.training.survival.checkpoints`: what was saved comes back, in another model, bit for bit."""

import contextlib
import io
import random

import keras
import numpy as np
import pytest

from ieg_fsr.data.pipeline.examples import examples
from ieg_fsr.methods.models.coteaching import CoTeaching
from ieg_fsr.methods.models.early_learning import EarlyLearningRegularization
from ieg_fsr.methods.models.forward_correction import ForwardCorrection
from ieg_fsr.methods.models.fsr import FSR
from ieg_fsr.methods.models.stages import Stage, Visits
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.reweighting.weight_net import WeightNet
from ieg_fsr.training.survival.checkpoints import Checkpoints, NotFiniteError

pytestmark = pytest.mark.usefixtures("two_blocks")

N, C = 24, 3


def data():
    generator = np.random.default_rng(0)
    return examples(generator.normal(size=(N, 5)).astype(np.float32), np.arange(N) % C, batch_size=8)


def classifier():
    layers = [keras.Input((5,)), keras.layers.Dense(4), keras.layers.BatchNormalization(), keras.layers.Dense(C)]
    return keras.Sequential(layers)


def fsr(**options):
    return FSR(classifier(), N, 6, reward_batch_size=3, reweight_warmup_epochs=1, **options)


def mwn(**options):
    """Its own parameters must come from the checkpoint too: another seed for each model."""
    clean = examples(np.eye(6, 5, dtype=np.float32), np.arange(6) % C, batch_size=1)
    rule = WeightNet(0.01, seed=random.randrange(1000))
    return fsr(clean_examples=clean, meta_layers="all", weight_rule=rule, **options)


def staged(method):
    """The method in two stages over examples in the order of a table, with factors; the second starts anew."""

    def visits(model, epoch):
        table = model.scores.read() if isinstance(model, FSR) else np.sin(np.arange(N) + epoch)
        return Visits(np.argsort(table, kind="stable"), np.linspace(0.5, 1.5, N))

    class Staged(method):
        def stages(self, epochs):
            return [Stage("first", 3, visits=visits), Stage("anew", epochs - 3, visits=visits, fresh=True)]

    return Staged


METHODS = {
    "staged_fsr": lambda **shared: staged(FSR)(
        classifier(), N, 6, reward_batch_size=3, reweight_warmup_epochs=1, **shared
    ),
    "staged_coteaching": lambda **shared: staged(CoTeaching)(
        classifier(), classifier(), forget_rate=0.5, warmup_epochs=3, **shared
    ),
    "supervised": lambda **shared: Supervised(classifier(), **shared),
    "fsr": lambda **shared: fsr(**shared),
    "fsr_every_step": lambda **shared: fsr(reward_interval=1, **shared),
    "fsr_area_under_margin": lambda **shared: fsr(pusher="area_under_margin", **shared),
    "fsr_forgetting": lambda **shared: fsr(pusher="forgetting_inverse", lookahead_losses=True, **shared),
    "mwn": lambda **shared: mwn(**shared),
    "fsr_deep": lambda **shared: fsr(meta_layers="1", pseudo_label_loss_weight=0.0, **shared),
    "elr": lambda **shared: Supervised(classifier(), sample_loss=EarlyLearningRegularization(N, C), **shared),
    "coteaching": lambda **shared: CoTeaching(classifier(), classifier(), forget_rate=0.5, warmup_epochs=3, **shared),
    "forward_correction": lambda **shared: ForwardCorrection(classifier(), correction_warmup_epochs=1, **shared),
    "forward_correction_later": lambda **shared: ForwardCorrection(classifier(), correction_warmup_epochs=2, **shared),
}
# Within an epoch these go on in tests/methods/conformance_test.py.
OF_THE_CONFORMANCE_TEST = {"supervised", "mwn", "elr", "coteaching", "forward_correction"}


def compiled(method, seed):
    keras.utils.set_random_seed(seed)
    model = METHODS[method](parameter_average_decay=0.9)
    model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), metrics=["accuracy"], jit_compile=False)
    if method.startswith("staged"):
        model.course.lay_out(4)
    return model


def state(model):
    """Everything that decides how training goes on, as arrays by name."""
    arrays = {f"weight {i}": value for i, value in enumerate(model.classifier.get_weights())}
    arrays |= {f"average {i}": v for i, v in enumerate(model.parameter_average.classifier().get_weights())}
    arrays |= {f"optimizer {i}": v.numpy() for i, v in enumerate(model.optimizer.variables)}
    if isinstance(model.sample_loss, EarlyLearningRegularization):
        arrays["table"] = model.sample_loss.table.numpy()
    if isinstance(model, ForwardCorrection):
        arrays["matrix"] = model.transition_matrix.numpy()
    if isinstance(model, CoTeaching):
        arrays |= {f"second {i}": value for i, value in enumerate(model.second_classifier.get_weights())}
        arrays |= {f"second optimizer {i}": v.numpy() for i, v in enumerate(model.second_optimizer.variables)}
    if isinstance(model, FSR):
        report = model.label_report()
        arrays |= {name: np.asarray(getattr(report, name)) for name in report._fields}
        arrays["members"] = model.reward_set.members()
        arrays |= {f"accumulator {i}": v.numpy() for i, v in enumerate(model.meta_part.accumulators)}
        if isinstance(model.weight_rule, WeightNet):
            variables = (*model.weight_rule.network.variables, *model.weight_rule.optimizer.variables)
            arrays |= {f"weight net {i}": v.numpy() for i, v in enumerate(variables)}
    return arrays


def assert_equal_states(left, right):
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


class PowerLossError(Exception):
    """Ends training in the middle of an epoch."""


class Stop(keras.callbacks.Callback):
    def __init__(self, checkpoints, step):
        super().__init__()
        self.checkpoints, self.step, self.done = checkpoints, step, 0

    def on_train_batch_end(self, batch, logs=None):
        self.done += 1
        if self.done == self.step:
            self.checkpoints.save(self.step)
            raise PowerLossError


def test_no_checkpoint(tmp_path):
    model = compiled("supervised", 0)
    before = [value.copy() for value in model.classifier.get_weights()]
    assert Checkpoints(tmp_path / "checkpoints", model).restore() == 0
    for value, old in zip(model.classifier.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, old)
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.slow
@pytest.mark.parametrize("method", sorted(set(METHODS) - OF_THE_CONFORMANCE_TEST))
def test_training_goes_on_in_the_middle_of_an_epoch(tmp_path, method):
    whole = compiled(method, 0)
    logs = whole.fit(data(), epochs=4, verbose=0).history

    first = compiled(method, 0)
    with pytest.raises(PowerLossError):
        first.fit(data(), epochs=4, verbose=0, callbacks=[Stop(Checkpoints(tmp_path, first), 7)])

    # Other initial parameters: everything must come from the checkpoint.
    second = compiled(method, 1)
    assert Checkpoints(tmp_path, second).restore() == 7
    seen = []
    collect = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs))
    second.fit(data(), epochs=4, initial_epoch=2, first_step=1, verbose=0, callbacks=[collect])
    assert_equal_states(state(second), state(whole))
    # The metrics of the epoch that was cut in two are those of the whole one.
    assert [row["loss"] for row in seen] == logs["loss"][2:]
    assert [row["accuracy"] for row in seen] == logs["accuracy"][2:]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["supervised", "fsr", "mwn", "forward_correction_later"])
def test_training_goes_on_after_an_epoch(tmp_path, method):
    whole = compiled(method, 0)
    whole.fit(data(), epochs=4, verbose=0)

    first = compiled(method, 0)
    first.fit(data(), epochs=2, verbose=0)
    Checkpoints(tmp_path, first).save(6)

    second = compiled(method, 1)
    assert Checkpoints(tmp_path, second).restore() == 6
    second.fit(data(), epochs=4, initial_epoch=2, verbose=0)
    assert_equal_states(state(second), state(whole))


@pytest.mark.slow
def test_the_last_epoch_may_be_the_one_that_was_cut(tmp_path):
    whole = compiled("fsr", 0)
    whole.fit(data(), epochs=3, verbose=0)
    first = compiled("fsr", 0)
    with pytest.raises(PowerLossError):
        first.fit(data(), epochs=3, verbose=0, callbacks=[Stop(Checkpoints(tmp_path, first), 8)])
    second = compiled("fsr", 1)
    Checkpoints(tmp_path, second).restore()
    second.fit(data(), epochs=3, initial_epoch=2, first_step=2, verbose=0)
    assert_equal_states(state(second), state(whole))
    assert int(second.optimizer.iterations) == 9


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_the_newest_are_kept_and_the_newest_of_them_is_restored(tmp_path, keep):
    model = compiled("supervised", 0)
    checkpoints = Checkpoints(tmp_path, model, keep)
    for step in range(1, 5):
        model.classifier.layers[0].bias.assign(np.full(4, step, np.float32))
        checkpoints.save(step)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"step-{step:08}" for step in range(5 - keep, 5)]
    again = compiled("supervised", 1)
    assert Checkpoints(tmp_path, again).restore() == 4
    np.testing.assert_array_equal(again.classifier.layers[0].bias, np.full(4, 4, np.float32))


def test_saving_after_a_restore_goes_on_counting(tmp_path):
    model = compiled("supervised", 0)
    Checkpoints(tmp_path, model).save(3)
    checkpoints = Checkpoints(tmp_path, model)
    assert checkpoints.restore() == 3
    checkpoints.save(4)
    assert Checkpoints(tmp_path, compiled("supervised", 2)).restore() == 4


def saved_twice(tmp_path):
    model = compiled("supervised", 0)
    checkpoints = Checkpoints(tmp_path, model)
    for step in (3, 4):
        model.classifier.layers[0].bias.assign(np.full(4, step, np.float32))
        checkpoints.save(step)


def restored(tmp_path):
    """Step, what was told, and the bias that was saved."""
    model = compiled("supervised", 1)
    with contextlib.redirect_stderr(io.StringIO()) as told:
        step = Checkpoints(tmp_path, model).restore()
    return step, told.getvalue().splitlines(), model.classifier.layers[0].bias.numpy().tolist()


def test_a_damaged_checkpoint_is_passed_over_with_one_line(tmp_path):
    saved_twice(tmp_path)
    content = (tmp_path / "step-00000004/arrays.npz").read_bytes()
    (tmp_path / "step-00000004/arrays.npz").write_bytes(content[:-1])
    step, [line], bias = restored(tmp_path)
    assert (step, bias) == (3, [3, 3, 3, 3])
    assert str(tmp_path / "step-00000004") in line
    assert line.endswith("going on from step-00000003")


def test_none_that_is_whole_means_the_beginning(tmp_path):
    saved_twice(tmp_path)
    for path in tmp_path.iterdir():
        (path / "arrays.npz").write_bytes(b"")
    step, told, bias = restored(tmp_path)
    assert (step, bias) == (0, [0, 0, 0, 0])
    assert [line.rpartition("; ")[2] for line in told] == [
        "going on from step-00000003",
        "none is left: starting from the beginning",
    ]


def test_a_checkpoint_of_something_else_is_passed_over(tmp_path):
    Checkpoints(tmp_path, compiled("fsr", 0)).save(5)
    step, [line], _ = restored(tmp_path)
    assert step == 0
    assert "not those of this method" in line


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_state_that_is_not_finite_is_not_saved(tmp_path, bad):
    model = compiled("supervised", 0)
    checkpoints = Checkpoints(tmp_path, model)
    checkpoints.save(1)
    model.classifier.layers[1].gamma.assign(np.array([1, 1, bad, 1], np.float32))
    with pytest.raises(NotFiniteError, match="gamma at step 2"):
        checkpoints.save(2)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]


def test_losses_of_examples_not_seen_yet_may_be_nan(tmp_path):
    model = compiled("fsr_forgetting", 0)
    assert np.isnan(model.last_losses.numpy()).all()
    Checkpoints(tmp_path, model).save(1)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]
