"""A training run: method, callbacks, and the files that it leaves."""

import platform
import time
import warnings
from collections.abc import Callable, Iterable
from importlib import metadata
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ieg_fsr.configuration.flags import command_line
from ieg_fsr.data.labels.given_labels import labels_sha256
from ieg_fsr.data.labels.long_tail import measured_imbalance
from ieg_fsr.data.labels.truth import KNOWN, truth_of
from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.data.sources.image_source import DataSet, file_names
from ieg_fsr.device_memory import peak_memory
from ieg_fsr.evaluation.detection import detection_figures
from ieg_fsr.evaluation.evaluate import per_class_accuracy
from ieg_fsr.figures import RUN_FIGURES, Figure
from ieg_fsr.methods.models.label_report import LabelReport
from ieg_fsr.methods.models.supervised import Supervised
from ieg_fsr.methods.registry import METHODS, method_figures
from ieg_fsr.results.identity import identify
from ieg_fsr.setting import Config
from ieg_fsr.training.build import build, resolved_jit
from ieg_fsr.training.distribution import any_worker, check_same_step, strategy_of, wait_for_all
from ieg_fsr.training.finish import Finished, finish
from ieg_fsr.training.frozen_features import what_is_seen
from ieg_fsr.training.inputs import TrainingData
from ieg_fsr.training.monitoring.epoch_log import EpochLog
from ieg_fsr.training.monitoring.epoch_pictures import EpochPictures
from ieg_fsr.training.monitoring.hyperparameters import write_hyperparameters
from ieg_fsr.training.monitoring.layer_gradient_log import LayerGradientLog
from ieg_fsr.training.monitoring.model_card import write_model_card
from ieg_fsr.training.monitoring.profiling import StepProfiler
from ieg_fsr.training.monitoring.progress import Progress
from ieg_fsr.training.monitoring.tensorboard import cut_events
from ieg_fsr.training.survival.checkpoints import Checkpoints, NotFiniteError
from ieg_fsr.training.survival.divergence import explain
from ieg_fsr.training.survival.interruption import Interruption
from ieg_fsr.training.survival.run_directory import RunDirectory
from ieg_fsr.training.survival.safeguard import Safeguard
from ieg_fsr.unlabelled import labelled
from ieg_fsr.version import VERSION


def execute(config: Config, training: TrainingData, run: RunDirectory, interruption: Interruption) -> dict[str, Any]:
    """Trains and writes the run's files; goes on from a checkpoint in its directory if there is one; the summary.

    The directory is made once the method is known to fit the data; true labels are for monitoring only. Raises
    UserError, if the network or the labels of an earlier run do not fit, RunError and Interrupted.
    """
    data, truth = training.data, truth_of(config)
    strategy = strategy_of(config)
    with strategy.scope():
        seen, trusted_ids = what_is_seen(config, data), training.decided.trusted_ids
        model, examples = build(config, seen.data, training.given_labels, seen.network, trusted_ids)
    resolved = _resolved(config, training) | {
        "features_sha256": seen.sha256,
        "replicas": strategy.num_replicas_in_sync,
        "batch_size_resolved": examples.batch_size,
    }
    run.begin(config, resolved)
    columns = {
        "example_id": np.arange(len(training.given_labels)),
        "label": training.given_labels,
        "true_label" if truth is KNOWN else "data_label": data.train.labels,
        "source_id": training.source_ids,
    }
    run.write_columns("given_labels.csv", columns)
    resolved = run.keep_config(resolved)
    rows = _fit(config, training, seen.data, model, examples, run, interruption)
    tests = {"": seen.data.test} | {f"_{name}": source for name, source in seen.data.extra_tests.items()}
    finished = finish(config, model, examples, tests, rows[-1])
    _write_models(finished, seen.whole, run)
    labels = model.label_report().trusting(trusted_ids)
    run.write_columns("labels.csv", labels.columns() | _in_words(training, labels))
    right, known = training.right(truth), labelled(training.given_labels)
    wrong = None if right is None else ~right[known]
    detection = detection_figures(wrong, labels.suspect[known], labels.score[known])
    own = model.declared_figures
    summary = _summary(resolved, rows, own) | {"saved_network": model.saved_network} | finished.figures | detection
    summary["per_class_accuracy"] = per_class_accuracy(finished.classifier, seen.data.test)
    summary["estimated_noise_rate"] = labels.estimated_noise_rate
    compared = [figure.name for figure in (*RUN_FIGURES, *own) if figure.compared]
    final = {name: summary[name] for name in compared if summary.get(name) is not None}
    write_hyperparameters(run.path, config, final)
    write_model_card(run.path, resolved, summary, data.class_names, data.train.image_shape, own)
    run.write_json("summary.json", summary)
    wait_for_all(strategy)
    return summary


def _in_words(training: TrainingData, labels: LabelReport) -> dict[str, np.ndarray]:
    """Columns of labels.csv for people: names of the classes, "" for none, the file, and what was decided, if so."""
    data, decided = training.data, training.decided.words
    names = np.array([*data.class_names, ""], object)
    return {
        "given_class": names[labels.given_label],
        "suggested_class": names[labels.suggested_label],
        "file": file_names(data.train),
    } | ({} if decided is None else {"decision": decided})


def _fit(
    config: Config,
    training: TrainingData,
    seen: DataSet,
    model: Supervised,
    examples: Examples,
    run: RunDirectory,
    interruption: Interruption,
) -> list[dict[str, Any]]:
    data, directory, truth = training.data, run.path, truth_of(config)
    plan = model.course.lay_out(config.epochs)
    checkpoints = Checkpoints(directory / "checkpoints", model, config.keep_checkpoints)
    # Before anything is restored: workers that restore and others that do not are out of step with each other.
    check_same_step(checkpoints.newest_step(), model.distribute_strategy, config.model_dir)
    step = checkpoints.restore()
    _, epochs_done, first_step, _ = model.course.position
    rows = run.rows_of(epochs_done)
    run.write_rows("metrics.jsonl", rows)
    cut_events(directory, epochs_done)
    if not step:
        checkpoints.save(0)
    callbacks: list[keras.callbacks.Callback] = []
    if config.profile_steps:
        callbacks.append(StepProfiler(directory, *config.profile_steps))
    if config.layer_gradients_interval and hasattr(model, "layer_gradients"):
        callbacks.append(LayerGradientLog(directory, config.layer_gradients_interval, epochs_done))
    figures = (*RUN_FIGURES, *model.declared_figures)
    begun = epochs_done + first_step / examples.steps_per_epoch
    # The line has no room to say what else than the truth a figure is measured against.
    shown = [figure for figure in figures if truth is KNOWN or not figure.needs_truth]
    progress = Progress(config.epochs, examples.steps_per_epoch, begun, figures=shown)
    intervals = {"": config.eval_interval, "_ema": config.parameter_average_eval_interval}
    right, basis = training.right(truth), truth.basis if truth else ""
    log = EpochLog(directory, seen.test, right, progress, rows, intervals, seen.extra_tests, basis)
    agreed = any_worker(model.distribute_strategy)
    steps = None if plan.partial else config.epochs * examples.steps_per_epoch
    safeguard = Safeguard(checkpoints, interruption, config.epochs, steps, step, config.checkpoint_seconds, agreed)
    callbacks += [log, EpochPictures(directory, data, examples.given_labels, config.epochs, seen.test), safeguard]
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


def _write_models(finished: Finished, whole: Callable[[keras.Model], keras.Model], run: RunDirectory) -> None:
    """The classifier of images in two formats, and its average."""
    classifier = whole(finished.classifier)
    run.write("model.keras", classifier.save)
    if finished.average is not None:
        run.write("model_ema.keras", whole(finished.average).save)
    run.write("saved_model", lambda place: classifier.export(place, verbose=False))


def _summary(resolved: dict[str, Any], rows: list[dict[str, Any]], own: Iterable[Figure]) -> dict[str, Any]:
    """What summary.json holds of settings and epochs. Args: own: figures that the method adds."""
    last = rows[-1]
    added = {figure.name: figure for figure in own}
    named = {figure.name: figure for figure in (*RUN_FIGURES, *method_figures().values()) if figure.promised} | added
    counted = [name for name, figure in named.items() if figure.counted]
    names = """dataset method variant reward_source meta_layers weight_rule clean_images
        network noise noise_type noise_matrix labels_file true_labels measured_noise_rate imbalance
        measured_imbalance training_examples unlabelled_examples corrupt_images left_out given_labels_sha256
        decisions decisions_sha256 decided_labels corrected_labels removed_examples seed epochs"""
    return (
        {name: resolved.get(name) for name in names.split()}
        | {"steps": last["step"]}
        | {name: sum(row[name] for row in rows) if name in last else None for name in counted}
        | {name: last.get(name) for name, figure in named.items() if figure.promised and name not in counted}
        | {name: value for name, value in last.items() if name.startswith("test_")}
        | {name: last[name] for name in added if name in last and name not in counted}
        | {
            "seconds_per_step": float(np.median([row["seconds_per_step"] for row in rows])),
            "seconds_total": sum(row["seconds"] for row in rows),
            "peak_memory_bytes": peak_memory(),
        }
    )


def _resolved(config: Config, training: TrainingData) -> dict[str, Any]:
    """What config.json holds: all settings, and what they came to on this machine."""
    data, truth = training.data, truth_of(config)
    right = training.right(truth)
    return dict(config) | {
        "variant": identify(config).variant,
        "clean_images": 0 if data.holdout is None else len(data.holdout),
        "command": f"python -m ieg_fsr.main {command_line(config)}",
        "training_examples": len(data.train),
        "unlabelled_examples": int(np.sum(~labelled(training.given_labels))),
        "test_examples": len(data.test),
        "num_classes": data.num_classes,
        "corrupt_images": len(data.damaged_files),
        "corrupt_files": list(data.damaged_files),
        "left_out": dict(data.left_out),
        "true_labels": truth.name if truth else "not known",
        "measured_noise_rate": None if right is None else float(np.mean(~right[labelled(training.given_labels)])),
        "measured_imbalance": measured_imbalance(data.train.labels),
        "given_labels_sha256": labels_sha256(training.given_labels),
        "data_sha256": training.decided.data_sha256,
        **training.decided.figures,
        **METHODS[config.method].resolved(config, data),
        "jit_compile_resolved": resolved_jit(config),
        "versions": {"ieg_fsr": VERSION}
        | {name: metadata.version(name) for name in ("keras", "numpy")}
        | {"tensorflow": tf.__version__, "python": platform.python_version()},
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
