"""The fuzz campaign: random flags and damaged inputs, judged one by one; goes on where it stopped.

`nice python -m launch.fuzz --flags=300 --inputs=200 --seed=1 --output=DIR` from the root of the repository. Writes
DIR/results.jsonl and prints what failed; exit code 1 if anything did. A case is a function of --seed and its number
alone. Cases run in worker processes; one that dies or hangs fails its case, and the next goes on.
"""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import time

from launch.fuzz.worker import ROOT, SECONDS

CASES_OF_A_WORKER = 50
KINDS = ("flags", "inputs")


def main() -> int:
    """Runs what is still to be run and reports on all."""
    options = _options()
    options.output.mkdir(parents=True, exist_ok=True)
    results = options.output / "results.jsonl"
    wanted = [(kind, n) for kind in KINDS for n in range(options.first, options.first + getattr(options, kind))]
    while left := [case for case in wanted if case not in _done(results)]:
        kind = left[0][0]
        numbers = [number for other, number in left if other == kind][:CASES_OF_A_WORKER]
        _work(kind, numbers, options, results)
    return _report(results, set(wanted))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m launch.fuzz", description=__doc__)
    for kind in KINDS:
        parser.add_argument(f"--{kind}", type=int, default=0, help=f"how many cases of {kind}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case of each kind")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--keep", action="store_true", help="copy the files of a case with faults into --output")
    return parser.parse_args()


def _work(kind: str, numbers: list[int], options: argparse.Namespace, results: pathlib.Path) -> None:
    """One worker; where it dies, its case is written down as a fault."""
    command = [sys.executable, "-m", "launch.fuzz.worker", f"--kind={kind}", f"--seed={options.seed}"]
    command += [f"--cases={','.join(map(str, numbers))}", f"--base={options.output.resolve() / 'base'}"]
    command += [f"--output={results.resolve()}", *(["--keep"] if options.keep else [])]
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment |= {"XDG_CACHE_HOME": str(options.output.resolve() / "cache"), "TFDS_DATA_DIR": str(options.output)}
    environment |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    worker = subprocess.Popen(command, cwd=ROOT, env=environment)
    running = results.with_suffix(".running")
    running.touch()
    ended = ""
    while worker.poll() is None:
        time.sleep(0.5)
        if running.exists() and time.time() - running.stat().st_mtime > 2 * SECONDS:
            worker.kill()
            ended = "the worker hung"
    if worker.returncode:
        done = _done(results)
        dead = next((number for number in numbers if (kind, number) not in done), None)
        if dead is not None:
            raised = ended or f"the worker ended with {worker.returncode}"
            row = {"kind": kind, "number": dead, "about": "?", "words": [], "raised": raised, "faults": [raised]}
            with open(results, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


def _rows(results: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []


def _done(results: pathlib.Path) -> set[tuple[str, int]]:
    return {(row["kind"], row["number"]) for row in _rows(results)}


def _report(results: pathlib.Path, wanted: set[tuple[str, int]]) -> int:
    rows = [row for row in _rows(results) if (row["kind"], row["number"]) in wanted]
    for kind in KINDS:
        codes = collections.Counter(str(row.get("code")) for row in rows if row["kind"] == kind)
        print(f"{kind}: {sum(codes.values())} cases; exit codes {dict(sorted(codes.items()))}")
    faulty = [row for row in rows if row["faults"]]
    for row in faulty:
        print(f"\n{row['kind']} {row['number']}: {row['about']}\n  {' '.join(row['words'])}")
        print("\n".join(f"  - {fault}" for fault in row["faults"]))
    print(f"{len(faulty)} of {len(rows)} cases with faults")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
