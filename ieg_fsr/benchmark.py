"""Cost of a training step (the paper's Figure 4), of an epoch or of a whole run: `python -m ieg_fsr.benchmark --help`.

Single steps of all methods take turns in one process, in an order drawn anew each round, on random images, and so do
whole epochs; each model is the one that training makes of the same flags. Whole runs are processes of their own.
"""

import functools
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ieg_fsr.configuration.flags import parse_options, run_program
from ieg_fsr.configuration.help_text import program_help
from ieg_fsr.configuration.settings import SETTINGS
from ieg_fsr.cost.entries import ROWS, SWEEPS, Entry, entries_of, run_entries
from ieg_fsr.errors import UserError
from ieg_fsr.files import make_directory, write_json
from ieg_fsr.networks import NETWORKS
from ieg_fsr.quiet_import import import_tensorflow
from ieg_fsr.rules import ANY, Rule, one_of
from ieg_fsr.setting import Setting

_METHODS = {
    "step": "keras,supervised,fsr,fsr_faithful,l2r,mwn,mwn_dense",
    "epoch": "supervised,fsr",
    "run": "supervised,fsr,fsr_skip",
}
_ROUNDS = {"step": 12, "epoch": 12, "run": 3}
_HEAD = """\
What a training step of each method costs beside supervised training.

  python -m ieg_fsr.benchmark --output=cost.json
  python -m ieg_fsr.benchmark --networks=resnet32,resnet50 --methods=supervised,fsr --steps=40
  python -m ieg_fsr.benchmark --methods=supervised,fsr --dictionary_size=200,5000
  python -m ieg_fsr.benchmark --methods=supervised,fsr --pusher=lookahead,release --reward_interval=1,4
  python -m ieg_fsr.benchmark --mode=run --dataset=digits --noise=0.4 --methods=supervised,fsr,fsr_skip"""
_NOTES = """\
All other flags of ieg_fsr.main are taken as well: --batch_size=100 --image_size=32 --jit_compile=true
--precision=mixed_bfloat16 --mixup ...
What is not given is the recipe of CIFAR-10 with label noise, past its warm-up.

keras is a plain keras.Model of the same network with the same optimizer; fsr_faithful is fsr as the authors released
it, mwn_dense is mwn with a lookahead of the final Dense layer only, fsr_skip is fsr with --skip=weights.

With --mode=run each turn is a whole training, a process of its own, of the digits or of --dataset, with that data set's
recipe: the time from its start to its end without evaluations, the part that is epochs, and the seconds of epochs until
the reference's best test accuracy (a median of its runs) is reached.

time: median of the ratios to supervised in the same round, with quartiles. FLOPs: convolutions and matrix products in
the graph of the step, also as a ratio: what the time would be if nothing else cost any. MiB: what the device's
allocator says that a method holds, with the most that one of its steps adds; on a CPU with --jit_compile=true what XLA
assigns.

Exit codes: 0 done, 2 bad input (one line on stderr says what)."""
_COUNTS = Rule(lambda counts: min(counts, default=0) >= 1, "whole numbers, at least 1")
_SEVERAL = "one value or several, with commas between"
_OPTIONS = (
    Setting(
        "networks",
        None,
        ANY,
        f"some of {', '.join(NETWORKS)}, with commas between (step, epoch: resnet32; run: the recipe's)",
        kind=str,
    ),
    Setting(
        "methods", None, ANY, f"some of {', '.join(ROWS)} ({'; '.join(map(': '.join, _METHODS.items()))})", kind=str
    ),
    Setting(
        "steps",
        None,
        _COUNTS,
        "timed steps, in whole reward intervals, epochs or runs of each "
        f"({', '.join(f'{mode}: {rounds}' for mode, rounds in _ROUNDS.items())})",
        kind=tuple,
    ),
    Setting("mode", "step", one_of(*_METHODS), "step; epoch: with pipeline and new dictionary; run: a whole training"),
    Setting("output", None, ANY, "JSON file of the rows; a chart of the same name, .png, comes beside it", kind=str),
    *(
        Setting(name, None, _COUNTS, _SEVERAL, kind=tuple)
        if SETTINGS[name].type is int
        else Setting(name, None, ANY, _SEVERAL, kind=str)
        for name in SWEEPS
    ),
)
OPTIONS = {option.name: option for option in _OPTIONS}


def main(argv: Sequence[str] | None = None) -> int:
    """Measures, prints a table and writes rows and chart; bad input: one line on stderr, exit code 2."""
    return run_program(argv, program_help(_HEAD, _OPTIONS, _NOTES), _run)


def _run(words: Sequence[str]) -> None:
    options, given = parse_options(words, OPTIONS, SETTINGS)
    networks = _entries(options, given)
    if options["output"] is not None:
        if not options["output"].endswith(".json"):
            raise UserError(f"--output must end in .json. Received: {options['output']}")
        make_directory(pathlib.Path(options["output"]).parent, "--output")
    rows = _measure(networks, options)
    from ieg_fsr.cost.rows import table

    print(table(rows))
    if options["output"] is not None:
        from ieg_fsr.cost.chart import chart

        output = pathlib.Path(options["output"])
        write_json(output, rows)
        chart(rows, output.with_suffix(".png"))
        print(f"\n{output}\n{output.with_suffix('.png')}")


def _entries(options: Mapping[str, Any], given: dict[str, Any]) -> list[list[Entry]]:
    """What is to be measured, by network."""
    methods = (options["methods"] or _METHODS[options["mode"]]).split(",")
    swept = {name: options[name] for name in SWEEPS if options[name] is not None}
    sweeps = {name: value.split(",") if isinstance(value, str) else value for name, value in swept.items()}
    whole = options["mode"] == "run"
    networks = (options["networks"] or ("" if whole else "resnet32")).split(",")
    for network in networks:
        if network not in NETWORKS and (network or not whole):
            raise UserError(f"--networks must be some of {', '.join(NETWORKS)}. Received: {network}")
    if whole:
        return [run_entries(network or None, methods, given, sweeps) for network in networks]
    return [entries_of(network, methods, given, sweeps) for network in networks]


def _measure(networks: list[list[Entry]], options: Mapping[str, Any]) -> list[dict[str, Any]]:
    import_tensorflow()
    mode, report = options["mode"], functools.partial(print, file=sys.stderr)
    steps = (options["steps"] or [_ROUNDS[mode]])[0]
    if mode == "run":
        from ieg_fsr.cost.whole_runs import measure_runs

        return [row for entries in networks for row in measure_runs(entries, steps, report)]
    from ieg_fsr.cost.measurement import measure

    return [row for entries in networks for row in measure(entries, steps, mode, report)]


if __name__ == "__main__":
    sys.exit(main())
