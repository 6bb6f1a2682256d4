"""Tests of `ieg_fsr.training.checkpoints`: what was saved comes back, in another model, bit for bit."""

import random

import keras
import numpy as np
import pytest

from ieg_fsr.data.pipeline import examples
from ieg_fsr.methods.coteaching import CoTeaching
from ieg_fsr.methods.forward_correction import ForwardCorrection
from ieg_fsr.methods.fsr import FSR
from ieg_fsr.methods.losses.early_learning import EarlyLearningRegularization
from ieg_fsr.methods.supervised import Supervised
from ieg_fsr.reweighting.weight_net import WeightNet
from ieg_fsr.training.checkpoints import Checkpoints

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


METHODS = {
    "supervised": lambda **shared: Supervised(classifier(), **shared),
    "fsr": lambda **shared: fsr(**shared),
    "fsr_area_under_margin": lambda **shared: fsr(pusher="area_under_margin", **shared),
    "fsr_forgetting": lambda **shared: fsr(pusher="forgetting_inverse", lookahead_losses=True, **shared),
    "mwn": lambda **shared: mwn(**shared),
    "fsr_deep": lambda **shared: fsr(meta_layers="1", pseudo_label_loss_weight=0.0, **shared),
    "elr": lambda **shared: Supervised(classifier(), sample_loss=EarlyLearningRegularization(N, C), **shared),
    "coteaching": lambda **shared: CoTeaching(classifier(), classifier(), forget_rate=0.5, warmup_epochs=3, **shared),
    "forward_correction": lambda **shared: ForwardCorrection(classifier(), correction_warmup_epochs=1, **shared),
    "forward_correction_later": lambda **shared: ForwardCorrection(classifier(), correction_warmup_epochs=2, **shared),
}


def compiled(method, seed):
    keras.utils.set_random_seed(seed)
    model = METHODS[method](parameter_average_decay=0.9)
    model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), metrics=["accuracy"], jit_compile=False)
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


def test_no_checkpoint(tmp_path):
    model = compiled("supervised", 0)
    before = [value.copy() for value in model.classifier.get_weights()]
    assert Checkpoints(tmp_path / "checkpoints", model).restore() == 0
    for value, old in zip(model.classifier.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, old)
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_training_goes_on_where_it_stopped(tmp_path, method):
    whole = compiled(method, 0)
    whole.fit(data(), epochs=4, verbose=0)

    first = compiled(method, 0)
    first.fit(data(), epochs=2, verbose=0)
    Checkpoints(tmp_path, first).save(2)

    # Other initial parameters: everything must come from the checkpoint.
    second = compiled(method, 1)
    assert Checkpoints(tmp_path, second).restore() == 2
    second.fit(data(), epochs=4, initial_epoch=2, verbose=0)
    assert_equal_states(state(second), state(whole))


def test_the_newest_of_the_two_kept_is_restored(tmp_path):
    model = compiled("supervised", 0)
    checkpoints = Checkpoints(tmp_path, model)
    for epoch in range(1, 5):
        model.classifier.layers[0].bias.assign(np.full(4, epoch, np.float32))
        checkpoints.save(epoch)
    assert sorted(path.name for path in tmp_path.glob("*.index")) == ["ckpt-3.index", "ckpt-4.index"]
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
