"""A run of two stages that is killed at their border and within the second: it ends as if nothing had been.

The second stage starts anew, and visits a part of the examples with factors, both from a table of their losses.
"""

import json
import signal

import numpy as np
import pytest

# Two epochs of five steps, then three of three steps.
STEPS, BORDER = 19, 10

PROGRAM = """
import os, signal, sys
import keras, numpy as np, tensorflow as tf
from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.methods.models.stages import Stage, Visits
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.replicas import update_rows
from ieg_fsr.training import execution
from ieg_fsr.training.run import train
from ieg_fsr.networks import build_network, small_cnn

small_cnn._BLOCKS = ((16, 1), (32, 2))
directory, seed, kill_after, kill_before = sys.argv[1], *map(int, sys.argv[2:])

class Kill(keras.callbacks.Callback):
    # The last of the callbacks: what was to be saved after a step has been saved.
    def on_train_batch_begin(self, batch, logs=None):
        if self.step() + 1 == kill_before:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        self.kill(self.left > 0)

    def on_epoch_begin(self, epoch, logs=None):
        self.left = self.params["steps"]

    def on_epoch_end(self, epoch, logs=None):
        self.kill(True)

    def kill(self, saved):
        if saved and self.step() == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    def step(self):
        safeguard = next(c for c in self.others if type(c).__name__ == "Safeguard")
        return safeguard.step

class Chooser(Supervised):
    def __init__(self, classifier, num_examples, **supervised):
        super().__init__(classifier, **supervised)
        self.latest = tf.Variable(tf.zeros([num_examples]), trainable=False)

    def stages(self, epochs):
        return [Stage("learn", 2), Stage("choose", epochs - 2, visits=Chooser.chosen, fresh=True)]

    def chosen(self, epoch):
        losses = self.latest.numpy()
        ids = np.argsort(losses, kind="stable")[: 310 + 10 * epoch]
        return Visits(ids, np.exp(-losses[ids]))

    def sample_losses(self, batch, logits):
        losses = super().sample_losses(batch, logits)
        update_rows(self.latest, batch.example_ids, losses)
        return losses

    def checkpoint_parts(self):
        return super().checkpoint_parts() | {"latest": self.latest}

    def fit(self, *args, callbacks, **kwargs):
        kill = Kill()
        kill.others = callbacks
        return super().fit(*args, callbacks=[*callbacks, kill], **kwargs)

def build(config, data, given_labels, *others):
    # Other first values in each process: those of the first one must come from its checkpoints.
    network = build_network("small_cnn", data.train.image_shape, data.num_classes, seed)
    model = Chooser(network, len(data.train), mixup_alpha=1.0, parameter_average_decay=0.9)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), metrics=["accuracy"])
    return model, Examples(data.train, given_labels, 100, config.seed)

execution.build = build
settings = {"dataset": "digits", "method": "supervised", "noise": 0.4, "train_examples": 500, "epochs": 5}
train(resolve(settings | {"checkpoint_seconds": 0.0, "model_dir": directory}), lambda text: None)
"""


@pytest.fixture
def run(start):
    """What the process ended with. Args: a step after which, or before which, it is killed; 0 for none."""

    def ended(directory, seed, kill_after=0, kill_before=0):
        threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = start("-c", PROGRAM, str(directory), *map(str, (seed, kill_after, kill_before)), **threads).ended()
        assert done.code in (0, -signal.SIGKILL), done.err
        return done.code

    return ended


def newest(directory):
    with np.load(max(directory.glob("checkpoints/step-*")) / "arrays.npz") as archive:
        return dict(archive)


def rows(directory):
    found = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if "seconds" not in name} for row in found]


@pytest.mark.slow
def test_killed_at_the_border_and_within_the_second_stage(run, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run(whole, seed=1) == 0
    kills = [
        ({"kill_after": BORDER}, [1, 2, 0, 10]),  # the first stage is over
        ({"kill_before": BORDER + 1}, [1, 2, 0, 10]),  # the second has begun, and nothing of it is saved
        ({"kill_after": BORDER + 2}, [1, 2, 2, 12]),  # within an epoch over 330 examples
        ({"kill_after": BORDER + 3}, [1, 3, 0, 13]),
    ]
    for seed, (kill, position) in enumerate(kills, start=1):
        assert run(killed, seed, **kill) == -signal.SIGKILL
        found = newest(killed)
        assert found["position"].tolist() == position
        assert found["plan"].tolist() == ["learn 2, choose 3"]
        assert [len(found[name]) for name in ("visits/ids", "visits/factors") if name in found] == (
            [330, 330] if position[2] else []
        )
    assert run(killed, seed=9) == 0
    expected, received = newest(whole), newest(killed)
    assert expected["position"].tolist() == [1, 5, 0, STEPS]
    assert expected.keys() == received.keys()
    for name in expected:
        assert expected[name].tobytes() == received[name].tobytes(), name
    assert rows(whole) == rows(killed)
    assert [(row["stage"], row["step"]) for row in rows(killed)] == [
        ("learn", 5), ("learn", 10), ("choose", 13), ("choose", 16), ("choose", 19),
    ]  # fmt: skip
    assert (whole / "labels.csv").read_bytes() == (killed / "labels.csv").read_bytes()
