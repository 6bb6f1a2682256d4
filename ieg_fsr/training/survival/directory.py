"""The directory of a run: whether it may be used, and what an earlier run left there."""

import json
import math
import pathlib
import shutil
from typing import Any

from ieg_fsr.configuration.settings import SETTINGS, Config, canonical
from ieg_fsr.errors import UserError
from ieg_fsr.files import make_directory, parse_json, read_json_lines, remove_empty
from ieg_fsr.methods.registry import method_figures
from ieg_fsr.setting import COMPUTED

# Everything a run may leave in its directory, for --noresume.
RUN_FILES = (
    "metrics.jsonl",
    "layer_gradients.jsonl",
    "summary.json",
    "labels.csv",
    "given_labels.csv",
    "model*.keras",
    "model_card.md",
    "saved_model",
    "checkpoints",
    "events.out.tfevents.*",
    "plugins",
    ".writing-*",
    # Last: until all of the run is gone, the directory is that of its settings.
    "config.json",
)
# What a finished run tells its user.
_FIGURES = ("test_accuracy", "test_accuracy_ema", "measured_noise_rate", "seconds_total")


def earlier_run(directory: pathlib.Path, config: Config) -> dict[str, Any] | None:
    """Looks at what the directory holds.

    Args:
        directory: of the run to come; need not exist.
        config: settings of the run to come.

    Returns:
        The summary of a finished run with the same settings; None if there is something to train.

    Raises:
        UserError: it holds a run with other settings, or cannot be written to.
    """
    earlier = _settings_there(directory)
    if earlier is None:
        remove_empty(make_directory(directory))
        return None
    if not config.resume:
        return None
    settings, earlier = json.loads(json.dumps(dict(config))), canonical(earlier)
    kept = [name for name in settings if SETTINGS[name].kept or SETTINGS[name].role == COMPUTED]
    differing = [name for name in kept if settings[name] != earlier.get(name)]
    if differing:
        values = ", ".join(f"{name} {earlier.get(name)} there, {settings[name]} now" for name in differing)
        raise UserError(
            f"--model_dir must be new or hold a run with the same settings ({values}); --noresume replaces the run. "
            f"Received: {directory}"
        )
    return _whole_summary(directory)


def _settings_there(directory: pathlib.Path) -> dict[str, Any] | None:
    """What config.json holds; None without one.

    Raises:
        UserError: it is damaged, or of another program: even --noresume leaves that directory alone.
    """
    try:
        settings = parse_json((directory / "config.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"--model_dir must be a readable directory ({error.strerror}). Received: {directory}") from None
    except ValueError:
        settings = None
    if not isinstance(settings, dict):
        raise UserError(f"--model_dir must be new or a run with a whole config.json. Received: {directory}")
    return settings


def _whole_summary(directory: pathlib.Path) -> dict[str, Any] | None:
    """What summary.json holds; None without one, or with a damaged one, which the last checkpoint can make again."""
    try:
        summary = parse_json((directory / "summary.json").read_text(encoding="utf-8"))
        figures = [summary[name] for name in _FIGURES]
        of_some = ("clean_images", *method_figures())
        figures += [summary[name] for name in of_some if summary.get(name) is not None]
        return summary if all(map(math.isfinite, figures)) and isinstance(summary["variant"], str) else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def check_same_labels(directory: pathlib.Path, given_labels_sha256: str) -> None:
    """An interrupted run goes on with the labels that it began with, whatever the file they came from holds now.

    Raises:
        UserError: the labels are others.
    """
    earlier = _settings_there(directory) or {}
    if earlier.get("given_labels_sha256", given_labels_sha256) != given_labels_sha256:
        raise UserError(
            "--model_dir must be new or hold a run with the same given labels (the data set, --labels_file or "
            f"--noise_matrix has changed since); --noresume replaces the run. Received: {directory}"
        )


def rows_of(directory: pathlib.Path, epochs: int) -> list[dict[str, Any]]:
    """The rows of metrics.jsonl of the first epochs.

    Raises:
        UserError: it does not have them.
    """
    try:
        rows = read_json_lines(directory / "metrics.jsonl")[:epochs] if epochs else []
    except (OSError, ValueError):
        rows = []
    if [row.get("epoch") for row in rows if isinstance(row, dict)] != list(range(1, epochs + 1)):
        raise UserError(
            f"--model_dir must be new or a run with a whole metrics.jsonl, here of {epochs} epochs; --noresume "
            f"replaces the run. Received: {directory}"
        )
    return rows


def sweep(directory: pathlib.Path) -> None:
    """Removes what a killed process was writing."""
    for folder in (directory, directory / "checkpoints"):
        for path in folder.glob(".writing-*"):
            shutil.rmtree(path)


def clear(directory: pathlib.Path) -> None:
    """Removes the files of an earlier run, and no others."""
    for pattern in RUN_FILES:
        for path in directory.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
