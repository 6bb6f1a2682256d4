"""Fixtures that run commands: inside the tests' process, or in one that can be killed and has devices of its own."""

import fcntl
import hashlib
import json
import multiprocessing
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest
from absl.testing import flagsaver

# Processes are forked from one that has imported the libraries, which costs five seconds, and nothing of ieg_fsr.
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["sklearn.datasets", "tensorflow", "keras"])
_BEGIN = """
import os, runpy, sys
os.environ.clear()
os.environ.update(environment)
os.chdir(directory)
for number, output in enumerate(outputs, start=1):
    os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
kind, program, *rest = words
sys.argv = [kind, *rest]
if kind == "-c":
    exec(program, {"__name__": "__main__"})
else:
    runpy.run_module(program, run_name="__main__", alter_sys=True)
"""


class Ended(NamedTuple):
    """What a process left."""

    code: int
    out: str
    err: str


class Process:
    """What tests need of subprocess.Popen. Args: words: of a command, behind "python"; place: for what is printed."""

    def __init__(self, words: Sequence[str], place: pathlib.Path, cwd: str | pathlib.Path, environment: Any) -> None:
        self._outputs = [place / "stdout", place / "stderr"]
        given = {"words": words, "environment": os.environ | environment, "directory": str(cwd)}
        given["outputs"] = list(map(str, self._outputs))
        self._process = _SERVER.Process(target=exec, args=(_BEGIN, given))
        self._process.start()

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None of a process that runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Sends a signal, if the process still runs."""
        if self.poll() is None:
            os.kill(self._process.pid, number)

    def ended(self) -> Ended:
        """Waits for its end; what it left."""
        self._process.join(3600)
        if self._process.exitcode is None:
            self._process.kill()
        assert self._process.exitcode is not None, "the process hangs"
        return Ended(self._process.exitcode, *(path.read_text() if path.exists() else "" for path in self._outputs))


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Process]:
    """Starts "-c" with a program, or "-m" with a module, and arguments, with TensorFlow at hand."""

    def begin(*words: str, cwd: str | pathlib.Path = ".", **environment: str) -> Process:
        return Process(words, tmp_path_factory.mktemp("process"), os.path.abspath(cwd), environment)

    begin("-c", "").ended()  # starts the server: what a process takes afterwards is its own time
    return begin


@pytest.fixture(scope="session")
def printed_json(tmp_path_factory: pytest.TempPathFactory, start: Callable[..., Process]) -> Callable[[str], Any]:
    """The JSON that a program prints in a process with devices of its own; it runs once for all workers."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def run(program: str) -> Any:
        kept = shared / f"{hashlib.sha256(program.encode()).hexdigest()}.json"
        with open(kept.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                done = start("-c", program, TF_CPP_MIN_LOG_LEVEL="3").ended()
                assert not done.code, done.err
                kept.write_text(done.out)
        return json.loads(kept.read_text())

    return run


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> Callable[..., Ended]:
    """Runs a command line inside this process, in a directory of its own. For tests that import ieg_fsr.main."""
    from ieg_fsr import main

    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run(*words: str) -> Ended:
        capsys.readouterr()
        with flagsaver.flagsaver():
            try:
                code = main.main(main._parse_or_exit(["ieg_fsr", *words]))
            except SystemExit as stop:
                code = stop.code
        return Ended(code or 0, *capsys.readouterr())

    return run
