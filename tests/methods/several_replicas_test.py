"""One replica against two with the same global batch, in another process with two logical CPU devices.

Other methods and settings are in `conformance_test.py`.
"""

import pytest

# 30 steps: ten epochs of three, one of them warm-up. No batch norm, whose statistics would be those of half the batch.
SCRIPT = """
import contextlib, functools, json, sys, tempfile
import keras
import numpy as np
import tensorflow as tf
import ieg_fsr
from ieg_fsr.data.pipeline.augmentation import pad_crop_flip
from ieg_fsr.replicas import add_to_rows
from ieg_fsr.training.survival.checkpoints import Checkpoints

[cpu] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
rng = np.random.default_rng(0)
x, y = rng.integers(0, 256, (60, 8, 8, 1), np.uint8), rng.integers(0, 4, 60).astype(np.int32)
SHARED = {
    "augment": functools.partial(pad_crop_flip, padding=1, flip=True), "weight_decay": 5e-4,
    "parameter_average_decay": 0.9,
}

def network(seed):
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential([
        keras.Input([8, 8, 1]), layers.Rescaling(1 / 255), layers.Conv2D(8, 3, strides=2, activation="relu"),
        layers.Flatten(), layers.Dense(16, activation="relu"), layers.Dense(4),
    ])

def fsr(**options):
    return ieg_fsr.FSR(network(0), 60, 12, **({"reward_batch_size": 7, "reweight_warmup_epochs": 1} | SHARED | options))

class Staged(ieg_fsr.Supervised):
    # Five epochs on all, then five from the beginning on 40 of the 60, by a table, with rates of their own.
    def __init__(self, classifier, **supervised):
        super().__init__(classifier, **supervised)
        self.visits = tf.Variable(tf.zeros([60]), trainable=False)

    def stages(self, epochs):
        rates = keras.optimizers.schedules.CosineDecay(0.1, 10)
        part = ieg_fsr.Stage("part", 5, rates, visits=Staged.part, fresh=True)
        return [ieg_fsr.Stage("all", 5), part]

    def part(self, epoch):
        return ieg_fsr.Visits(np.argsort(self.visits.numpy(), kind="stable")[:40], np.linspace(0.5, 2.0, 40))

    def sample_losses(self, batch, logits):
        add_to_rows(self.visits, batch.example_ids, tf.ones([20]))
        return super().sample_losses(batch, logits)

    def checkpoint_parts(self):
        return super().checkpoint_parts() | {"visits": self.visits}

METHODS = {
    "history": lambda: fsr(reward_features="history", mixup_alpha=0.0),
    "faithful": lambda: fsr(pusher="release", reward_interval=1, lookahead_losses=True),
    "compiled": lambda: fsr(pusher="forgetting", meta_layers="-2", reward_features="forward"),
    "stages": lambda: Staged(network(0), **SHARED),
}

def variables(model):
    found = {}
    parts = dict(model.checkpoint_parts())
    # Of these each replica has what is its own to add; their result is compared as a figure.
    del parts["metrics"]
    for part, value in parts.items():
        own = value if isinstance(value, (list, tuple)) else getattr(value, "variables", None) or [value]
        found |= {f"{part} {i}": variable for i, variable in enumerate(own)}
    if isinstance(model, ieg_fsr.FSR):
        found |= {f"members {i}": variable for i, variable in enumerate(model.reward_set.variables)}
        if model.reward_features == "history":
            found |= {f"history {i}": variable for i, variable in enumerate(model.reward.variables)}
    return {name: v.value if isinstance(v, keras.Variable) else v for name, v in found.items()}

def trained(name, strategy):
    with strategy.scope() if strategy else contextlib.nullcontext():
        model = METHODS[name]()
        train_step = model.train_step

        def recorded(data):
            graphs.append(tf.compat.v1.get_default_graph())
            return train_step(data)

        model.train_step = recorded
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), metrics=["accuracy"], jit_compile=name == "compiled")
    history = model.fit(ieg_fsr.examples(x, y, batch_size=20), epochs=10, verbose=0).history
    return model, history

def distance(one, other):
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    return float(np.max(np.abs(np.nan_to_num(one) - np.nan_to_num(other)), initial=0.0))

class SaveAfter(keras.callbacks.Callback):
    def __init__(self, checkpoints, step):
        super().__init__()
        self.checkpoints, self.step = checkpoints, step

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.optimizer.iterations.numpy()) == self.step:
            self.checkpoints.save(self.step)

def resumed(step=13, epochs=6, per_epoch=3):
    # A network with batch norm, whose averages each replica moves by its own share, and kept reward features. The
    # normalization counts in integers, which have no mean.
    def model_of():
        with strategy.scope():
            layers = keras.layers
            keras.utils.set_random_seed(0)
            normalization = layers.Normalization(axis=None)
            normalization.adapt(x.astype(np.float32))
            model = ieg_fsr.FSR(keras.Sequential([
                keras.Input([8, 8, 1]), normalization, layers.Conv2D(8, 3, strides=2),
                layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.3), layers.Flatten(), layers.Dense(4),
            ]), 60, 12, reward_batch_size=7, reward_interval=4, reweight_warmup_epochs=1, **SHARED)
            model.compile(keras.optimizers.SGD(0.1, momentum=0.9), metrics=["accuracy"])
        return model

    data, directory = ieg_fsr.examples(x, y, batch_size=20), tempfile.mkdtemp()
    whole, rest = model_of(), model_of()
    expected = whole.fit(data, epochs=epochs, verbose=0, callbacks=[SaveAfter(Checkpoints(directory, whole), step)])
    assert Checkpoints(directory, rest).restore() == step
    place = {"initial_epoch": step // per_epoch, "first_step": step % per_epoch}
    rest.fit(data, epochs=epochs, verbose=0, **place)
    pairs = zip(variables(whole).values(), variables(rest).values(), strict=True)
    return max(distance(a, b) for one, two in pairs for a, b in zip(one.values, two.values, strict=True))

CONVOLUTIONS, graphs = {"Conv2D", "Conv2DBackpropFilter"}, []
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
results = {}
for name in METHODS:
    (one, one_history), (two, two_history) = trained(name, None), trained(name, strategy)
    expected, received = variables(one), variables(two)
    assert expected.keys() == received.keys()
    results[name] = {
        "steps": two.course.position.total,
        "between": max((distance(expected[key], received[key]), key) for key in expected),
        "apart": max((distance(a, b), key) for key, copies in received.items()
                     if not key.startswith("initial_parameters") for a, b in [copies.values]),
        "figures": max(distance(one_history[key], two_history[key]) for key in ("loss", "accuracy")),
        "moved": distance(one.classifier.get_weights()[0], network(0).get_weights()[0]),
        "compiled": sorted({
            node.op for function in graphs[-1].as_graph_def().library.function
            if function.attr["_XlaMustCompile"].b for node in function.node_def} & CONVOLUTIONS),
        "visits": sorted(set(two.scores.visits.numpy().tolist())) if isinstance(two, ieg_fsr.FSR) else [10],
    }
results["resumed"] = resumed()
print(json.dumps(results))
"""
NAMES = ["history", "faithful", "compiled", "stages"]


@pytest.fixture(scope="module")
def results(printed_json):
    return printed_json(SCRIPT)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_two_replicas_do_what_one_does(results, name):
    """Parameters, optimizer, averages, tables, dictionary: as on one replica, and bit for bit alike on both."""
    result = results[name]
    assert result["steps"] == (5 * 3 + 5 * 2 if name == "stages" else 30)
    assert result["between"][0] < 1e-5, result["between"]
    assert result["apart"][0] == 0.0, result["apart"]
    assert result["figures"] < 1e-5
    assert result["moved"] > 1e-2
    # One visit of every example in every epoch.
    assert result["visits"] == [10]
    # Both ways through the network are compiled, where that is asked for.
    both_ways = ["Conv2D", "Conv2DBackpropFilter"]
    assert result["compiled"] == (both_ways if name == "compiled" else [])


@pytest.mark.slow
def test_two_replicas_go_on_in_an_epoch_as_if_nothing_had_been(results):
    """Both replicas, bit for bit, from a checkpoint between two forwards of the reward batch."""
    assert results["resumed"] == 0.0
