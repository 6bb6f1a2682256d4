"""What every registered method must do: train, go on, be saved, take what it takes and refuse the rest.

A new method gets all of this with its line in the registry.
"""

import importlib
import inspect
import json

import keras
import numpy as np
import pytest

from ieg_fsr.configuration.help_text import full_help
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.configuration.settings import SETTINGS, before, settings_for
from ieg_fsr.cost.entries import ROWS
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.methods.registry import METHODS
from ieg_fsr.results.identity import identify
from ieg_fsr.rules import ANY
from ieg_fsr.setting import text_of
from ieg_fsr.training.build import build
from ieg_fsr.training.inputs import load_training_data
from ieg_fsr.training.run import train
from ieg_fsr.training.survival.checkpoints import Checkpoints

# 120 examples and more in batches of 30, a few unlabelled. Each method's own phases begin after an epoch.
SMALL = {"train_examples": 150, "batch_size": 30, "epochs": 3, "noise": 0.3, "label_smoothing": 0.1}
PHASES = {
    "reweight_warmup_epochs": 1,
    "correction_warmup_epochs": 1,
    "coteaching_warmup_epochs": 2,
    "incv_iterations": 1,
}
UNLABELLED = slice(None, 100, 10)
SIZES = {"clean_per_class": 3, "dictionary_size": 20, "reward_batch_size": 20}


def settings(method: str, **more) -> dict:
    own = {name: value for name, value in (PHASES | SIZES).items() if name in settings_for(method)}
    return SMALL | {"method": method} | own | more


def built(method: str, **more):
    config = resolve(settings(method, **more))
    data, given_labels, *_ = load_training_data(config)
    given_labels[UNLABELLED] = -1
    model, examples = build(config, data, given_labels)
    model.course.lay_out(config.epochs)  # as a run does, before there is a checkpoint
    return model, examples


def arrays(model) -> list[np.ndarray]:
    """Everything that a checkpoint holds."""
    found = []
    for part in model.checkpoint_parts().values():
        variables = part if isinstance(part, list | tuple) else getattr(part, "variables", None) or [part]
        found += [np.asarray(variable) for variable in variables]
    return found


class SaveWithin(keras.callbacks.Callback):
    """Saves once, in the middle of the second epoch: after `step` of its steps, `done` in all."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        super().__init__()
        self.checkpoints, self.total, self.epoch = checkpoints, 0, 0

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None) -> None:
        self.total += 1
        if self.epoch == 1 and batch + 1 == self.params["steps"] // 2:
            self.step, self.done = batch + 1, self.total
            self.checkpoints.save(self.done)


@pytest.mark.usefixtures("two_blocks")
@pytest.mark.parametrize("method", METHODS)
def test_it_goes_on_bit_for_bit_and_traces_a_step_once_a_phase(method, tmp_path):
    """From a checkpoint in the middle of the second epoch, in another model with other initial parameters."""
    whole, examples = built(method)
    traces, step = [], whole.train_step
    whole.train_step = lambda data: traces.append(None) or step(data)
    before, save = whole.classifier.get_weights(), SaveWithin(Checkpoints(tmp_path, whole))
    history = whole.fit(examples, epochs=3, verbose=0, callbacks=[save])
    assert np.isfinite(history.history["loss"]).all()
    assert whole.declared_figures == tuple(METHODS[method].figures)
    assert max(np.abs(a - b).max() for a, b in zip(before, whole.classifier.get_weights(), strict=True)) > 0
    # A phase: FSR's warm-up and what follows it, else stages that share their learning rates and kind of batches.
    stages = [stage for stage in whole.course.plan.stages if stage.epochs]
    kinds = {(id(stage.schedule) if stage.schedule else None, stage.visits is None) for stage in stages}
    assert len(traces) == (2 if "reweight_warmup_epochs" in settings_for(method) else len(kinds))
    rest, again = built(method)
    rest.classifier.set_weights([values + 1 for values in rest.classifier.get_weights()])
    assert Checkpoints(tmp_path, rest).restore() == save.done
    rest.fit(again, epochs=3, verbose=0, initial_epoch=1, first_step=save.step)
    for one, other in zip(arrays(whole), arrays(rest), strict=True):
        np.testing.assert_array_equal(one, other)
    report = whole.label_report()
    without = report.given_label == -1
    assert np.flatnonzero(without).tolist() == list(range(0, 100, 10))
    assert (report.weight[without] == 0).all()
    assert not (report.suspect[without] | np.isfinite(report.score[without])).any()
    assert 0 <= report.suggested_label.min() <= report.suggested_label.max() < 10


LOADS = """
import json, sys
import keras, numpy as np
from sklearn.datasets import load_digits
images = load_digits().images.astype(np.float32)[:20, :, :, None] * 16
models = [keras.saving.load_model(path) for path in sys.argv[1:]]
assert not any(name.startswith("ieg_fsr") for name in sys.modules)
print(json.dumps([[list(model.output_shape), bool(np.isfinite(model.predict(images, verbose=0)).all())]
                  for model in models]))
"""


@pytest.mark.slow
@pytest.mark.usefixtures("two_blocks", "no_saved_model")
def test_runs_leave_their_files_and_plain_keras_loads_the_models(tmp_path, start):
    """A short run of each method by the command's own function: what it says and writes, and its model elsewhere."""
    for method, spec in METHODS.items():
        directory, lines = tmp_path / method, []
        summary = train(resolve(settings(method, model_dir=str(directory))), lines.append)
        config = json.loads((directory / "config.json").read_text())
        assert config.keys() >= settings_for(method).keys()
        assert not config.keys() & (SETTINGS.keys() - settings_for(method).keys())
        assert summary["variant"].startswith(spec.label)
        assert f"--method={method}" in "\n".join(lines)
        rows = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
        assert [row["epoch"] for row in rows] == [1, 2, 3]
        assert len((directory / "labels.csv").read_text().splitlines()) == summary["training_examples"] + 1
        assert spec.described in (directory / "model_card.md").read_text()
    paths = [str(tmp_path / method / "model.keras") for method in METHODS]
    done = start("-c", LOADS, *paths).ended()
    assert done.code == 0, done.err
    assert json.loads(done.out.splitlines()[-1]) == [[[None, 10], True]] * len(METHODS)


REPLICAS = """
import json
import keras
import numpy as np
import tensorflow as tf
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.errors import UserError
import ieg_fsr.training.build as building
from ieg_fsr.training.inputs import load_training_data

[cpu] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

def network(shape, classes, seed):
    # Without batch norm, whose statistics would be those of half the batch.
    keras.utils.set_random_seed(seed)
    layers = [keras.Input(shape), keras.layers.Rescaling(1 / 255), keras.layers.Flatten()]
    return keras.Sequential([*layers, keras.layers.Dense(16, "relu"), keras.layers.Dense(classes, name="logits")])

building.network_of = lambda config, shape, classes: lambda seed: network(shape, classes, seed)
def variables(model):
    # All that a checkpoint holds, but for the sums of figures, which are each replica's own.
    parts = {name: part for name, part in model.checkpoint_parts().items() if name != "metrics"}
    lists = [part if isinstance(part, (list, tuple)) else getattr(part, "variables", None) or [part]
             for part in parts.values()]
    return [v.value if isinstance(v, keras.Variable) else v for found in lists for v in found]

def distance(one, other):
    one, other = (np.nan_to_num(np.asarray(value, np.float64)) for value in (one, other))
    return float(np.max(np.abs(one - other), initial=0.0))

found, strategies = {}, (tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
for method, settings in METHODS.items():
    trained = []
    try:
        for strategy in strategies:
            config = resolve(settings)
            data, given_labels, *_ = load_training_data(config)
            given_labels[:100:10] = -1
            with strategy.scope():
                model, examples = building.build(config, data, given_labels)
            history = model.fit(examples, epochs=3, verbose=0).history
            trained.append((variables(model), history["loss"]))
    except UserError as error:
        found[method] = str(error)
    else:
        (one, loss), (two, loss_of_two) = trained
        between = [distance(a, b) for a, b in zip(one, two, strict=True)]
        apart = [distance(*v.values) for v in two if hasattr(v, "values")]
        found[method] = [max(between), max(apart), distance(loss, loss_of_two)]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def on_two_replicas(printed_json):
    return printed_json(f"METHODS = { ({method: settings(method) for method in METHODS})!r}\n{REPLICAS}")


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_two_replicas_do_what_one_does_or_it_says_why_not(method, on_two_replicas):
    """Parameters, optimizer, averages, tables: as on one replica, and bit for bit alike on both."""
    found = on_two_replicas[method]
    if isinstance(found, str):
        assert "--strategy" in found
        return
    between, apart, loss = found
    assert between < 1e-4
    assert apart == 0.0
    assert loss < 1e-4


@pytest.mark.parametrize("method", METHODS)
def test_it_refuses_what_it_does_not_take(method):
    own = settings_for(method)
    for name, setting in SETTINGS.items():
        if name in own:
            continue
        value = setting.default if setting.default not in (None, False) else {bool: True, int: 1, float: 0.5}.get(
            setting.type, "forward"
        )  # fmt: skip
        with pytest.raises(UserError) as caught:
            resolve({"method": method, name: value})
        message = str(caught.value)
        assert message.startswith(f"--{name} must not be given with --method={method}, whose own settings are: ")
        assert message.endswith(f"Received: {text_of(value)}")
        assert all(f"--{one.name}" in message for one in METHODS[method].settings)
    for setting in METHODS[method].settings:
        value = {int: -1, float: float("nan"), str: "no such thing"}.get(setting.type)
        if value is not None and setting.rule is not ANY:
            with pytest.raises(UserError, match=f"^--{setting.name} must be .*Received: {value}$"):
                resolve({"method": method, setting.name: value})
    for rule in {"loss", "weights"} - set(METHODS[method].skips):
        with pytest.raises(UserError, match=f"^--skip must be auto.* with --method={method}. Received: {rule}"):
            resolve({"method": method, "skip": rule})
    if not METHODS[method].mixes:
        with pytest.raises(UserError, match=f"--mixup must be false with --method={method}"):
            resolve({"method": method, "mixup": True})


def defaults(place) -> dict:
    """Defaults of a function or a class, inherited ones too. Args: place: it, or "module:name"."""
    if isinstance(place, str):
        module, name = place.split(":")
        place = getattr(importlib.import_module(module), name)
    found: dict = {}
    for part in [base.__init__ for base in inspect.getmro(place)] if inspect.isclass(place) else [place]:
        for one in inspect.signature(part).parameters.values():
            if one.default is not inspect.Parameter.empty:
                found.setdefault(one.name, one.default)
    return found


# Settings whose counterparts in Python are objects, or have no default because they depend on the data.
NO_DEFAULTS = {"weight_rule", "initial_sample_weights", "reward_source", "clean_per_class", "faithful"}
NO_DEFAULTS |= {"coteaching_forget_rate", "correction_matrix", "class_balanced_beta", "mentor"}


@pytest.mark.parametrize("method", METHODS)
def test_a_model_skips_by_the_rules_of_its_method(method):
    for module, _, name in (place.partition(":") for place in METHODS[method].api if isinstance(place, str)):
        if rules := getattr(getattr(importlib.import_module(module), name), "skipping_rules", None):
            assert METHODS[method].skips[0] == "loss"
            assert rules[0].__name__ == "LossSkipping"
        elif rules is not None:
            assert METHODS[method].skips == ()


@pytest.mark.parametrize("method", METHODS)
def test_a_default_is_that_of_python(method):
    """A setting that is an argument too has one default, whoever leaves it out.

    MixUp is a switch and a number on the command line, and a number alone, 0 for off, in Python.
    """
    spec = METHODS[method]
    places = [defaults(place) for place in (*spec.api, Supervised)]
    common = [SETTINGS[name] for name in ("weight_decay", "label_smoothing", "parameter_average_decay", "seed")]
    for setting in [*common, *(one for one in spec.settings if one.name not in NO_DEFAULTS)]:
        argument = setting.argument or setting.name
        found = [place[argument] for place in places if argument in place]
        assert setting.default in found, argument
    mixed = resolve({"method": method}).mixup or "reweight_warmup_epochs" in settings_for(method)
    [alpha, *_] = [place["mixup_alpha"] for place in places if "mixup_alpha" in place]
    assert alpha == (SETTINGS["mixup_alpha"].default if mixed else 0.0)


@pytest.mark.parametrize("method", METHODS)
def test_it_is_in_help_benchmark_and_tables(method):
    assert method in ROWS
    # Names in tables leave out what runs had before there was a setting for it.
    assert identify(resolve({"method": method} | before(method))).variant == METHODS[method].label
    text = full_help()
    assert all(f"--{'[no]' * (one.type is bool)}{one.name}" in text for one in METHODS[method].settings)
