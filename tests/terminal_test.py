"""Standard streams whose reader has gone, or that do not have every letter; in processes of their own."""

import os
import subprocess
import sys

import pytest

_PROGRAM = """
import sys
from ieg_fsr.terminal import make_streams_patient
make_streams_patient()
print("read")
sys.stdout.flush()
sys.stdin.readline()
for number in range(20000):
    print("not read", number, flush=number % 100 == 0)
print("99 ± 1 %, caf\\udce9, 日", file=sys.stderr)
"""


def run(read, encoding="utf-8"):
    """Exit code and stderr of the program, whose reader leaves after `read` bytes."""
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    pipes = dict.fromkeys(["stdin", "stdout", "stderr"], subprocess.PIPE)
    with subprocess.Popen([sys.executable, "-c", _PROGRAM], env=environment, **pipes) as process:
        process.stdout.read(read)
        process.stdout.close()
        process.stdin.write(b"\n")
        process.stdin.flush()
        return process.wait(), process.stderr.read()


@pytest.mark.parametrize("read", [0, 5])
def test_a_reader_may_leave(read):
    code, said = run(read)
    assert (code, said.decode()) == (0, "99 ± 1 %, caf\\udce9, 日\n")


def test_letters_that_an_encoding_does_not_have_are_spelled():
    assert run(5, "ascii")[1] == b"99 +- 1 %, caf\\udce9, \\u65e5\n"


@pytest.mark.parametrize("words", [("main", "--help"), ("main", "--helpfull"), ("tables", "--help")])
def test_the_help_may_be_cut(words):
    program, word = words
    command = [sys.executable, "-m", f"ieg_fsr.{program}", word]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert (process.wait(), process.stderr.read()) == (0, b"")


def test_ctrl_c_while_the_command_is_loaded_is_one_line():
    code = """if True:
        import runpy, sys
        class Interrupting:
            def find_spec(self, name, *_):
                if name == "ieg_fsr.training.run":
                    raise KeyboardInterrupt
        sys.meta_path.insert(0, Interrupting())
        runpy.run_module("ieg_fsr.main", run_name="__main__")"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "ieg_fsr: interrupted\n")
