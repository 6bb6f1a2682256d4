"""Command line: finished runs -> the paper's tables and figures with ours beside them, and the same for any data set.

`python -m ieg_fsr.tables --help` shows how. Loads no TensorFlow.
"""

import pathlib
import sys
from collections.abc import Sequence

from ieg_fsr.configuration.flags import parse_options, run_program
from ieg_fsr.configuration.help_text import program_help
from ieg_fsr.errors import UserError
from ieg_fsr.files import make_directory
from ieg_fsr.results.groups import group
from ieg_fsr.results.reports import REPORTS, write_reports
from ieg_fsr.results.runs import Collection, collect, write_csv
from ieg_fsr.rules import ANY
from ieg_fsr.setting import Setting

_HEAD = """\
Finished runs -> the paper's tables and figures with ours beside them, and the same for any data.

  python -m ieg_fsr.tables --runs=runs --output=results
  python -m ieg_fsr.tables --runs=runs,old/runs.csv --output=results --table=noise,pushers"""
_NOTES = """\
Prints the tables and writes tables.md, runs.csv (a line a run), a CSV a table and a PNG a figure.
Exit codes: 0 done, 2 bad input (one line on stderr says what)."""
OPTIONS = {
    "runs": Setting("runs", None, ANY, "directories with runs, at any depth; runs.csv files; must be given", kind=str),
    "output": Setting("output", None, ANY, "directory for all files that are written; must be given", kind=str),
    "table": Setting("table", None, ANY, f"some of {', '.join(REPORTS)}; all if not given", kind=str),
    "metric": Setting("metric", "test_accuracy", ANY, "figure of summary.json to compare"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the tables and writes them; bad input: one line on stderr and exit code 2."""
    return run_program(argv, program_help(_HEAD, OPTIONS.values(), _NOTES), lambda words: print(_tables(words)))


def _tables(words: Sequence[str]) -> str:
    options, _ = parse_options(words, OPTIONS)
    for name in ("runs", "output"):
        if options[name] is None:
            raise UserError(f"--{name} must be given: {OPTIONS[name].help.split(';')[0]}")
    names = list(REPORTS) if options["table"] is None else _split(options["table"])
    for name in names:
        if name not in REPORTS:
            raise UserError(f"--table must be of {', '.join(REPORTS)}. Received: {name}")
    found = collect(_split(options["runs"]))
    _check_metric(options["metric"], found)
    output = pathlib.Path(options["output"])
    make_directory(output, "--output")
    write_csv(output / "runs.csv", found.runs)
    text = write_reports(output, names, group(found.runs), options["metric"])
    return "\n\n".join([text, _about(found, output)])


def _check_metric(metric: str, found: Collection) -> None:
    finished = [run for run in found.runs if not run.failure]
    known = sorted({name for run in finished for name in run.values if run.figure(name) is not None})
    if finished and metric not in known:
        raise UserError(f"--metric must be a figure of these runs, of {', '.join(known)}. Received: {metric}")


def _about(found: Collection, output: pathlib.Path) -> str:
    """What was read, what could not be, and where the files are."""
    failed = sum(run.failure is not None for run in found.runs)
    lines = [f"{len(found.runs) - failed} runs with figures, {failed} without, {len(found.damaged)} damaged."]
    lines += [f"- not a run that can be read ({reason}): {place}" for place, reason in found.damaged]
    return "\n".join([*lines, f"Files: {output}"])


def _split(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


if __name__ == "__main__":
    sys.exit(main())
