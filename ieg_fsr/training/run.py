"""`--mode=train`: data, classifier and method of a config, trained, and the files that it leaves."""

import dataclasses
import pathlib
import platform
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.config import Config, command_line
from ieg_fsr.data.pipeline import Examples
from ieg_fsr.data.sources import DataSet
from ieg_fsr.evaluation.evaluate import predict_logits
from ieg_fsr.files import make_directory, read_json_lines, write_columns, write_json, write_whole
from ieg_fsr.methods.fsr import FSR
from ieg_fsr.methods.label_report import LabelReport, label_report
from ieg_fsr.methods.supervised import Supervised
from ieg_fsr.training.build import build, load_training_data, resolved_jit
from ieg_fsr.training.checkpoints import Checkpoints
from ieg_fsr.training.directory import clear, earlier_run
from ieg_fsr.training.epoch_log import EpochLog
from ieg_fsr.training.progress import Progress, clock


def train(config: Config, report: Callable[[str], None] = print) -> dict[str, Any]:
    """Trains as `config` says and returns the summary.

    Args:
        config: resolved settings.
        report: receives what a user should read.

    Raises:
        UserError: the settings do not fit the data or the directory.
    """
    assert config.model_dir is not None, "resolve() names a directory for every training run"
    directory = pathlib.Path(config.model_dir)
    finished = earlier_run(directory, config)
    if finished:
        report(f"{directory} holds this run, finished; --noresume trains it again.\n{describe(finished)}")
        return finished
    data, given_labels = load_training_data(config)
    model, examples = build(config, data, given_labels)
    resolved = _resolved(config, data, given_labels)
    make_directory(directory)
    if not config.resume:
        clear(directory)
    if not (directory / "config.json").exists():
        write_json(directory / "config.json", resolved)
    report("\n".join([f"python -m ieg_fsr.main {command_line(config)}", _settings_text(config), *data.notes]))
    rows = _fit(config, data, model, examples, directory)
    return _finish(resolved, data, model, examples, rows, directory, report)


def describe(summary: dict[str, Any]) -> str:
    """What a user wants to read at the end of a run."""
    lines = [
        f"test accuracy   {summary['test_accuracy']:.4f}  (parameter average: {summary['test_accuracy_ema']:.4f})",
        f"wrong labels    {summary['measured_noise_rate']:.4f} of the training set",
    ]
    if summary["dictionary_purity"] is not None:
        lines += [
            f"dictionary      {summary['dictionary_purity']:.4f} of its labels right",
            f"mean weight     right labels {_figure(summary['weight_clean'])}, wrong labels "
            f"{_figure(summary['weight_noisy'])}; {summary['zero_weight_ratio']:.3f} of all are zero",
        ]
    return "\n".join([*lines, f"time            {clock(summary['seconds_total'])}"])


def _fit(
    config: Config, data: DataSet, model: Supervised, examples: Examples, directory: pathlib.Path
) -> list[dict[str, Any]]:
    checkpoints = Checkpoints(directory / "checkpoints", model)
    epochs_done = checkpoints.restore()
    rows = read_json_lines(directory / "metrics.jsonl")[:epochs_done] if epochs_done else []
    log = EpochLog(
        directory,
        data.test,
        examples.given_labels == data.train.labels,
        Progress(config.epochs, examples.steps_per_epoch, epochs_done),
        checkpoints,
        rows,
        {"": config.eval_interval, "_ema": config.ema_eval_interval},
        data.extra_tests,
    )
    model.fit(examples, epochs=config.epochs, initial_epoch=epochs_done, verbose=0, callbacks=[log])
    return rows


def _finish(
    resolved: dict[str, Any],
    data: DataSet,
    model: Supervised,
    examples: Examples,
    rows: list[dict[str, Any]],
    directory: pathlib.Path,
    report: Callable[[str], None],
) -> dict[str, Any]:
    """Writes the models, the label report and, last, the summary."""
    write_whole(directory / "model.keras", model.classifier.save)
    if model.parameter_average is not None:
        write_whole(directory / "model_ema.keras", model.parameter_average.classifier().save)
    write_whole(directory / "saved_model", lambda place: model.classifier.export(place, verbose=False))
    labels = _label_report(model, data, examples)
    write_columns(directory / "labels.csv", labels._fields, labels)
    summary = _summary(resolved, rows)
    write_json(directory / "summary.json", summary)
    report(f"{describe(summary)}\nfiles           {directory}")
    return summary


def _summary(resolved: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    last = rows[-1]
    names = ["dataset", "method", "network", "noise", "noise_type", "measured_noise_rate", "seed", "epochs"]
    figures = "test_accuracy test_accuracy_ema test_top5 dictionary_purity zero_weight_ratio weight_clean weight_noisy"
    return (
        {name: resolved[name] for name in [*names, "corrupt_images"]}
        | {"imbalance": 1.0, "steps": last["step"]}
        | {name: last.get(name) for name in figures.split()}
        | {name: value for name, value in last.items() if name.startswith("test_")}
        | {
            "seconds_per_step": float(np.median([row["seconds_per_step"] for row in rows])),
            "seconds_total": sum(row["seconds"] for row in rows),
            "peak_memory_bytes": _peak_memory_bytes(),
        }
    )


def _label_report(model: Supervised, data: DataSet, examples: Examples) -> LabelReport:
    if isinstance(model, FSR):
        return model.label_report()
    probabilities = keras.ops.softmax(predict_logits(model.classifier, data.train)).numpy()
    given = examples.given_labels
    scores = np.log(np.maximum(probabilities[np.arange(len(given)), given], np.finfo(np.float32).tiny))
    return label_report(given, scores, np.ones(len(given), np.float32), probabilities)


def _resolved(config: Config, data: DataSet, given_labels: np.ndarray) -> dict[str, Any]:
    """What config.json holds: all settings, and what they came to on this machine."""
    return dataclasses.asdict(config) | {
        "command": f"python -m ieg_fsr.main {command_line(config)}",
        "training_examples": len(data.train),
        "test_examples": len(data.test),
        "num_classes": data.num_classes,
        "corrupt_images": len(data.corrupt_files),
        "corrupt_files": list(data.corrupt_files),
        "measured_noise_rate": float(np.mean(given_labels != data.train.labels)),
        "replicas": 1,
        "jit_compile_resolved": resolved_jit(config),
        "versions": {name: metadata.version(name) for name in ("keras", "numpy")}
        | {"tensorflow": tf.__version__, "python": platform.python_version()},
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _peak_memory_bytes() -> int:
    device = "GPU:0" if tf.config.list_physical_devices("GPU") else "CPU:0"
    return int(tf.config.experimental.get_memory_info(device)["peak"])


def _settings_text(config: Config, width: int = 110) -> str:
    """All settings as name=value, filled into lines."""
    lines, line = [], ""
    for name, value in dataclasses.asdict(config).items():
        word = f"{name}={value}"
        if line and len(line) + len(word) + 2 > width:
            lines.append(line)
            line = ""
        line = f"{line}  {word}" if line else word
    return "\n".join([*lines, line])


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
