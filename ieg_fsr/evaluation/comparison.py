"""Finished runs side by side: `python -m ieg_fsr.evaluation.comparison RUN RUN --output=x.png`.

Runs of one method that differ in their seed make one line of the table and one curve: mean and spread.
"""

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
import numpy as np

from ieg_fsr.errors import UserError
from ieg_fsr.files import make_directory, read_json_lines, write_whole

_ACCURACIES = ("test_accuracy", "test_accuracy_ema")
# Colours that the colour-blind tell apart (Okabe and Ito), for runs in their order; FSR's comes from its own name.
_COLOURS = ("#999999", "#E69F00", "#56B4E9", "#CC79A7")
_FSR, _RIGHT, _WRONG = "#0072B2", "#0072B2", "#D55E00"


@dataclasses.dataclass(frozen=True)
class Run:
    """What a finished run left behind.

    Attributes:
        name: method, with what sets it apart from the method's plain form.
        config: config.json.
        summary: summary.json.
        rows: metrics.jsonl, one an epoch.
    """

    name: str
    config: dict[str, Any]
    summary: dict[str, Any]
    rows: list[dict[str, Any]]

    @property
    def re_weights(self) -> bool:
        """Whether the method gives samples weights."""
        return self.summary["dictionary_purity"] is not None

    def curve(self, column: str) -> tuple[np.ndarray, np.ndarray]:
        """Epochs and values of a column of the metrics, where it was measured."""
        rows = [row for row in self.rows if row.get(column) is not None]
        return np.array([row["epoch"] for row in rows]), np.array([row[column] for row in rows])


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
    return Run(_name(config), config, summary, rows)


def group(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs by name, in the order in which the names first come."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.name, []).append(run)
    return groups


def table(runs: Sequence[Run]) -> str:
    """A Markdown table, one line a method. Best epoch: chosen by looking at the test set, so for comparison only."""
    titles = ["method", "test accuracy", "parameter average", "(best epoch)", "dictionary right", "zero weights"]
    titles += ["weight right : wrong", "seconds"]
    lines = [titles, ["---"] * len(titles), *(_cells(name, members) for name, members in group(runs).items())]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def picture(runs: Sequence[Run], path: str | pathlib.Path) -> None:
    """Writes a PNG: test accuracy over the epochs of all methods, mean weights of the first that re-weights."""
    matplotlib.use("Agg")
    groups = group(runs)
    re_weighted = next((members for members in groups.values() if members[0].re_weights), None)
    figure, axes = plt.subplots(1, 2 if re_weighted else 1, figsize=(10, 4.2), squeeze=False, layout="constrained")
    _plot_accuracy(axes[0, 0], groups)
    if re_weighted:
        _plot_weights(axes[0, 1], re_weighted)
    config = runs[0].config
    noise, examples = _mean(runs, "measured_noise_rate"), config["training_examples"]
    figure.suptitle(f"{config['dataset']}: {noise:.0%} of the {examples:,} training labels are wrong")
    write_whole(path, lambda place: figure.savefig(place, dpi=150))
    plt.close(figure)


def _name(config: dict[str, Any]) -> str:
    if config["method"] == "fsr":
        return "FSR" if config["pusher"] == "lookahead" else f"FSR, pusher {config['pusher']}"
    return config["method"] + (" + MixUp" if config["mixup"] else "")


def _cells(name: str, runs: list[Run]) -> list[str]:
    best = [run.curve("test_accuracy")[1].max() for run in runs]
    accuracies = [_with_spread([run.summary[column] for run in runs]) for column in _ACCURACIES]
    purity, zero, weights = "-", "-", "1 : 1"
    if runs[0].re_weights:
        purity, zero = f"{_mean(runs, 'dictionary_purity'):.3f}", f"{_mean(runs, 'zero_weight_ratio'):.2f}"
        weights = " : ".join(f"{_mean(runs, column):.2f}" for column in ("weight_clean", "weight_noisy"))
    weights = weights.replace("nan", "-")  # no label is wrong
    return [name, *accuracies, _with_spread(best), purity, zero, weights, f"{_mean(runs, 'seconds_total'):.0f}"]


def _mean(runs: Sequence[Run], column: str) -> float:
    """Mean of a summary's figure over the runs that have it; NaN if none has."""
    values = [run.summary[column] for run in runs if run.summary[column] is not None]
    return float(np.mean(values)) if values else float("nan")


def _with_spread(values: list[float]) -> str:
    """Mean, and the sample standard deviation of two values or more."""
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"


def _plot_accuracy(axes: matplotlib.axes.Axes, groups: dict[str, list[Run]]) -> None:
    for index, (name, runs) in enumerate(groups.items()):
        colour = _FSR if name == "FSR" else _COLOURS[index % len(_COLOURS)]
        _plot_mean(axes, runs, "test_accuracy", colour, f"{name}: {_mean(runs, 'test_accuracy'):.3f}")
    axes.set(title="Accuracy on the clean test set", xlabel="epoch; in the legend: after the last", ylim=(None, 1.0))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, frameon=False)
    _tidy(axes)


def _plot_weights(axes: matplotlib.axes.Axes, runs: list[Run]) -> None:
    for column, text, colour in (("weight_clean", "right labels", _RIGHT), ("weight_noisy", "wrong labels", _WRONG)):
        if runs[0].summary[column] is not None:
            _plot_mean(axes, runs, column, colour, f"{text}: {_mean(runs, column):.2f}")
    warmup, epochs = runs[0].config["reweight_warmup_epochs"], runs[0].config["epochs"]
    if 0 < warmup < epochs:
        axes.axvline(warmup + 0.5, color="#BBBBBB", lw=1, ls="--")
        axes.annotate(" re-weighting starts", (warmup + 0.5, 0.02), color="#777777", xycoords=("data", "axes fraction"))
    axes.set(
        title=f"Mean weight that {runs[0].name} gives a sample (1 = uniform)",
        xlabel="epoch; in the legend: after the last",
    )
    axes.set_ylim(bottom=-0.1)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, frameon=False)
    _tidy(axes)


def _plot_mean(axes: matplotlib.axes.Axes, runs: list[Run], column: str, colour: str, label: str) -> None:
    """The mean curve of runs of one length, and the band between the lowest and the highest."""
    curves = [run.curve(column) for run in runs]
    epochs, values = curves[0][0], np.array([values for _, values in curves])
    axes.plot(epochs, values.mean(axis=0), color=colour, lw=2, label=label)
    if len(runs) > 1:
        axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.15, lw=0)


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
