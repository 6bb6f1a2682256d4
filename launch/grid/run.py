"""What to expect on your data: every method of interest on every kind of bad data, and how far each falls behind.

    python launch/grid/run.py                                   # three seeds of everything: a day on two cores
    python launch/grid/run.py --conditions=a,rare-0.2 --methods=supervised,auto --seeds=0 --jobs=2

A cell is a training by one thread, `--jobs` of them at a time. Its row is written to --output when it is done: the same
command, after a stop, goes on, and --again repeats the cells that it names. Prints the table of what is there.
"""

import argparse
import collections
import csv
import functools
import multiprocessing
import os
import pathlib
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from launch.grid.conditions import Condition, conditions, write_small_fashion

METHODS: dict[str, dict[str, Any]] = {
    "supervised": {"method": "supervised"},
    "mixup": {"method": "supervised", "mixup": True},
    "elr": {"method": "elr"},
    "gce": {"method": "gce"},
    "faithful": {"method": "fsr", "faithful": True},
    "full": {"method": "fsr", "strength": "1"},
    "auto": {"method": "fsr", "strength": "auto"},
}
# Other systems, for wrong labels and for rare classes: trained where they are asked for by name.
OTHERS: dict[str, dict[str, Any]] = {
    name: {"method": name}
    for name in (
        "pencil", "mentornet", "d2l", "crust", "incv", "rog", "sce", "logit_adjustment", "balanced_softmax", "ldam",
        "crt", "remix", "cb_sigmoid", "cb_focal",
    )
} | {"deferred": {"method": "supervised", "deferred_reweighting": 80}}  # fmt: skip
METRICS = (
    "test_accuracy", "test_mean_class_accuracy", "detection_f1", "detection_average_precision", "suspects",
)  # fmt: skip
_OF_FSR = ("reweight_warmup_epochs", "dictionary_size", "reward_batch_size")
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Cell(NamedTuple):
    """A training."""

    condition: str
    method: str
    seed: int


def train(cell: Cell, directory: pathlib.Path) -> dict[str, Any]:
    """A row of the table of runs."""
    from ieg_fsr.configuration.resolve import resolve
    from ieg_fsr.quiet_import import import_tensorflow

    started = time.monotonic()
    import_tensorflow()
    import keras
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    keras.backend.clear_session()
    condition = conditions(directory)[cell.condition]
    own = dict((METHODS | OTHERS)[cell.method])
    if not condition.mixes:
        own["mixup"] = False
    if own.get("deferred_reweighting"):  # as late as 80 of 100 epochs
        own["deferred_reweighting"] = round(0.8 * condition.settings.get("epochs", 100))
    settings = {"seed": cell.seed} | dict(condition.settings) | own
    if own["method"] != "fsr":
        settings = {name: value for name, value in settings.items() if name not in _OF_FSR}
    figures = _train_images(resolve(settings)) if condition.arrays is None else _train_arrays(condition, settings)
    return cell._asdict() | figures | {"seconds": round(time.monotonic() - started, 1)}


def _attempt(directory: pathlib.Path, cell: Cell) -> tuple[Cell, dict[str, Any] | str]:
    """A row, or why there is none: one bad cell does not stop the others."""
    try:
        return cell, train(cell, directory)
    except Exception as error:
        return cell, f"{type(error).__name__}: {error}"


def _train_images(config: Any) -> dict[str, Any]:
    from ieg_fsr.training.build import build
    from ieg_fsr.training.finish import finish
    from ieg_fsr.training.inputs import load_training_data

    training = load_training_data(config)
    model, examples = build(config, training.data, training.given_labels)
    model.fit(examples, epochs=config.epochs, verbose=0)
    finish(config, model, examples, {}, {})  # gives `rog` and `crt` their head
    test, true = training.data.test, training.data.train.labels
    return _figures(model, training.given_labels, true, test, test.labels)


def _train_arrays(condition: Condition, settings: dict[str, Any]) -> dict[str, Any]:
    import types

    import keras

    import ieg_fsr
    from ieg_fsr.configuration.resolve import resolve
    from ieg_fsr.methods.registry import METHODS as REGISTRY
    from ieg_fsr.methods.spec import BuildContext

    arrays = condition.arrays(settings["seed"])
    if settings["method"] == "fsr":
        settings = settings | {"dictionary_size": len(arrays.true_labels) // 10}
    config = resolve({"dataset": "digits"} | settings)
    keras.utils.set_random_seed(config.seed)
    examples = ieg_fsr.examples(arrays.x, arrays.given_labels, config.batch_size, config.seed)
    classes = int(arrays.true_labels.max()) + 1
    data: Any = types.SimpleNamespace(num_classes=classes, train=examples.source, holdout=None)
    mixup_alpha = config.mixup_alpha if config.mixup else 0.0
    shared = {"mixup_alpha": mixup_alpha, "label_smoothing": config.label_smoothing, "seed": config.seed}
    context = BuildContext(config, data, arrays.given_labels, arrays.network, config.seed + 1000, shared)
    model = REGISTRY[config.method].build(context)
    model.compile(keras.optimizers.Adam(condition.adam), metrics=["accuracy"])
    model.fit(examples, epochs=config.epochs, verbose=0)
    test = ieg_fsr.examples(arrays.x_test, arrays.test_labels).source
    return _figures(model, arrays.given_labels, arrays.true_labels, test, arrays.test_labels)


def _figures(model: Any, given: np.ndarray, true: np.ndarray, test: Any, test_labels: np.ndarray) -> dict[str, Any]:
    from ieg_fsr.evaluation.detection import detection_figures
    from ieg_fsr.evaluation.metrics import accuracies
    from ieg_fsr.methods.models.label_report import predicted_logits

    figures = accuracies(predicted_logits(model.classifier, test), test_labels)
    report, wrong = model.label_report(), given != true
    found = detection_figures(wrong, report.suspect, report.score)
    values = {name: figures[name] for name in ("test_accuracy", "test_mean_class_accuracy")} | {
        "detection_f1": found["detection_f1"],
        "detection_average_precision": found["detection_average_precision"],
        "suspects": float(np.mean(report.suspect)),
        "estimated_noise_rate": report.estimated_noise_rate,
        "noise_rate": float(wrong.mean()),
        "weight_right": float(report.weight[~wrong].mean()),
        "weight_wrong": float(report.weight[wrong].mean()) if wrong.any() else None,
        "strength": float(model.strength.share) if hasattr(model, "strength") else None,
    }
    return {name: value if value is None else round(float(value), 4) for name, value in values.items()}


def table(
    rows: Sequence[dict[str, str]],
    names: dict[str, str],
    metric: str = "test_accuracy",
    methods: Sequence[str] = tuple(METHODS),
) -> str:
    """Markdown: mean, standard deviation and number of seeds; the last line is how far a method falls behind at worst.

    Args: rows: of the file. names: words of the conditions. methods: whose rows are looked at.
    """
    cells: dict[tuple[str, str], list[float]] = collections.defaultdict(list)
    for row in rows:
        if row[metric]:
            cells[row["condition"], row["method"]].append(float(row[metric]))
    methods = [method for method in methods if any(method == of for _, of in cells)]
    lines = ["| data | " + " | ".join(methods) + " |", "|---" * (len(methods) + 1) + "|"]
    behind: dict[str, list[tuple[float, str]]] = collections.defaultdict(list)
    for name, words in names.items():
        means = {method: np.mean(cells[name, method]) for method in methods if cells[name, method]}
        if not means:
            continue
        best, texts = max(means.values()), []
        for method in methods:
            values = cells[name, method]
            if not values:
                texts.append("-")
                continue
            behind[method].append((float(best - means[method]), name))
            text = f"{means[method]:.3f}" + (f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else "")
            texts.append(f"**{text}**" if means[method] == best else text)
        lines.append(f"| {words} ({max(len(cells[name, m]) for m in methods)}) | " + " | ".join(texts) + " |")
    worst = {method: max(behind[method]) for method in methods}
    lines.append("| behind the best, at worst | " + " | ".join(f"{worst[m][0]:.3f} ({worst[m][1]})" for m in methods))
    lines[-1] += " |"
    lines.append(
        "| behind the best, mean | " + " | ".join(f"{np.mean([v for v, _ in behind[m]]):.3f}" for m in methods)
    )
    return "\n".join(lines) + " |"


def main(argv: list[str]) -> int:
    """Trains what is asked for and not there yet. Returns: 1 if something of it failed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conditions", default="all", help="names, with commas")
    others = f"names, with commas; there are also {', '.join(OTHERS)}"
    parser.add_argument("--methods", default=",".join(METHODS), help=others)
    parser.add_argument("--seeds", default="0,1,2", help="numbers, with commas")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time, a thread each")
    parser.add_argument("--output", default="grid.csv", help="a row a training; what it has is not trained again")
    parser.add_argument("--data", default="runs/grid", help="directory for prepared data")
    parser.add_argument("--metric", default="test_accuracy", help="column of the table that is printed")
    parser.add_argument("--again", action="store_true", help="train what is asked for, though it is there")
    arguments = parser.parse_args(argv)
    directory, output = pathlib.Path(arguments.data).resolve(), pathlib.Path(arguments.output)
    known = conditions(directory)
    chosen = list(known) if arguments.conditions == "all" else arguments.conditions.split(",")
    methods, seeds = arguments.methods.split(","), arguments.seeds.split(",")
    for flag, given, allowed in (
        ("conditions", chosen, known),
        ("methods", methods, METHODS | OTHERS),
        ("metric", [arguments.metric], METRICS),
    ):
        for name in given:
            if name not in allowed:
                parser.error(f"--{flag} must be of {', '.join(allowed)}. Received: {name}")
    for seed in seeds:
        if not seed.isdecimal():
            parser.error(f"--seeds must be whole numbers from 0 up, with commas. Received: {seed}")
    if arguments.jobs < 1:
        parser.error(f"--jobs must be at least 1. Received: {arguments.jobs}")
    rows = read(output)
    wanted = [
        Cell(condition, method, seed)
        for seed in map(int, seeds)
        for condition in chosen
        for method in methods
        # Without MixUp the two are one.
        if method != "mixup" or known[condition].mixes
    ]
    if arguments.again:
        rows = [row for row in rows if cell_of(row) not in wanted]
    done = {cell_of(row) for row in rows}
    wanted = [cell for cell in wanted if cell not in done]
    small = f"npz:{directory / 'fashion14.npz'}"
    if any(known[cell.condition].settings.get("dataset") == small for cell in wanted):
        write_small_fashion(directory)
    os.environ.update(dict.fromkeys(_THREADS, "1"), CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3")
    context = multiprocessing.get_context("spawn")
    # A process keeps what TensorFlow keeps of each training: after some of them a new one takes over.
    failed = 0
    with context.Pool(arguments.jobs, maxtasksperchild=20) as pool:
        for cell, row in pool.imap_unordered(functools.partial(_attempt, directory), wanted):
            if isinstance(row, str):
                failed = 1
                print(f"{cell}: {row}", file=sys.stderr, flush=True)
                continue
            rows.append({name: "" if value is None else str(value) for name, value in row.items()})
            write(output, rows)
            print(" ".join(f"{name}={value}" for name, value in row.items()), flush=True)
    words = {name: known[name].words for name in chosen}
    print(table(rows, words, arguments.metric, methods))
    return failed


def cell_of(row: dict[str, str]) -> Cell:
    """What a row is of."""
    return Cell(row["condition"], row["method"], int(row["seed"]))


def read(path: pathlib.Path) -> list[dict[str, str]]:
    """Rows of the file, none where there is no file."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: pathlib.Path, rows: list[dict[str, str]]) -> None:
    """Puts the file in order of cells, in place of what was there."""
    from ieg_fsr.files import write_columns

    ordered = sorted(rows, key=cell_of)
    columns = list(dict.fromkeys(name for row in ordered for name in row))
    write_columns(path, columns, [[row.get(name, "") for row in ordered] for name in columns])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
