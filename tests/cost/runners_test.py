"""The benchmark's models are those of training, make one step at a time, and cost the FLOPs told by hand."""

import keras
import pytest
import tensorflow as tf

from ieg_fsr.cost.entries import entries_of
from ieg_fsr.cost.runners import EpochRunner, StepRunner
from ieg_fsr.methods.models.fsr import FSR
from ieg_fsr.methods.models.supervised import Supervised

pytestmark = pytest.mark.usefixtures("two_blocks")

B, Q = 20, 10


def runner(name, kind=StepRunner, **given):
    own = {"reward_batch_size": Q, "dictionary_size": 30, "clean_per_class": 2}
    if name in ("keras", "supervised"):
        own = {}
    settings = {"image_size": 8, "train_examples": 100, "batch_size": B} | own | given
    [entry] = entries_of("small_cnn", [name], settings, {})
    return kind(entry, repeat=kind is StepRunner)


def first_layer_flops():
    """16 filters of 3x3x3 at 8x8 places: no gradient goes on to the images."""
    return 2 * 64 * 16 * 27


@pytest.mark.parametrize(
    ("name", "given", "forwards", "backwards"),
    [
        ("keras", {}, B, B),
        ("supervised", {}, B, B),
        ("fsr", {"reward_features": "forward", "reward_interval": 4}, B + Q / 4, B),
        ("fsr", {"reward_features": "history"}, B, B),
        ("fsr_faithful", {}, B + Q + B, B),
    ],
)
def test_flops_of_a_step_are_forwards_and_backwards_of_the_network(name, given, forwards, backwards):
    made = runner(name, **given)
    one = made.forward_flops
    expected = forwards * one + backwards * (2 * one - first_layer_flops())
    # Beside the network: lookahead, reward loss and score of the final layer, 32 to 10.
    assert made.flops == pytest.approx(expected, rel=0.02)
    assert made.flops >= 0.999 * expected


def test_steps_are_made_one_at_a_time_and_count():
    made = runner("fsr")
    assert isinstance(made.model, FSR)
    assert made.model.reweighting
    made.prepare(3)
    before = int(made.model.optimizer.iterations)
    assert all(made.run() > 0 for _ in range(3))
    assert int(made.model.optimizer.iterations) == before + 3
    with pytest.raises(tf.errors.OutOfRangeError):
        made.run()


def test_epochs_are_whole_and_renew_the_dictionary():
    made = runner("fsr", EpochRunner)
    made.prepare(2)
    renewed, renew = [], made.model.renew_dictionary
    made.model.renew_dictionary = lambda epoch: renewed.append(epoch) or renew(epoch)
    before = int(made.model.optimizer.iterations)
    assert made.run() > 0
    assert made.run() > 0
    assert int(made.model.optimizer.iterations) == before + 2 * 5
    # `fit` begins with a dictionary, as after a restart; the clock does not see that one.
    assert renewed == [1, 2, 2, 3]


def test_the_plain_model_is_none_of_ours_and_has_the_same_network_and_optimizer():
    plain, ours = runner("keras").model, runner("supervised").model
    assert type(plain) is keras.src.models.Functional
    assert not isinstance(plain, Supervised)
    assert plain.count_params() == ours.classifier.count_params()
    assert plain.optimizer.get_config()["momentum"] == ours.optimizer.get_config()["momentum"]
    assert plain.jit_compile == ours.jit_compile
