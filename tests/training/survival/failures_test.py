"""What the operating system refuses becomes one line that says what is left; a bug stays a traceback."""

import os

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.errors import RunError, UserError
from ieg_fsr.training.survival.failures import explained
from ieg_fsr.training.survival.snapshot import write_snapshot


def message(directory, action):
    with pytest.raises(RunError) as raised, explained(directory):
        action()
    text = str(raised.value)
    assert "\n" not in text
    assert raised.value.exit_code == 1
    return text


def full():
    # A device on which nothing fits.
    with open("/dev/full", "w") as file:
        file.write("a")


def test_a_full_disk(tmp_path):
    text = message(tmp_path, full)
    assert text.startswith(
        f"the run cannot go on (No space left on device: {tmp_path}); no checkpoint was made: the same"
    )


def test_the_checkpoint_that_is_left_is_named(tmp_path):
    for step in (12, 9):
        write_snapshot(tmp_path / "checkpoints", step, [("a", np.zeros(1))])
    assert "; the checkpoint of step 12 is whole, and the same command goes on" in message(tmp_path, full)


def test_a_file_that_has_gone(tmp_path):
    missing = tmp_path / "image.png"
    assert f"(No such file or directory: {missing})" in message(tmp_path, lambda: missing.read_bytes())


def test_tensorflow_says_which_file_has_gone(tmp_path):
    missing = str(tmp_path / "image.png")
    assert f"(No such file or directory: {missing})" in message(tmp_path, lambda: tf.io.read_file(missing))
    images = tf.data.Dataset.from_tensors(missing).map(tf.io.read_file, num_parallel_calls=2)
    assert f"(No such file or directory: {missing})" in message(tmp_path, lambda: list(images))
    traced = tf.function(lambda iterator: next(iterator))
    assert f"(No such file or directory: {missing})" in message(tmp_path, lambda: traced(iter(images)))


def test_an_allocation_that_fails_is_told_by_its_first_line(tmp_path):
    def exhausted():
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor\nHint: more")

    assert "(OOM when allocating tensor)" in message(tmp_path, exhausted)


@pytest.mark.parametrize(
    "error",
    [
        UserError("--noise must be in [0, 1]. Received: 2"),
        KeyError("a"),
        tf.errors.InvalidArgumentError(None, None, "Incompatible shapes"),
    ],
)
def test_other_errors_pass(tmp_path, error):
    with pytest.raises(type(error)) as raised, explained(tmp_path):
        raise error
    assert raised.value is error


def test_no_error_no_trace(tmp_path):
    with explained(tmp_path):
        os.listdir(tmp_path)
