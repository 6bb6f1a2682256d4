"""A trace of real steps: it is where TensorBoard looks, marks the steps, and has all parts of a step."""

import keras
import numpy as np

import ieg_fsr
from ieg_fsr.methods.models.step_scopes import SCOPES
from ieg_fsr.networks import build_network
from ieg_fsr.training.monitoring.profile_summary import read_profile
from ieg_fsr.training.monitoring.profiling import StepProfiler


def test_steps_are_traced_and_summed_up(tmp_path):
    x, y = np.zeros([200, 8, 8, 1], np.uint8), np.arange(200) % 4
    model = ieg_fsr.FSR(
        build_network("small_cnn", (8, 8, 1), 4), 200, 12, reward_batch_size=8, reweight_warmup_epochs=0,
        pusher="release", reward_interval=1, strength="auto",
    )  # fmt: skip
    model.compile(optimizer=keras.optimizers.SGD(0.1), metrics=["accuracy"], jit_compile=False)
    told = []
    profiler = StepProfiler(tmp_path, 3, 8, told.append)
    model.fit(ieg_fsr.examples(x, y, batch_size=50), epochs=2, verbose=0, callbacks=[profiler])
    assert len(list(tmp_path.glob("plugins/profile/*/*.xplane.pb"))) == 1
    summary = read_profile(tmp_path)
    assert len(summary.step_seconds) == 6
    assert set(SCOPES) <= set(summary.scope_seconds)
    # Forward and backward of a network take longer than its tables, whatever else the machine does.
    scopes = summary.scope_seconds
    assert scopes["forward"] + scopes["backward"] > scopes["tables"]
    [text] = told
    assert "6 steps traced" in text


def test_steps_that_an_earlier_process_made_count(tmp_path):
    x, y = np.zeros([20, 5], np.float32), np.arange(20) % 3
    model = ieg_fsr.Supervised(keras.Sequential([keras.Input([5]), keras.layers.Dense(3)]))
    model.compile(optimizer=keras.optimizers.SGD(0.1), metrics=["accuracy"])
    examples = ieg_fsr.examples(x, y, batch_size=10)
    model.fit(examples, epochs=2, verbose=0)
    model.fit(examples, initial_epoch=2, epochs=4, verbose=0, callbacks=[StepProfiler(tmp_path, 2, 6, lambda _: None)])
    # Steps 5 and 6 of the run, of which the trace would have begun with the second one.
    assert not (tmp_path / "plugins").exists()
