"""Test of launch/multi_worker.sh with a command in place of training that ends as its worker number says."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKER = """
import json, os, signal, sys, time
task = json.loads(os.environ["TF_CONFIG"])
index = task["task"]["index"]

def save(number, frame):
    open(f"saved{index}", "a").write(signal.Signals(number).name + "\\n")
    time.sleep(1)
    sys.exit(3)

for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, save)
open(f"worker{index}.json", "w").write(json.dumps([task, sys.argv[1:]]))
print(f"this is worker {index}")
plan = json.loads(os.environ.get("PLAN", "{}")).get(str(index), [0, 0])
time.sleep(plan[0])
sys.exit(plan[1])
"""


@pytest.fixture
def project(tmp_path, installed_project):
    python = f'#!/bin/sh\nif [ "$1" = - ]; then exec {sys.executable} "$@"; fi\nexec {sys.executable} worker.py "$@"\n'
    (tmp_path / "worker.py").write_text(WORKER)
    return installed_project(python)


def launch(project, *words, plan=None):
    command = ["env", f"PLAN={json.dumps(plan or {})}", "bash", "launch/multi_worker.sh", *words]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=100)


def test_each_worker_is_told_its_place_and_the_flags(project):
    done = launch(project, "3", "--noise=0.4")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "this is worker 0\n"
    told = [json.loads((project / f"worker{i}.json").read_text()) for i in range(3)]
    addresses = told[0][0]["cluster"]["worker"]
    assert len(set(addresses)) == 3
    assert all(address.startswith("127.0.0.1:") for address in addresses)
    for index, (task, words) in enumerate(told):
        assert task == {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        assert words == ["-m", "ieg_fsr.main", "--strategy=multi_worker", "--noise=0.4"]


def test_the_first_bad_end_ends_all(project):
    started = time.monotonic()
    plan = {"0": [0.5, 0], "1": [3, 7], "2": [6, 5]}
    done = launch(project, "3", plan=plan)
    assert done.returncode == 7
    assert done.stderr == "launch/multi_worker.sh: worker 1 ended with exit code 7; the others end\n"
    # The last one had the time to end by itself.
    assert time.monotonic() - started > 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_each_worker_gets_one_signal_and_the_time_to_save(project, number):
    """Of a Ctrl-C too, which a terminal sends to the whole group."""
    process = subprocess.Popen(
        ["env", f"PLAN={json.dumps({str(i): [60, 0] for i in range(2)})}", "bash", "launch/multi_worker.sh", "2"],
        cwd=project,
        start_new_session=True,
        # What was ignored when bash began, as in a job in the background, it cannot trap.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not all((project / f"worker{i}.json").exists() for i in range(2)):
        time.sleep(0.05)
    os.killpg(process.pid, number)
    assert process.wait(60) == 3
    assert [(project / f"saved{i}").read_text() for i in range(2)] == ["SIGTERM\n"] * 2


@pytest.mark.parametrize("words", [[], ["0"], ["two"], ["--noise=0.4"]])
def test_the_number_of_workers_comes_first(project, words):
    done = launch(project, *words)
    assert done.returncode == 2
    assert done.stderr.startswith("launch/multi_worker.sh: the first argument must be the number of workers")
