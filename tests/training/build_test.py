"""From a config to a method."""

import keras
import numpy as np
import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.methods.models.coteaching import CoTeaching
from ieg_fsr.methods.models.forward_correction import ForwardCorrection
from ieg_fsr.methods.models.fsr import FSR
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.reweighting.meta_gradient import VirtualSgd
from ieg_fsr.reweighting.weight_net import WeightNet
from ieg_fsr.reweighting.weight_rules import DirectWeights, UniformWeights
from ieg_fsr.training.build import build, resolved_jit
from ieg_fsr.training.inputs import load_training_data


def built(**settings):
    config = resolve(settings)
    data, given_labels, *_ = load_training_data(config)
    return build(config, data, given_labels)


def test_a_recipes_dictionary_shrinks_to_the_data():
    model, examples = built(train_examples=150)
    assert (model.dictionary.size, len(examples.given_labels)) == (150, 150)
    assert built(train_examples=150, dictionary_size=149)[0].dictionary.size == 149


def test_settings_reach_the_method():
    model, examples = built(
        noise=0.4, seed=3, pusher="shared", reward_features="history", momentum=0.8, weight_decay=0.01, mixup=False,
        lookahead_learning_rate=0.3, label_smoothing=0.1, label_momentum=0.2, score_momentum=0.7, batch_size=50,
        dictionary_size=60, reward_batch_size=30, pseudo_label_loss_weight=1.5, weight_constraint="shift",
        reweight_warmup_epochs=7, parameter_average_decay=0.5,
    )  # fmt: skip
    assert isinstance(model, FSR)
    assert (examples.batch_size, examples.seed, model.seed) == (50, 3, 3)
    assert (model.optimizer.momentum, model.weight_decay) == (0.8, 0.01)
    assert model.meta_part.settings == VirtualSgd(learning_rate=0.3, momentum=0.8, weight_decay=0.01)
    assert (model.label_smoothing, model.mixup_alpha) == (0.1, 0.0)
    assert (model.pseudo_labels.momentum, model.scores.momentum) == (0.2, 0.7)
    assert (model.dictionary.size, model.reward_batch_size, model.pseudo_label_loss_weight) == (60, 30, 1.5)
    assert (model.weight_rule.weight_constraint, model.weight_rule.initial_sample_weights) == ("shift", "uniform")
    assert model.reweight_warmup_epochs == 7
    assert type(model.reward).__name__ == "HistoryFeatures"


def test_choices_reach_the_method():
    l2r, _ = built(method="l2r", clean_per_class=4)
    assert isinstance(l2r.weight_rule, DirectWeights)
    assert (l2r.weight_rule.weight_constraint, l2r.weight_rule.initial_sample_weights) == ("clip", "zero")
    assert len(l2r.meta_part.above.trainable_variables) == len(l2r.classifier.trainable_variables) == 20
    assert (l2r.meta_part.settings.momentum, l2r.meta_part.accumulators) == (0.0, [])
    assert (len(l2r.clean_examples.given_labels), l2r.num_examples) == (40, 1397)
    assert (l2r.pseudo_labels, l2r.mixup_alpha, l2r.reward_interval) == (None, 0.0, 1)
    fast, _ = built(method="mwn", meta_layers="dense", weight_net_units=7, weight_net_learning_rate=0.5)
    assert isinstance(fast.weight_rule, WeightNet)
    assert float(fast.weight_rule.optimizer.learning_rate) == 0.5
    assert fast.weight_rule.network.get_weights()[0].shape == (1, 7)
    assert len(fast.meta_part.above.trainable_variables) == 2
    other, _ = built(weight_rule="uniform", meta_layers="-1", lookahead_momentum=0.3)
    assert isinstance(other.weight_rule, UniformWeights)
    assert other.meta_part.settings.momentum == 0.3
    assert other.clean_examples is None


def test_supervised_is_plain_unless_told_otherwise():
    plain, _ = built(method="supervised")
    mixed, _ = built(method="supervised", mixup=True)
    assert type(plain) is Supervised
    assert (plain.mixup_alpha, mixed.mixup_alpha) == (0.0, 1.0)


def test_settings_of_coteaching():
    model, _ = built(method="coteaching", noise=0.3, coteaching_warmup_epochs=5, seed=1)
    assert isinstance(model, CoTeaching)
    assert (model.forget_rate, model.warmup_epochs) == (0.3, 5)
    first, second = (network.get_weights()[0] for network in (model.classifier, model.second_classifier))
    assert np.abs(first - second).max() > 0
    again, _ = built(method="coteaching", seed=1)
    np.testing.assert_array_equal(second, again.second_classifier.get_weights()[0])


def test_settings_of_forward_correction():
    estimated, _ = built(method="forward_correction", noise=0.4, correction_warmup_epochs=7)
    given, _ = built(method="forward_correction", noise=0.4, correction_matrix="true")
    assert isinstance(estimated, ForwardCorrection)
    assert (estimated.estimate_after, given.estimate_after) == (7, None)
    np.testing.assert_allclose(given.transition_matrix, 0.6 * np.eye(10) + 0.04, rtol=1e-6)


@pytest.mark.parametrize(("method", "chance"), [("cb_sigmoid", -np.log(9)), ("cb_focal", -np.log(9)), ("focal", 0.0)])
def test_sigmoids_start_at_chance(method, chance):
    model, _ = built(method=method)
    for classifier in (model.classifier, model.parameter_average.classifier()):
        np.testing.assert_allclose(classifier.get_layer("logits").bias, np.full(10, chance), rtol=1e-6)


def test_same_seed_same_parameters():
    first, again, other = (built(seed=seed)[0].classifier.get_weights()[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0


def test_one_cosine_over_the_whole_run():
    model, examples = built(epochs=10)
    schedule = model.optimizer._learning_rate
    assert isinstance(schedule, keras.optimizers.schedules.CosineDecay)
    assert examples.steps_per_epoch == 14
    assert float(schedule(0)) == pytest.approx(0.1)
    assert float(schedule(70)) == pytest.approx(0.05)
    assert float(schedule(140)) == pytest.approx(0.0, abs=1e-9)


def test_xla_only_where_it_pays_or_is_asked_for():
    # The machines that run these tests may have an accelerator; then "auto" is on.
    import tensorflow as tf

    accelerated = bool(tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"))
    assert resolved_jit(resolve({"jit_compile": "auto"})) == accelerated
    assert resolved_jit(resolve({"jit_compile": "true"}))
    assert not resolved_jit(resolve({"jit_compile": "false"}))


VARIANTS = [
    {"reward_features": "history", "pusher": "shared", "weight_constraint": "shift", "mixup_alpha": 0.3, "flip": True},
    {"pusher": "paper", "mixup": False, "pseudo_label_dtype": "float16", "label_smoothing": 0.1, "meta_layers": "5"},
    {"faithful": True, "pusher": "area_under_margin", "lookahead_losses": True},
    {"method": "l2r", "clean_per_class": 2},
    {"method": "mwn", "clean_per_class": 2, "meta_layers": "dense", "reward_interval": 2},
    {"method": "coteaching"},
    {"method": "elr"},
]


def traces_and_parameters(**settings):
    """How often a step is traced over two of warm-up and three of re-weighting, and what becomes of the network.

    The rate is small: with a large one batch norm makes differences of rounding grow from step to step.
    """
    of_reweighting = {"dictionary_size": 20, "reward_batch_size": 20, "reweight_warmup_epochs": 2}
    if settings.get("method") in ("coteaching", "elr"):
        of_reweighting = {}
    model, examples = built(
        train_examples=120, batch_size=100, epochs=5, noise=0.4, learning_rate=0.01, padding=1,
        **of_reweighting, **settings,
    )  # fmt: skip
    traces, step = [], model.train_step
    model.train_step = lambda data: traces.append(None) or step(data)
    before = model.classifier.get_weights()
    model.fit(examples, epochs=5, verbose=0)
    assert max(np.abs(a - b).max() for a, b in zip(before, model.classifier.get_weights(), strict=True)) > 0.02
    average = model.parameter_average.classifier()
    return len(traces), [*model.classifier.get_weights(), *average.get_weights()]


@pytest.mark.usefixtures("two_blocks")
@pytest.mark.slow
@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_xla_makes_the_same_steps_and_traces_once_per_phase(settings):
    traces, plain = traces_and_parameters(jit_compile="false", **settings)
    traces_compiled, compiled = traces_and_parameters(jit_compile="true", **settings)
    assert traces == traces_compiled == (1 if settings.get("method") in ("coteaching", "elr") else 2)
    for one, other in zip(plain, compiled, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-4)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_float32_parameters_and_saves_a_plain_classifier(precision, tmp_path):
    model, examples = built(
        train_examples=200, dictionary_size=20, reward_batch_size=20, reweight_warmup_epochs=1, precision=precision
    )
    model.fit(examples, epochs=3, verbose=0)
    assert model.classifier.layers[2].compute_dtype == precision.removeprefix("mixed_")
    assert {variable.dtype for variable in model.classifier.variables} == {"float32"}
    assert all(np.isfinite(values).all() for values in [*model.classifier.get_weights(), model.last_weights.numpy()])
    assert model.last_weights.numpy().std() > 1e-3
    pixels = np.random.default_rng(0).uniform(0, 255, (30, 8, 8, 1)).astype(np.float32)
    model.classifier.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(pixels).numpy(), model.classifier(pixels).numpy())
    full, _ = built(train_examples=200)
    full.classifier.set_weights(model.classifier.get_weights())
    np.testing.assert_allclose(loaded(pixels), full.classifier(pixels), atol=0.1)
