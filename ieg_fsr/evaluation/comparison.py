"""Finished runs side by side: `python -m ieg_fsr.evaluation.comparison RUN RUN --output=x.png`."""

import argparse
import dataclasses
import json
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

import matplotlib
import matplotlib.axes
import matplotlib.pyplot as plt

from ieg_fsr.errors import UserError
from ieg_fsr.files import make_directory, read_json_lines, write_whole

_NAMES = {"fsr": "FSR", "supervised": "supervised"}
# Colours that the colour-blind tell apart (Okabe and Ito), for runs in their order; FSR's comes from its own name.
_COLOURS = ("#999999", "#E69F00", "#56B4E9", "#CC79A7")
_FSR, _RIGHT, _WRONG = "#0072B2", "#0072B2", "#D55E00"


@dataclasses.dataclass(frozen=True)
class Run:
    """What a finished run left behind.

    Attributes:
        name: method, with MixUp where a supervised run used it.
        config: config.json.
        summary: summary.json.
        rows: metrics.jsonl, one an epoch.
    """

    name: str
    config: dict[str, Any]
    summary: dict[str, Any]
    rows: list[dict[str, Any]]


def read_run(directory: str | pathlib.Path) -> Run:
    """Reads a run's files.

    Raises:
        UserError: the directory holds no finished run.
    """
    directory = pathlib.Path(directory)
    try:
        config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
        summary = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
        rows = read_json_lines(directory / "metrics.jsonl")
    except (OSError, ValueError) as error:
        raise UserError(f"a run must be the directory of a finished run ({error}). Received: {directory}") from None
    name = _NAMES[config["method"]]
    if config["method"] == "supervised" and config["mixup"]:
        name += " + MixUp"
    return Run(name, config, summary, rows)


def table(runs: Sequence[Run]) -> str:
    """A Markdown table, one line a run. Best epoch: chosen by looking at the test set, so for comparison only."""
    titles = ["method", "test accuracy", "parameter average", "(best epoch)", "dictionary right"]
    titles += ["weight right : wrong", "seconds"]
    lines = [titles, ["---"] * len(titles), *(_cells(run) for run in runs)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def picture(runs: Sequence[Run], path: str | pathlib.Path) -> None:
    """Writes a PNG: test accuracy over the epochs of all runs, mean weights of the first run that re-weights."""
    matplotlib.use("Agg")
    re_weighted = next((run for run in runs if run.summary["dictionary_purity"] is not None), None)
    figure, axes = plt.subplots(1, 2 if re_weighted else 1, figsize=(10, 3.8), squeeze=False, layout="constrained")
    _plot_accuracy(axes[0, 0], runs)
    if re_weighted:
        _plot_weights(axes[0, 1], re_weighted)
    config = runs[0].config
    noise, examples = runs[0].summary["measured_noise_rate"], config["training_examples"]
    figure.suptitle(f"{config['dataset']}: {noise:.0%} of the {examples:,} training labels are wrong")
    write_whole(path, lambda place: figure.savefig(place, dpi=150))
    plt.close(figure)


def _cells(run: Run) -> list[str]:
    summary = run.summary
    best = max(row["test_accuracy"] for row in run.rows if "test_accuracy" in row)
    purity, weights = "-", "1 : 1"
    if summary["dictionary_purity"] is not None:
        purity = f"{summary['dictionary_purity']:.3f}"
        pair = (summary["weight_clean"], summary["weight_noisy"])
        weights = " : ".join("-" if weight is None else f"{weight:.2f}" for weight in pair)
    accuracies = [summary["test_accuracy"], summary["test_accuracy_ema"], best]
    return [run.name, *(f"{a:.3f}" for a in accuracies), purity, weights, f"{summary['seconds_total']:.0f}"]


def _plot_accuracy(axes: matplotlib.axes.Axes, runs: Sequence[Run]) -> None:
    for index, run in enumerate(runs):
        rows = [row for row in run.rows if "test_accuracy" in row]
        colour = _FSR if run.config["method"] == "fsr" else _COLOURS[index % len(_COLOURS)]
        label = f"{run.name}: {run.summary['test_accuracy']:.3f}"
        axes.plot([r["epoch"] for r in rows], [r["test_accuracy"] for r in rows], color=colour, label=label, lw=2)
    axes.set(title="Accuracy on the clean test set", xlabel="epoch", ylim=(None, 1.0))
    axes.legend(loc="best", frameon=False, title="last epoch", alignment="left")
    _tidy(axes)


def _plot_weights(axes: matplotlib.axes.Axes, run: Run) -> None:
    epochs = [row["epoch"] for row in run.rows]
    for name, text, colour in (("weight_clean", "right labels", _RIGHT), ("weight_noisy", "wrong labels", _WRONG)):
        values = [row[name] for row in run.rows]
        if values[-1] is not None:
            axes.plot(epochs, values, color=colour, lw=2, label=f"{text}: {values[-1]:.2f}")
    warmup = run.config["reweight_warmup_epochs"]
    if 0 < warmup < epochs[-1]:
        axes.axvline(warmup + 0.5, color="#BBBBBB", lw=1, ls="--")
        axes.annotate(" re-weighting starts", (warmup + 0.5, 0.02), color="#777777", xycoords=("data", "axes fraction"))
    axes.set(title=f"Mean weight that {run.name} gives a sample (1 = uniform)", xlabel="epoch")
    axes.set_ylim(bottom=-0.1)
    axes.legend(loc="center right", frameon=False, title="last epoch", alignment="left")
    _tidy(axes)


def _tidy(axes: matplotlib.axes.Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#EEEEEE")
    axes.set_axisbelow(True)


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table and writes the picture; bad input: one line on stderr, exit code 2."""
    parser = argparse.ArgumentParser(description="Compares finished runs: prints a table, draws one picture.")
    parser.add_argument("runs", nargs="+", help="directories of finished runs")
    parser.add_argument("--output", help="PNG file to write")
    arguments = parser.parse_args(argv)
    try:
        runs = [read_run(run) for run in arguments.runs]
        print(table(runs))
        if arguments.output:
            make_directory(pathlib.Path(arguments.output).parent, "--output")
            picture(runs, arguments.output)
    except UserError as error:
        print(f"ieg_fsr: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
