"""Runs cases one after the other in this process, a line of JSON for each.

In one process, because importing TensorFlow takes longer than a case. What native code writes to stderr counts too:
file descriptors 1 and 2 are files while a case runs. Every --subprocess-th case runs as a user's command does.
"""

import argparse
import json
import logging as std_logging
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable

from launch.fuzz.cases import Case
from launch.fuzz.damaged_inputs import input_case
from launch.fuzz.flag_sets import flag_case
from launch.fuzz.oracle import Outcome, faults, snapshot

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A memory bomb ends here and not in the machine's other work.
MEMORY_BYTES = 6 * 2**30
SECONDS = 1200.0


def run_case(case: Case, place: pathlib.Path, own_process: bool) -> dict:
    """Runs a case in `place`, where its files are, and judges it."""
    logs = place.parent / f"{place.name}-log"
    for directory in (logs, place / "tmp"):
        directory.mkdir()
    before, started = snapshot(place), time.monotonic()
    run = _own_process if own_process else _this_process
    outcome = run(case, place, logs)
    row = {
        "kind": case.kind,
        "number": case.number,
        "about": case.about,
        "program": case.program,
        "words": [word if len(word) < 200 else word[:200] + "..." for word in case.words],
        "own_process": own_process,
        "code": outcome.code,
        "stderr": outcome.stderr[-1500:],
        "raised": outcome.raised,
        "faults": faults(case, outcome, before, snapshot(place), place),
        "seconds": round(time.monotonic() - started, 2),
    }
    shutil.rmtree(logs)
    return row


def _own_process(case: Case, place: pathlib.Path, logs: pathlib.Path) -> Outcome:
    command = [sys.executable, "-m", case.program, *case.words]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(place / "tmp")}
    with open(logs / "out", "wb") as out, open(logs / "err", "wb") as err:
        try:
            done = subprocess.run(command, cwd=place, env=environment, stdout=out, stderr=err, timeout=SECONDS)
            code, raised = done.returncode, "" if done.returncode >= 0 else f"signal {-done.returncode}"
        except subprocess.TimeoutExpired:
            code, raised = -1, f"not done after {SECONDS:g} s"
        except ValueError as error:  # A text that no command line can hold.
            return Outcome(2, "", f"ieg_fsr: {case.words} {error}")
    return Outcome(code, _text(logs / "out"), _text(logs / "err"), raised)


def _this_process(case: Case, place: pathlib.Path, logs: pathlib.Path) -> Outcome:
    kept = os.dup(1), os.dup(2)
    directory = os.getcwd()
    code, raised = 0, ""
    sys.stdout.flush()
    sys.stderr.flush()
    with open(logs / "out", "wb") as out, open(logs / "err", "wb") as err:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        os.chdir(place)
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="backslashreplace")  # as `ieg_fsr.main.run` does
        tempfile.tempdir = str(place / "tmp")
        try:
            code = _programs()[case.program](list(case.words)) or 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
        except BaseException as error:
            code, raised = 1, "".join(traceback.format_exception(error))[-3000:]
        finally:
            tempfile.tempdir = None
            sys.stdout.flush()
            sys.stderr.flush()
            os.chdir(directory)
            for number, descriptor in enumerate(kept, start=1):
                os.dup2(descriptor, number)
                os.close(descriptor)
    return Outcome(code, _text(logs / "out"), _text(logs / "err"), raised)


def _programs() -> dict[str, Callable[[list[str]], int | None]]:
    from absl.testing import flagsaver

    from ieg_fsr import main, tables

    def train_or_evaluate(words: list[str]) -> int | None:
        with flagsaver.flagsaver():
            return main.main(main._parse_or_exit(["ieg_fsr", *words]))

    return {"ieg_fsr.main": train_or_evaluate, "ieg_fsr.tables": tables.main}


def _text(path: pathlib.Path) -> str:
    return path.read_bytes().decode("utf-8", errors="backslashreplace")


def main() -> None:
    """Runs the cases that the command line names and appends a line for each to --output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=("flags", "inputs"), required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--cases", required=True, help="numbers with commas between")
    parser.add_argument("--base", type=pathlib.Path, required=True, help="sound files, made once for all cases")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--subprocess", type=int, default=20)
    parser.add_argument("--keep", action="store_true", help="leave the files of cases with faults")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    from ieg_fsr.quiet_import import import_tensorflow

    import_tensorflow()
    from absl import logging

    logging.use_absl_handler()  # as absl.app does for a command
    # That graphs are built again and again is so in this process only.
    absl_logger = logging.get_absl_logger()
    for logger in (absl_logger, std_logging.getLogger("tensorflow")):
        logger.addFilter(lambda record: "triggered tf.function retracing" not in record.getMessage())
    for number in map(int, options.cases.split(",")):
        with tempfile.TemporaryDirectory(prefix="fuzz-", ignore_cleanup_errors=True) as room:
            place = pathlib.Path(room, "place")
            place.mkdir()
            with open(options.output.with_suffix(".running"), "w", encoding="utf-8") as running:
                running.write(f"{options.kind} {number} {time.time()}")
            if options.kind == "flags":
                case = flag_case(options.seed, number)
            else:
                case = input_case(options.seed, number, place, options.base)
            row = run_case(case, place, own_process=number % options.subprocess == 0)
            if options.keep and row["faults"]:
                kept = options.output.parent / f"{options.kind}-{options.seed}-{number}"
                shutil.copytree(place, kept, dirs_exist_ok=True, symlinks=True)
        with open(options.output, "a", encoding="utf-8") as results:
            results.write(json.dumps(row) + "\n")
        _forget()


def _forget() -> None:
    """Graphs and variables of the case before."""
    import gc

    import keras

    keras.backend.clear_session()
    gc.collect()


if __name__ == "__main__":
    main()
