"""`--mode=train`: checks what can be checked at once, then loads TensorFlow and trains."""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

from ieg_fsr.command_line import command_line
from ieg_fsr.config import Config
from ieg_fsr.quiet_import import import_tensorflow
from ieg_fsr.training.directory import earlier_run
from ieg_fsr.training.inputs import load_training_data, resolved_dictionary_size
from ieg_fsr.training.progress import clock


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
    training = load_training_data(config)
    import_tensorflow()
    from ieg_fsr.training.execution import execute

    report("\n".join([f"python -m ieg_fsr.main {command_line(config)}", _settings_text(config), *training.data.notes]))
    places = resolved_dictionary_size(config, len(training.given_labels))
    if config.has_dictionary and places < config.dictionary_size:
        report(f"a dictionary of all {places} training examples: the recipe's size is for more of them")
    summary = execute(config, training, directory)
    report(f"{describe(summary)}\nfiles           {directory}")
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
