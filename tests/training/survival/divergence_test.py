"""A run that diverges: the step, the rate and the tensor that are named are those that were made bad."""

import keras
import numpy as np
import pytest

import ieg_fsr
from ieg_fsr.data.pipeline.examples import Examples, _Arrays
from ieg_fsr.errors import RunError
from ieg_fsr.training.survival.checkpoints import Checkpoints, NotFiniteError
from ieg_fsr.training.survival.divergence import explain, first_bad_tensor

pytestmark = pytest.mark.usefixtures("two_blocks")

N, C = 24, 3


def data(bad_example=None, value=np.nan):
    images = np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32)
    if bad_example is not None:
        images[bad_example, 2] = value
    # Not by `examples`, which refuses such images: files may hold them.
    return Examples(_Arrays(images), np.arange(N) % C, batch_size=8)


def compiled(rate=0.1, method="supervised"):
    keras.utils.set_random_seed(0)
    layers = [keras.Input((5,)), keras.layers.Dense(4, name="first"), keras.layers.Dense(C, name="last")]
    network = keras.Sequential(layers)
    if method == "fsr":
        model = ieg_fsr.FSR(network, N, 6, reward_batch_size=3, reweight_warmup_epochs=1)
    else:
        model = ieg_fsr.Supervised(network)
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([3], [0.125, rate])
    model.compile(optimizer=keras.optimizers.SGD(schedule), metrics=["accuracy"], jit_compile=False)
    return model


class Guard(keras.callbacks.Callback):
    def __init__(self, step=0):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if not np.isfinite(logs["loss"]):
            raise NotFiniteError(self.step, f"loss {logs['loss']}")


def diverged(tmp_path, model, examples, save_at=0):
    """Trains until the loss is not finite, with a checkpoint after some steps of the first epoch; the explanation."""
    checkpoints = Checkpoints(tmp_path, model)
    if not save_at:
        checkpoints.save(0)
    save = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: checkpoints.save(save_at) if guard.step == save_at else None
    )
    guard = Guard()
    with pytest.raises(NotFiniteError) as error:
        model.fit(examples, epochs=6, verbose=0, callbacks=[guard, save] if save_at else [guard])
    return error.value, explain(error.value, model, examples, checkpoints)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["supervised", "fsr"])
@pytest.mark.parametrize("save_at", [0, 2])
def test_a_rate_that_is_too_high(tmp_path, method, save_at):
    """The rate of step 5 makes parameters of step 6 infinite, or its logits or losses: never the images."""
    error, explanation = diverged(tmp_path, compiled(1e30, method), data(), save_at)
    assert isinstance(explanation, RunError)
    assert error.step in (5, 6, 7)
    text = str(explanation)
    assert text.startswith("the loss must stay finite, lower --learning_rate. Received: loss ")
    assert f"at step {error.step} (epoch {(error.step - 1) // 3 + 1}, learning rate 1e+30); not finite first: " in text
    assert "images" not in text
    assert text.endswith(f"; the checkpoint of step {save_at} is kept")
    assert [path.name for path in tmp_path.iterdir()] == [f"step-{save_at:08}"]


@pytest.mark.slow
def test_an_image_that_is_not_finite(tmp_path):
    examples = data(bad_example=5)
    [step] = [step for step in range(3) if 5 in examples.batch_ids(np.int64(step)).numpy()]
    error, explanation = diverged(tmp_path, compiled(), examples)
    assert error.step == step + 1
    assert f"at step {step + 1} (epoch 1, learning rate 0.125); not finite first: images;" in str(explanation)


@pytest.mark.parametrize(
    ("layer", "index", "value", "name"),
    [
        ("first", 0, np.nan, "parameter"),
        ("last", 1, np.inf, "parameter"),
        # Finite in itself, and too large for what is made of it.
        ("first", 0, 3e38, "features"),
        ("last", 0, 3e38, "logits"),
    ],
)
def test_the_first_bad_tensor_is_named(layer, index, value, name):
    model = compiled()
    variable = model.classifier.get_layer(layer).weights[index]
    variable.assign(np.full(variable.shape, value, np.float32))
    expected = f"parameter {variable.path}" if name == "parameter" else name
    assert first_bad_tensor(model, data(), 0) == expected


def test_a_step_in_order_has_none():
    assert first_bad_tensor(compiled(), data(), 0) == "the loss, or a parameter after the update"
