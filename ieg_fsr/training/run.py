"""`--mode=train`: checks what can be checked at once, then loads TensorFlow and trains."""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

from ieg_fsr.configuration.flags import command_line
from ieg_fsr.configuration.settings import Config
from ieg_fsr.quiet_import import import_tensorflow
from ieg_fsr.training.distribution import Place, ends_with_the_others, loss_noticed, place_of
from ieg_fsr.training.inputs import load_training_data, resolved_dictionary_size
from ieg_fsr.training.monitoring.progress import clock
from ieg_fsr.training.survival.failures import explained
from ieg_fsr.training.survival.interruption import Interruption
from ieg_fsr.training.survival.run_directory import RunDirectory, run_directory


def train(config: Config, report: Callable[[str], None] = print) -> dict[str, Any]:
    """Trains as `config` says and returns the summary.

    Args:
        config: resolved settings.
        report: receives what a user should read.

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
            report(f"{run.path} holds this run, finished; --noresume trains it again.\n{describe(finished)}")
            return finished
        with Interruption(model_dir, again) as interruption, run:
            return _train(config, run, place, interruption, report)


def _train(
    config: Config,
    run: RunDirectory,
    place: Place,
    interruption: Interruption,
    report: Callable[[str], None],
) -> dict[str, Any]:
    training = load_training_data(config)
    import_tensorflow()
    from ieg_fsr.training.execution import execute

    notes = training.data.notes
    report("\n".join([f"python -m ieg_fsr.main {command_line(config)}", _settings_text(config), *notes]))
    places = resolved_dictionary_size(config, len(training.given_labels))
    if config.has_dictionary and places < config.dictionary_size:
        report(f"a dictionary of all {places} training examples: the recipe's size is for more of them")
    if config.reweights and config.epochs <= config.reweight_warmup_epochs:
        report(f"weights stay uniform: warm-up takes all {config.epochs} epochs")
    with loss_noticed(place):
        summary = execute(config, training, run, interruption)
    report(f"{describe(summary)}\nfiles           {run.path}")
    return summary


def describe(summary: dict[str, Any]) -> str:
    """What a user wants to read at the end of a run."""
    lines = [
        f"method          {summary['variant']}",
        f"test accuracy   {summary['test_accuracy']:.4f}  (parameter average: {summary['test_accuracy_ema']:.4f})",
        f"wrong labels    {summary['measured_noise_rate']:.4f} of the training set",
    ]
    if summary["dictionary_purity"] is not None:
        lines.append(f"dictionary      {summary['dictionary_purity']:.4f} of its labels right")
    if summary["clean_images"]:
        lines.append(f"clean images    {summary['clean_images']}, held out with their true labels")
    if summary["zero_weight_ratio"] is not None:
        lines += [
            f"mean weight     right labels {_figure(summary['weight_clean'])}, wrong labels "
            f"{_figure(summary['weight_noisy'])}; {summary['zero_weight_ratio']:.3f} of all are zero",
        ]
    if summary["zero_weight_batches"]:
        lines.append(f"batches         {summary['zero_weight_batches']} had no sample of weight above zero")
    return "\n".join([*lines, f"time            {clock(summary['seconds_total'])}"])


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
