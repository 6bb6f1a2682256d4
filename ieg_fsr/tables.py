"""Command line: finished runs -> the paper's tables and figures with ours beside them, and the same for any data set.

`python -m ieg_fsr.tables --runs=runs --output=results`; `--help` lists the flags. Loads no TensorFlow.
"""

import argparse
import pathlib
import sys
from collections.abc import Sequence

from ieg_fsr.arguments import Parser, exit_code_of
from ieg_fsr.errors import UserError
from ieg_fsr.files import make_directory
from ieg_fsr.results.groups import group
from ieg_fsr.results.reports import REPORTS, write_reports
from ieg_fsr.results.runs import Collection, collect, write_csv

_NOTES = """\
  python -m ieg_fsr.tables --runs=runs --output=results
  python -m ieg_fsr.tables --runs=runs,old/runs.csv --output=results --table=noise,pushers

Prints the tables and writes tables.md, runs.csv (a line a run), a CSV a table and a PNG a figure.
Exit codes: 0 done, 2 bad input (one line on stderr says what)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the tables and writes them; bad input: one line on stderr and exit code 2."""
    return exit_code_of(lambda: print(_tables(_arguments(argv))))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="python -m ieg_fsr.tables",
        description="Finished runs -> the paper's tables and figures with ours beside them, and the same for any data.",
        epilog=_NOTES,
    )
    parser.add_argument(
        "--runs", required=True, metavar="PLACE,PLACE", help="directories with runs, at any depth; runs.csv files"
    )
    parser.add_argument(
        "--output", required=True, metavar="DIR", help="for tables.md, runs.csv, a CSV a table, a PNG a figure"
    )
    parser.add_argument(
        "--table", default=",".join(REPORTS), metavar="NAME,NAME", help=f"which of {', '.join(REPORTS)}; all"
    )
    parser.add_argument(
        "--metric", default="test_accuracy", metavar="NAME", help="figure of summary.json to compare (test_accuracy)"
    )
    return parser.parse_args(argv)


def _tables(arguments: argparse.Namespace) -> str:
    names = _split(arguments.table)
    for name in names:
        if name not in REPORTS:
            raise UserError(f"--table must be of {', '.join(REPORTS)}. Received: {name}")
    found = collect(_split(arguments.runs))
    _check_metric(arguments.metric, found)
    output = pathlib.Path(arguments.output)
    make_directory(output, "--output")
    write_csv(output / "runs.csv", found.runs)
    text = write_reports(output, names, group(found.runs), arguments.metric)
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
