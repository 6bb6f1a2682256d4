"""Tests of `ieg_fsr.quiet_import`: TensorFlow's notes are held back, everything else on stderr passes."""

import os
import subprocess
import sys

import pytest

from ieg_fsr.quiet_import import without_startup_notes

ONEDNN = b"I tensorflow/core/util/port.cc:153] oneDNN custom operations are on. You may see different results.\n"
NO_DRIVER = (
    b"I0000 00:00:1 2 cudart_stub.cc:31] Could not find cuda drivers on your machine, GPU will not be used.\n"
    b"E0000 00:00:1 2 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit: "
    b"UNKNOWN ERROR (303)\n"
)
BROKEN_DRIVER = NO_DRIVER.splitlines(keepends=True)[1].replace(b"303", b"803")
ABSL = b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"


def test_known_notes_are_held_back_and_the_rest_passes(capfd):
    with without_startup_notes():
        os.write(2, b"before\n" + ONEDNN + ABSL + b"after\n")
        os.write(2, NO_DRIVER + BROKEN_DRIVER + b"last, without an end of line")
    assert capfd.readouterr().err == f"before\nafter\n{BROKEN_DRIVER.decode()}last, without an end of line"


def test_nothing_is_held_back_afterwards(capfd):
    with without_startup_notes():
        pass
    os.write(2, ONEDNN)
    assert capfd.readouterr().err.encode() == ONEDNN


def test_order_around_the_block_is_kept(capfd):
    print("1", file=sys.stderr)
    with without_startup_notes():
        os.write(2, b"2\n")
    print("3", file=sys.stderr)
    assert capfd.readouterr().err == "1\n2\n3\n"


def test_an_exception_restores_stderr_and_shows_what_was_written(capfd):
    def fail():
        with without_startup_notes():
            os.write(2, b"the cause\n")
            raise ImportError("no")

    with pytest.raises(ImportError, match="no"):
        fail()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "the cause\nafter\n"


@pytest.mark.slow
def test_tensorflow_is_imported_without_a_word():
    code = "import sys; from ieg_fsr.quiet_import import import_tensorflow; assert 'keras' not in sys.modules; "
    code += "import_tensorflow(); assert {'keras', 'tensorflow'} <= set(sys.modules)"
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
