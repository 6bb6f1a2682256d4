"""A training run: method, callbacks, and the files that it leaves."""

import dataclasses
import pathlib
import platform
import time
import warnings
from importlib import metadata
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.configuration.flags import command_line
from ieg_fsr.configuration.settings import Config
from ieg_fsr.data.labels.given_labels import labels_sha256
from ieg_fsr.data.labels.long_tail import measured_imbalance
from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.data.sources.image_source import DataSet
from ieg_fsr.evaluation.detection import detection_figures
from ieg_fsr.evaluation.evaluate import predict_logits
from ieg_fsr.files import make_directory, write_columns, write_json, write_json_lines, write_whole
from ieg_fsr.methods.models.fsr import FSR
from ieg_fsr.methods.models.label_report import LabelReport, label_report, probabilities_of
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.results.identity import identify
from ieg_fsr.training.build import build, resolved_jit, resolved_lookahead_momentum
from ieg_fsr.training.distribution import any_worker, check_same_step, strategy_of, wait_for_all
from ieg_fsr.training.inputs import TrainingData, resolved_dictionary_size, resolved_forget_rate
from ieg_fsr.training.monitoring.epoch_log import EpochLog
from ieg_fsr.training.monitoring.epoch_pictures import EpochPictures
from ieg_fsr.training.monitoring.hyperparameters import write_hyperparameters
from ieg_fsr.training.monitoring.layer_gradient_log import LayerGradientLog
from ieg_fsr.training.monitoring.model_card import write_model_card
from ieg_fsr.training.monitoring.profiling import StepProfiler
from ieg_fsr.training.monitoring.progress import Progress
from ieg_fsr.training.monitoring.tensorboard import cut_events
from ieg_fsr.training.survival.checkpoints import Checkpoints, NotFiniteError
from ieg_fsr.training.survival.directory import check_same_labels, clear, earlier_run, rows_of, sweep
from ieg_fsr.training.survival.divergence import explain
from ieg_fsr.training.survival.interruption import Interruption
from ieg_fsr.training.survival.run_lock import RunLock
from ieg_fsr.training.survival.safeguard import Safeguard
from ieg_fsr.version import VERSION

# Figures of the summary by which TensorBoard compares runs.
_COMPARED = ("test_accuracy", "test_accuracy_ema", "dictionary_purity", "seconds_per_step", "detection_f1")


def execute(
    config: Config, training: TrainingData, directory: pathlib.Path, lock: RunLock, interruption: Interruption
) -> dict[str, Any]:
    """Trains and writes the run's files; goes on from a checkpoint in `directory` if there is one.

    Args:
        config: resolved settings.
        training: data and given labels; the true labels among them are for monitoring only.
        directory: of the run; made once the method is known to fit the data.
        lock: on the directory.
        interruption: asked after every step.

    Returns:
        The summary.

    Raises:
        UserError: the network does not take the images, or the labels are not those that the run began with.
        RunError: training diverges.
        Interrupted: by a signal.
    """
    data = training.data
    strategy = strategy_of(config)
    with strategy.scope():
        model, examples = build(config, data, training.given_labels)
    resolved = _resolved(config, data, training.given_labels) | {"replicas": strategy.num_replicas_in_sync}
    make_directory(directory)
    lock.acquire()
    # Once more: another run may have begun here while this one loaded its data.
    earlier_run(directory, config)
    if config.resume:
        check_same_labels(directory, resolved["given_labels_sha256"])
    else:
        clear(directory)
    sweep(directory)
    _write_beginning(directory, resolved, training)
    rows = _fit(config, data, model, examples, directory, interruption)
    _write_models(model, directory)
    labels = _label_report(model, data, examples)
    write_columns(directory / "labels.csv", labels._fields, labels)
    wrong = training.given_labels != data.train.labels
    detection = detection_figures(wrong, labels.suspect, labels.score)
    summary = _summary(resolved, rows) | {"saved_network": model.saved_network} | detection
    write_hyperparameters(directory, config, {name: summary[name] for name in _COMPARED if summary[name] is not None})
    write_model_card(directory, resolved, summary, data.class_names, data.train.image_shape)
    write_json(directory / "summary.json", summary)
    wait_for_all(strategy)
    return summary


def _write_beginning(directory: pathlib.Path, resolved: dict[str, Any], training: TrainingData) -> None:
    """The labels, whatever became of an earlier process' file, then the settings where there are none yet."""
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
    config: Config,
    data: DataSet,
    model: Supervised,
    examples: Examples,
    directory: pathlib.Path,
    interruption: Interruption,
) -> list[dict[str, Any]]:
    plan = model.course.lay_out(config.epochs)
    checkpoints = Checkpoints(directory / "checkpoints", model, config.keep_checkpoints)
    # Before anything is restored: workers that restore and others that do not are out of step with each other.
    check_same_step(checkpoints.newest_step(), model.distribute_strategy, config.model_dir)
    step = checkpoints.restore()
    _, epochs_done, first_step, _ = model.course.position
    rows = rows_of(directory, epochs_done)
    write_json_lines(directory / "metrics.jsonl", rows)
    cut_events(directory, epochs_done)
    if not step:
        checkpoints.save(0)
    callbacks: list[keras.callbacks.Callback] = []
    if config.profile_steps:
        first, last = config.profile_steps
        callbacks.append(StepProfiler(directory, first, last))
    if config.layer_gradients_interval and config.reweights:
        callbacks.append(LayerGradientLog(directory, config.layer_gradients_interval, epochs_done))
    progress = Progress(config.epochs, examples.steps_per_epoch, epochs_done + first_step / examples.steps_per_epoch)
    pictures = EpochPictures(directory, data, examples.given_labels, config.epochs)
    log = EpochLog(
        directory,
        data.test,
        examples.given_labels == data.train.labels,
        progress,
        rows,
        {"": config.eval_interval, "_ema": config.ema_eval_interval},
        data.extra_tests,
    )
    agreed = any_worker(model.distribute_strategy)
    steps = None if plan.partial else config.epochs * examples.steps_per_epoch
    safeguard = Safeguard(checkpoints, interruption, config.epochs, steps, step, config.checkpoint_seconds, agreed)
    callbacks += [log, pictures, safeguard]
    epochs = {"initial_epoch": epochs_done, "first_step": first_step, "epochs": config.epochs}
    try:
        with interruption.deferred(), warnings.catch_warnings():
            # `train` has said so in its own words.
            warnings.filterwarnings("ignore", message="reweight_warmup_epochs")
            model.fit(examples, verbose=0, callbacks=callbacks, **epochs)
    except NotFiniteError as error:
        raise explain(error, model, examples, checkpoints) from None
    finally:
        progress.leave()
    return rows


def _write_models(model: Supervised, directory: pathlib.Path) -> None:
    """The classifier in two formats, and its average."""
    write_whole(directory / "model.keras", model.classifier.save)
    if model.parameter_average is not None:
        write_whole(directory / "model_ema.keras", model.parameter_average.classifier().save)
    write_whole(directory / "saved_model", lambda place: model.classifier.export(place, verbose=False))


def _summary(resolved: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    last = rows[-1]
    reweighted = "zero_weight_batches" in last
    names = """dataset method variant reward_source meta_layers weight_rule clean_images
        network noise noise_type noise_matrix labels_file measured_noise_rate imbalance
        measured_imbalance training_examples corrupt_images given_labels_sha256 seed epochs"""
    figures = "test_accuracy test_accuracy_ema test_top5 dictionary_purity zero_weight_ratio weight_clean weight_noisy"
    return (
        {name: resolved[name] for name in names.split()}
        | {"steps": last["step"]}
        | {"zero_weight_batches": sum(row["zero_weight_batches"] for row in rows) if reweighted else None}
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
    given = examples.given_labels
    probabilities = probabilities_of(predict_logits(model.classifier, data.train))
    return label_report(given, None, np.ones(len(given), np.float32), probabilities)


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
        "jit_compile_resolved": resolved_jit(config),
        "versions": {"ieg_fsr": VERSION}
        | {name: metadata.version(name) for name in ("keras", "numpy")}
        | {"tensorflow": tf.__version__, "python": platform.python_version()},
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _peak_memory_bytes() -> int:
    device = "GPU:0" if tf.config.list_physical_devices("GPU") else "CPU:0"
    return int(tf.config.experimental.get_memory_info(device)["peak"])
