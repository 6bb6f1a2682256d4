"""`--mode=train`: data, classifier and method of a config, trained, and the files that it leaves."""

import dataclasses
import functools
import json
import pathlib
import platform
import shutil
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.config import Config
from ieg_fsr.data.augmentation import pad_crop_flip
from ieg_fsr.data.corruption import corrupt_labels, noise_transition_matrix
from ieg_fsr.data.pipeline import Examples
from ieg_fsr.data.sources import DataSet, load_dataset
from ieg_fsr.errors import UserError
from ieg_fsr.evaluation.evaluate import predict_logits
from ieg_fsr.methods.fsr import FSR
from ieg_fsr.methods.label_report import LabelReport, label_report
from ieg_fsr.methods.supervised import Supervised
from ieg_fsr.networks import build_network
from ieg_fsr.training.checkpoints import Checkpoints
from ieg_fsr.training.epoch_log import EpochLog
from ieg_fsr.files import (
    make_directory,
    read_json_lines,
    write_columns,
    write_json,
    write_whole,
)
from ieg_fsr.training.progress import Progress, clock
from ieg_fsr.training.schedules import learning_rate_schedule

# Everything a run may leave in its directory, for --noresume.
_RUN_FILES = ("config.json", "metrics.jsonl", "summary.json", "labels.csv", "model*.keras", "saved_model",
              "checkpoints", "events.out.tfevents.*")
# Settings that say where things are, not what is computed.
_PLACES = ("model_dir", "data_dir", "resume", "model", "mode")


def train(config: Config, report: Callable[[str], None] = print) -> dict[str, Any]:
    """Trains as `config` says and returns the summary.

    Args:
        config: resolved settings.
        report: receives what a user should read.

    Raises:
        UserError: the settings do not fit the data or the directory.
    """
    directory = pathlib.Path(config.model_dir)
    finished = _check_directory(directory, config)
    if finished:
        report(f"{directory} holds this run, finished; --noresume trains it again.\n{describe(finished)}")
        return finished
    data = _training_data(config)
    given_labels = _given_labels(config, data)
    _check_sizes(config, data)
    model, examples = build(config, data, given_labels)
    resolved = _resolved(config, data, given_labels)
    make_directory(directory)
    if not config.resume:
        _clear(directory)
    write_json(directory / "config.json", resolved)
    report(_settings_text(config))
    rows = _fit(config, data, model, examples, directory)
    return _finish(resolved, data, model, examples, rows, directory, report)


def build(config: Config, data: DataSet, given_labels: np.ndarray) -> tuple[Supervised, Examples]:
    """The compiled method and its training data."""
    keras.utils.set_random_seed(config.seed)
    classifier = build_network(config.network, data.train.image_shape, data.num_classes, config.seed)
    examples = Examples(data.train, given_labels, config.batch_size, config.seed)
    settings = {
        "augment": functools.partial(pad_crop_flip, padding=config.padding, flip=config.flip),
        "mixup_alpha": config.mixup_alpha if config.mixup else 0.0,
        "label_smoothing": config.label_smoothing,
        "weight_decay": config.weight_decay,
        "parameter_average_decay": config.ema_decay,
        "seed": config.seed,
    }
    if config.method == "fsr":
        names = (
            "dictionary_size reward_batch_size reward_features reward_interval pusher score_momentum"
            " lookahead_learning_rate weight_constraint reweight_warmup_epochs label_momentum pseudo_label_loss_weight"
        )
        settings |= {name: getattr(config, name) for name in names.split()}
        model = FSR(classifier, len(data.train), lookahead_momentum=config.momentum, **settings)
    else:
        model = Supervised(classifier, **settings)
    schedule = learning_rate_schedule(
        config.schedule,
        config.learning_rate,
        examples.steps_per_epoch,
        config.epochs,
        drop_epochs=config.drop_epochs,
        warmup_epochs=config.learning_rate_warmup_epochs,
    )
    optimizer = keras.optimizers.SGD(schedule, momentum=config.momentum)
    model.compile(optimizer=optimizer, metrics=["accuracy"], jit_compile=_resolved_jit(config))
    return model, examples


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
    names = "dataset method network noise noise_type measured_noise_rate seed epochs".split()
    figures = "test_accuracy test_accuracy_ema test_top5 dictionary_purity zero_weight_ratio weight_clean weight_noisy"
    return (
        {name: resolved[name] for name in names}
        | {"imbalance": 1.0, "steps": last["step"]}
        | {name: last.get(name) for name in figures.split()}
        | {
            "seconds_per_step": float(np.median([row["seconds_per_step"] for row in rows])),
            "seconds_total": sum(row["seconds"] for row in rows),
            "peak_memory_bytes": _peak_memory_bytes(),
        }
    )


def _training_data(config: Config) -> DataSet:
    data = load_dataset(config.dataset, config.data_dir)
    if config.train_examples is None:
        return data
    if config.train_examples > len(data.train):
        raise UserError(
            f"--train_examples must be at most {len(data.train)}, the training set of {config.dataset}. "
            f"Received: {config.train_examples}"
        )
    chosen = np.random.default_rng([config.seed, 1]).permutation(len(data.train))[: config.train_examples]
    return dataclasses.replace(data, train=data.train.take(np.sort(chosen)))


def _given_labels(config: Config, data: DataSet) -> np.ndarray:
    matrix = noise_transition_matrix(config.noise_type, data.num_classes, config.noise)
    return corrupt_labels(data.train.labels, matrix, config.seed)


def _check_sizes(config: Config, data: DataSet) -> None:
    limited = ["batch_size"] + (["dictionary_size"] if config.method == "fsr" else [])
    for name in limited:
        if getattr(config, name) > len(data.train):
            raise UserError(
                f"--{name} must be at most {len(data.train)}, the number of training examples. "
                f"Received: {getattr(config, name)}"
            )


def _check_directory(directory: pathlib.Path, config: Config) -> dict[str, Any] | None:
    """The summary of a finished run of the same settings, if the directory holds one.

    Raises:
        UserError: it holds a run with other settings, or cannot be written to.
    """
    try:
        earlier = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        existed = directory.exists()
        make_directory(directory)
        if not existed:
            directory.rmdir()
        return None
    if not config.resume:
        return None
    settings = json.loads(json.dumps(dataclasses.asdict(config)))
    differing = [name for name in settings if name not in _PLACES and settings[name] != earlier.get(name)]
    if differing:
        values = ", ".join(f"{name} {earlier.get(name)} there, {settings[name]} now" for name in differing)
        raise UserError(
            f"--model_dir must be new or hold a run with the same settings ({values}); --noresume replaces the run. "
            f"Received: {directory}"
        )
    summary = directory / "summary.json"
    return json.loads(summary.read_text(encoding="utf-8")) if summary.exists() else None


def _clear(directory: pathlib.Path) -> None:
    for pattern in _RUN_FILES:
        for path in directory.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


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
        "training_examples": len(data.train),
        "test_examples": len(data.test),
        "num_classes": data.num_classes,
        "measured_noise_rate": float(np.mean(given_labels != data.train.labels)),
        "replicas": 1,
        "jit_compile_resolved": _resolved_jit(config),
        "versions": {name: metadata.version(name) for name in ("keras", "numpy")}
        | {"tensorflow": tf.__version__, "python": platform.python_version()},
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _resolved_jit(config: Config) -> bool:
    """XLA is slower than plain TensorFlow on a CPU's convolutions: "auto" turns it on for accelerators only."""
    if config.jit_compile == "auto":
        return bool(tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"))
    return config.jit_compile == "true"


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
