"""Trains all runs of an experiment, one after the other, or JOBS=N at a time. Called by launch/sweep.sh.

    bash launch/sweep.sh FLAG_FILE [NAME=VALUE,VALUE ...] [--FLAG=VALUE ...]
    bash launch/sweep.sh flags/cifar10_uniform_resnet32.flags seed=0 --data_dir=DIR

Each "# sweep:" line of the flag file stands for all combinations of its values; NAME=VALUE,... replaces the values of
one name, or adds one. Flags with dashes go to every run. A run is runs/EXPERIMENT/NAMEVALUE-NAMEVALUE (RUNS=DIRECTORY
in place of runs/). After a stop, the same command reports finished runs and continues the one that was under way. A
run that fails does not stop the others: the exit code is 1 then, and the last lines name it.
With JOBS=N each run has a share of the cores to itself and writes what it says into a file beside its directory, .log.
Small networks do not fill two cores: on two, JOBS=2 trains more runs an hour. Other numbers of threads add up in
another order: the same run differs in the last digits, and so after many steps visibly, between values of JOBS.
The standard library is all it needs: it runs before there is an environment.
"""

import contextlib
import itertools
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import NoReturn

ROOT = pathlib.Path(__file__).resolve().parents[1]
PREPARE = "source launch/environment.sh && prepare_environment requirements.txt"


class Sweep:
    """The runs of an experiment.

    Attributes:
        failed: directories of the runs that failed.
    """

    def __init__(self, flag_file: str, runs: Sequence[Sequence[str]], flags: Sequence[str], jobs: int) -> None:
        """Args: flag_file: path. runs: NAME=VALUE words of each. flags: of all of them. jobs: trained at a time."""
        self.flag_file, self.runs, self.flags, self.jobs = flag_file, runs, flags, jobs
        self.experiment = pathlib.Path(flag_file).name.removesuffix(".flags")
        self.failed: list[str] = []
        self._running: set[subprocess.Popen] = set()
        self._lock, self._stopping = threading.Lock(), False

    def train(self) -> None:
        """Trains all of them, each worker every `jobs`-th."""
        with futures.ThreadPoolExecutor(self.jobs) as pool:
            cores = sorted(os.sched_getaffinity(0))
            share = len(cores) // self.jobs
            list(pool.map(lambda worker: self._work(worker, cores[worker * share :][:share]), range(self.jobs)))

    def stop(self, number: int) -> None:
        """Starts no more runs and ends those under way. Args: number: of the signal that asks for it."""
        with self._lock:
            self._stopping = True
            for process in self._running:
                # The terminal's Ctrl-C reaches a single run by itself, and a second signal would end it at once.
                if self.jobs > 1 or number != signal.SIGINT:
                    process.terminate()

    def _work(self, worker: int, cores: Sequence[int]) -> None:
        environment = dict(os.environ)
        if self.jobs > 1 and cores:
            environment |= {"TF_NUM_INTRAOP_THREADS": str(len(cores)), "TF_NUM_INTEROP_THREADS": str(len(cores))}
            os.sched_setaffinity(0, cores)  # of this thread alone, and of what it starts
        for number in range(worker, len(self.runs), self.jobs):
            self._train(number, environment)

    def _train(self, number: int, environment: dict[str, str]) -> None:
        settings = self.runs[number]
        directory = "/".join([os.environ.get("RUNS") or "runs", self.experiment, "-".join(settings).replace("=", "")])
        words = ["-m", "ieg_fsr.main", f"--flagfile={self.flag_file}", *(f"--{word}" for word in settings)]
        words += [f"--model_dir={directory}", *self.flags]
        with contextlib.ExitStack() as stack:
            streams = {}
            if self.jobs > 1:
                pathlib.Path(directory).parent.mkdir(parents=True, exist_ok=True)
                log = stack.enter_context(open(f"{directory}.log", "w"))
                streams = {"stdout": log, "stderr": log, "start_new_session": True}
            with self._lock:
                if self._stopping:
                    return
                print(f"\n== {number + 1} of {len(self.runs)}: python {' '.join(words)}", flush=True)
                process = subprocess.Popen([".venv/bin/python", *words], env=environment, **streams)
                self._running.add(process)
            code = process.wait()
        with self._lock:
            self._running.remove(process)
            if code:
                self.failed.append(directory)


def runs_of(text: str, axes: Sequence[str]) -> Iterator[list[str]]:
    """The NAME=VALUE words of each run: of every "# sweep:" line all combinations.

    Args:
        text: of the flag file.
        axes: NAME=VALUE,... of the command line; they take the places of those of the same name.
    """
    lines = [line.split() for line in re.findall(r"^# sweep:(.*)$", text, flags=re.MULTILINE) if line.strip()]
    for line in lines or [[]]:
        merged = {axis.partition("=")[0]: axis.partition("=")[2] for axis in (*line, *axes)}
        values = [[f"{name}={value}" for value in texts.removesuffix(",").split(",")] for name, texts in merged.items()]
        yield from map(list, itertools.product(*values))


def main(words: Sequence[str]) -> int:
    """Checks the command line, prepares the environment and trains."""
    flag_file = os.path.realpath(words[0] if words else ".")
    if not os.access(flag_file, os.R_OK) or os.path.isdir(flag_file):
        _refuse("the first argument must be a readable flag file", flag_file)
    jobs = os.environ.get("JOBS") or "1"
    if not re.fullmatch(r"[1-9][0-9]*", jobs):
        _refuse("JOBS must be a whole number from 1 up", jobs)
    axes = [word for word in words[1:] if not word.startswith("-")]
    for axis in axes:
        if not re.fullmatch(r"[^=]+=.+", axis):
            _refuse("an argument must be NAME=VALUE,... or --FLAG=VALUE", axis)
    runs = list(runs_of(pathlib.Path(flag_file).read_text(errors="surrogateescape"), axes))
    sweep = Sweep(flag_file, runs, [word for word in words[1:] if word.startswith("-")], int(jobs))

    def stop(number: int, frame: object) -> NoReturn:
        sweep.stop(number)
        sys.exit(130)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    os.chdir(ROOT)
    if code := subprocess.run(["bash", "-c", PREPARE]).returncode:
        return code
    sweep.train()
    if sweep.failed:
        print(f"\n{len(sweep.failed)} of {len(runs)} runs failed:", *sweep.failed, sep="\n", file=sys.stderr)
    return 1 if sweep.failed else 0


def _refuse(rule: str, received: str) -> NoReturn:
    print(f"launch/sweep.sh: {rule}. Received: {received}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
