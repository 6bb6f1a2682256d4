"""`--mode=train`: checks what can be checked at once, then loads TensorFlow and trains."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from ieg_fsr.configuration.flags import command_line
from ieg_fsr.data.labels.truth import KNOWN, Truth, truth_of
from ieg_fsr.figures import sentence
from ieg_fsr.methods.registry import METHODS, method_figures
from ieg_fsr.quiet_import import import_tensorflow
from ieg_fsr.setting import Config
from ieg_fsr.training.distribution import ends_with_the_others, place_of
from ieg_fsr.training.inputs import decisions_in_words, load_training_data
from ieg_fsr.training.monitoring.progress import clock
from ieg_fsr.training.survival.failures import explained
from ieg_fsr.training.survival.interruption import Interruption
from ieg_fsr.training.survival.run_directory import run_directory


def train(config: Config, report: Callable[[str], None] = print) -> dict[str, Any]:
    """Trains as `config` says and returns the summary; `report` receives what a user should read.

    Raises:
        UserError: the settings do not fit the data or the directory, or another run is at work in it.
        RunError: training diverged, or what it reads or writes failed it.
        Interrupted: Ctrl-C or SIGTERM.
    """
    assert config.model_dir is not None, "resolve() names a directory for every training run"
    place = place_of(config)
    model_dir = pathlib.Path(config.model_dir)
    again = "the same command" if config.resume else "the same command without --noresume"
    with (
        explained(model_dir, again),
        ends_with_the_others(config.model_dir, place, again),
        run_directory(config.model_dir, first_worker=place.worker == 0) as run,
    ):
        finished = run.earlier_run(config)
        if finished:
            told = describe(finished, truth_of(config))
            report(f"{run.path} holds this run, finished; --noresume trains it again.\n{told}")
            return finished
        with Interruption(model_dir, again) as interruption, run:
            training = load_training_data(config)
            import_tensorflow()
            from ieg_fsr.training.execution import execute

            notes = training.data.notes
            report("\n".join([f"python -m ieg_fsr.main {command_line(config)}", _settings_text(config), *notes]))
            for line in METHODS[config.method].notes(config, training.data):
                report(line)
            summary = execute(config, training, run, interruption)
            report(f"{describe(summary, truth_of(config))}\nfiles           {run.path}")
            return summary


def describe(summary: dict[str, Any], truth: Truth | None) -> str:
    """What a user wants to read at the end of a run. Args: truth: what is known of true labels in it."""
    judged = "" if truth is KNOWN else ", by the labels in the data"
    average = f"(parameter average: {summary['test_accuracy_ema']:.4f})"
    lines = [
        f"method          {summary['variant']}",
        f"test accuracy   {summary['test_accuracy']:.4f}  {average}{judged}",
        *_wrong_labels(summary, truth),
    ]
    if summary.get("unlabelled_examples"):
        lines.append(f"unlabelled      {summary['unlabelled_examples']} training examples; labels.csv suggests labels")
    if summary.get("decisions_sha256"):
        lines.append(f"decided         {decisions_in_words(summary)}")
    if summary.get("clean_images"):
        which = "true labels" if truth is KNOWN else "labels in the data"
        lines.append(f"clean images    {summary['clean_images']}, held out with their {which}")
    for name, figure in method_figures().items():
        # Where there was nothing to count, there is nothing to tell; and what nobody knows an earlier version told.
        told = figure.told if truth or not figure.needs_truth else None
        if told and summary.get(name) is not None and (summary[name] or not figure.counted):
            label, template = told
            lines.append(f"{label:<15} {sentence(template, summary | (truth.words if truth else {}))}")
    if summary.get("method") in METHODS:
        lines += METHODS[summary["method"]].conclusion(summary)
    return "\n".join([*lines, f"time            {clock(summary['seconds_total'])}"])


def _wrong_labels(summary: Mapping[str, Any], truth: Truth | None) -> list[str]:
    """How many labels are wrong, by the truth and by what training estimates, as far as either is known."""
    measured, estimate = summary["measured_noise_rate"], summary.get("estimated_noise_rate")
    if truth is KNOWN and measured is not None:
        near = "" if estimate is None else f" (estimated: {estimate:.4f}, {estimate - measured:+.4f})"
        return [f"wrong labels    {measured:.4f} of the training set{near}"]
    guess = "not known" if estimate is None else f"about {estimate:.4f} of the training set: an estimate of training's"
    lines = [f"wrong labels    {guess}"]
    if truth and measured is not None:
        lines.append(f"changed labels  {measured:.4f} of the training set; what was wrong before is not known")
    return lines


def _settings_text(config: Config, width: int = 110) -> str:
    """All settings as name=value, filled into lines."""
    lines, line = [], ""
    for name, value in config.items():
        word = f"{name}={value}"
        if line and len(line) + len(word) + 2 > width:
            lines.append(line)
            line = ""
        line = f"{line}  {word}" if line else word
    return "\n".join([*lines, line])
