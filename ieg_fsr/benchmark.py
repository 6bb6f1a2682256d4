"""Cost of a training step (the paper's Figure 4): `python -m ieg_fsr.benchmark --help`.

Single steps of all methods take turns in one process, in an order drawn anew each round, on random images; each model
is the one that training makes of the same flags.
"""

import argparse
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from ieg_fsr.arguments import Parser, exit_code_of
from ieg_fsr.configuration.flags import given_settings
from ieg_fsr.cost.entries import ROWS, SWEEPS, Entry, entries_of
from ieg_fsr.errors import UserError
from ieg_fsr.files import make_directory, write_json
from ieg_fsr.networks import NETWORKS
from ieg_fsr.quiet_import import import_tensorflow

_METHODS = "keras,supervised,fsr,fsr_faithful,l2r,mwn,mwn_dense"
_EPOCH_METHODS = "supervised,fsr"
_NOTES = """\
  python -m ieg_fsr.benchmark --output=cost.json
  python -m ieg_fsr.benchmark --networks=resnet32,resnet50 --methods=supervised,fsr --steps=40
  python -m ieg_fsr.benchmark --methods=supervised,fsr --dictionary_size=200,5000
  python -m ieg_fsr.benchmark --methods=supervised,fsr --pusher=lookahead,release --reward_interval=1,4

All other flags of ieg_fsr.main are taken as well: --batch_size=100 --image_size=32 --jit_compile=true
--precision=mixed_bfloat16 --mixup ...
What is not given is the recipe of CIFAR-10 with label noise, past its warm-up.

keras is a plain keras.Model of the same network with the same optimizer; fsr_faithful is fsr as the authors released
it, mwn_dense is mwn with a lookahead of the final Dense layer only.

time: median of the ratios to supervised in the same round, with quartiles. FLOPs: convolutions and matrix products in
the graph of the step, also as a ratio: what the time would be if nothing else cost any. MiB: what the device's
allocator says that a method holds, with the most that one of its steps adds; on a CPU with --jit_compile=true what XLA
assigns.

Exit codes: 0 done, 2 bad input (one line on stderr says what)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measures, prints a table and writes rows and chart; bad input: one line on stderr, exit code 2."""
    return exit_code_of(lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> None:
    arguments, rest = _parser().parse_known_args(argv)
    networks = _entries(arguments, given_settings(rest))
    if arguments.output is not None:
        _check_output(arguments.output)
    rows = _measure(networks, arguments)
    from ieg_fsr.cost.rows import table

    print(table(rows))
    if arguments.output is not None:
        from ieg_fsr.cost.chart import chart

        output = pathlib.Path(arguments.output)
        write_json(output, rows)
        chart(rows, output.with_suffix(".png"))
        print(f"\n{output}\n{output.with_suffix('.png')}")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m ieg_fsr.benchmark",
        description="What a training step of each method costs beside supervised training.",
        epilog=_NOTES,
    )
    parser.add_argument("--networks", default="resnet32", help=f"some of {', '.join(NETWORKS)}, with commas between")
    parser.add_argument("--methods", help=f"some of {', '.join(ROWS)} (step: {_METHODS}; epoch: {_EPOCH_METHODS})")
    parser.add_argument("--steps", default="12", help="timed steps (or epochs) of each; whole reward intervals (12)")
    parser.add_argument("--mode", default="step", help="step, or epoch: with pipeline and new dictionary (step)")
    parser.add_argument("--output", help="JSON file of the rows; a chart of the same name, .png, comes beside it")
    for name in SWEEPS:
        parser.add_argument(f"--{name}", help="one value or several, with commas between")
    return parser


def _entries(arguments: argparse.Namespace, given: dict[str, Any]) -> list[list[Entry]]:
    """What is to be measured, by network."""
    if arguments.mode not in ("step", "epoch"):
        raise UserError(f"--mode must be one of step, epoch. Received: {arguments.mode}")
    arguments.steps = _numbers("steps", arguments.steps)[0]
    methods = (arguments.methods or (_METHODS if arguments.mode == "step" else _EPOCH_METHODS)).split(",")
    texts = {name: getattr(arguments, name) for name in SWEEPS}
    given_texts = {name: text for name, text in texts.items() if text is not None}
    sweeps = {
        name: _numbers(name, text) if SWEEPS[name] is int else text.split(",") for name, text in given_texts.items()
    }
    for network in arguments.networks.split(","):
        if network not in NETWORKS:
            raise UserError(f"--networks must be some of {', '.join(NETWORKS)}. Received: {network}")
    return [entries_of(network, methods, given, sweeps) for network in arguments.networks.split(",")]


def _numbers(name: str, text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = [0]
    if min(numbers) < 1:
        raise UserError(f"--{name} must be whole numbers, at least 1. Received: {text}")
    return numbers


def _check_output(output: str) -> None:
    if not output.endswith(".json"):
        raise UserError(f"--output must end in .json. Received: {output}")
    make_directory(pathlib.Path(output).parent, "--output")


def _measure(networks: list[list[Entry]], arguments: argparse.Namespace) -> list[dict[str, Any]]:
    import_tensorflow()
    from ieg_fsr.cost.measurement import measure

    def report(line: str) -> None:
        print(line, file=sys.stderr)

    return [row for entries in networks for row in measure(entries, arguments.steps, arguments.mode, report)]


if __name__ == "__main__":
    sys.exit(main())
