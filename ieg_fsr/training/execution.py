"""A training run: method, callbacks, and the files that it leaves."""

import dataclasses
import pathlib
import platform
import time
from importlib import metadata
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.command_line import command_line
from ieg_fsr.config import Config
from ieg_fsr.data.given_labels import labels_sha256
from ieg_fsr.data.long_tail import measured_imbalance
from ieg_fsr.data.pipeline import Examples
from ieg_fsr.data.sources import DataSet
from ieg_fsr.evaluation.evaluate import predict_logits
from ieg_fsr.files import make_directory, read_json_lines, write_columns, write_json, write_whole
from ieg_fsr.methods.fsr import FSR
from ieg_fsr.methods.label_report import LabelReport, label_report, own_log_probabilities
from ieg_fsr.methods.supervised import Supervised
from ieg_fsr.results.identity import identify
from ieg_fsr.training.build import build, resolved_jit, resolved_lookahead_momentum
from ieg_fsr.training.checkpoints import Checkpoints
from ieg_fsr.training.directory import check_same_labels, clear
from ieg_fsr.training.epoch_log import EpochLog
from ieg_fsr.training.inputs import TrainingData, resolved_dictionary_size, resolved_forget_rate
from ieg_fsr.training.layer_gradient_log import LayerGradientLog
from ieg_fsr.training.profiling import StepProfiler
from ieg_fsr.training.progress import Progress


def execute(config: Config, training: TrainingData, directory: pathlib.Path) -> dict[str, Any]:
    """Trains and writes the run's files; goes on from a checkpoint in `directory` if there is one.

    Args:
        config: resolved settings.
        training: data and given labels; the true labels among them are for monitoring only.
        directory: of the run; made once the method is known to fit the data.

    Returns:
        The summary.

    Raises:
        UserError: the network does not take the images, the labels are not those that the run began with, or training
            diverges.
    """
    data = training.data
    model, examples = build(config, data, training.given_labels)
    resolved = _resolved(config, data, training.given_labels)
    if config.resume:
        check_same_labels(directory, resolved["given_labels_sha256"])
    make_directory(directory)
    if not config.resume:
        clear(directory)
    _write_beginning(directory, resolved, training)
    rows = _fit(config, data, model, examples, directory)
    _write_models(model, directory)
    labels = _label_report(model, data, examples)
    write_columns(directory / "labels.csv", labels._fields, labels)
    summary = _summary(resolved, rows) | {"saved_network": model.saved_network}
    write_json(directory / "summary.json", summary)
    return summary


def _write_beginning(directory: pathlib.Path, resolved: dict[str, Any], training: TrainingData) -> None:
    """The labels and the settings, where the directory does not have them yet."""
    if not (directory / "given_labels.csv").exists():
        columns = {
            "example_id": np.arange(len(training.given_labels)),
            "label": training.given_labels,
            "true_label": training.data.train.labels,
            "source_id": training.source_ids,
        }
        write_columns(directory / "given_labels.csv", list(columns), list(columns.values()))
    if not (directory / "config.json").exists():
        write_json(directory / "config.json", resolved)


def _fit(
    config: Config, data: DataSet, model: Supervised, examples: Examples, directory: pathlib.Path
) -> list[dict[str, Any]]:
    checkpoints = Checkpoints(directory / "checkpoints", model)
    epochs_done = checkpoints.restore()
    rows = read_json_lines(directory / "metrics.jsonl")[:epochs_done] if epochs_done else []
    callbacks: list[keras.callbacks.Callback] = []
    if config.profile_steps:
        first, last = config.profile_steps
        callbacks.append(StepProfiler(directory, first, last))
    if config.layer_gradients_interval and config.reweights:
        callbacks.append(LayerGradientLog(directory, config.layer_gradients_interval, epochs_done))
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
    model.fit(examples, epochs=config.epochs, initial_epoch=epochs_done, verbose=0, callbacks=[*callbacks, log])
    return rows


def _write_models(model: Supervised, directory: pathlib.Path) -> None:
    """The classifier in two formats, and its average."""
    write_whole(directory / "model.keras", model.classifier.save)
    if model.parameter_average is not None:
        write_whole(directory / "model_ema.keras", model.parameter_average.classifier().save)
    write_whole(directory / "saved_model", lambda place: model.classifier.export(place, verbose=False))


def _summary(resolved: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    last = rows[-1]
    names = """dataset method variant reward_source meta_layers weight_rule clean_images
        network noise noise_type noise_matrix labels_file measured_noise_rate imbalance
        measured_imbalance training_examples corrupt_images given_labels_sha256 seed epochs"""
    figures = "test_accuracy test_accuracy_ema test_top5 dictionary_purity zero_weight_ratio weight_clean weight_noisy"
    return (
        {name: resolved[name] for name in names.split()}
        | {"steps": last["step"]}
        | {name: last.get(name) for name in figures.split()}
        | {name: value for name, value in last.items() if name.startswith(("test_", "loss_"))}
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
    scores = own_log_probabilities(probabilities, given)
    return label_report(given, scores, np.ones(len(given), np.float32), probabilities)


def _resolved(config: Config, data: DataSet, given_labels: np.ndarray) -> dict[str, Any]:
    """What config.json holds: all settings, and what they came to on this machine."""
    return dataclasses.asdict(config) | {
        "variant": identify(dataclasses.asdict(config)).variant,
        "clean_images": 0 if data.clean is None else len(data.clean),
        "lookahead_momentum_resolved": resolved_lookahead_momentum(config),
        "command": f"python -m ieg_fsr.main {command_line(config)}",
        "training_examples": len(data.train),
        "test_examples": len(data.test),
        "num_classes": data.num_classes,
        "corrupt_images": len(data.corrupt_files),
        "corrupt_files": list(data.corrupt_files),
        "measured_noise_rate": float(np.mean(given_labels != data.train.labels)),
        "measured_imbalance": measured_imbalance(data.train.labels),
        "given_labels_sha256": labels_sha256(given_labels),
        "dictionary_size_resolved": resolved_dictionary_size(config, len(data.train)),
        "coteaching_forget_rate_resolved": resolved_forget_rate(config, data)
        if config.method == "coteaching"
        else None,
        "replicas": 1,
        "jit_compile_resolved": resolved_jit(config),
        "versions": {name: metadata.version(name) for name in ("keras", "numpy")}
        | {"tensorflow": tf.__version__, "python": platform.python_version()},
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _peak_memory_bytes() -> int:
    device = "GPU:0" if tf.config.list_physical_devices("GPU") else "CPU:0"
    return int(tf.config.experimental.get_memory_info(device)["peak"])
