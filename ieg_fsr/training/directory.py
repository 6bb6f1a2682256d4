"""The directory of a run: whether it may be used, and what an earlier run left there."""

import dataclasses
import json
import pathlib
import shutil
from typing import Any

from ieg_fsr.config import PLACES, Config
from ieg_fsr.errors import UserError
from ieg_fsr.files import make_directory

# Everything a run may leave in its directory, for --noresume.
RUN_FILES = (
    "config.json",
    "metrics.jsonl",
    "layer_gradients.jsonl",
    "summary.json",
    "labels.csv",
    "given_labels.csv",
    "model*.keras",
    "saved_model",
    "checkpoints",
    "events.out.tfevents.*",
    "plugins",
)


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
    try:
        earlier = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        for made in make_directory(directory):
            made.rmdir()
        return None
    except ValueError:
        raise UserError(f"--model_dir must be new or a run with a whole config.json. Received: {directory}") from None
    if not config.resume:
        return None
    settings = json.loads(json.dumps(dataclasses.asdict(config)))
    # A run of an older version has no entry for a newer setting, and did what its default does.
    earlier = json.loads(json.dumps(dataclasses.asdict(Config()))) | earlier
    differing = [name for name in settings if name not in PLACES and settings[name] != earlier[name]]
    if differing:
        values = ", ".join(f"{name} {earlier[name]} there, {settings[name]} now" for name in differing)
        raise UserError(
            f"--model_dir must be new or hold a run with the same settings ({values}); --noresume replaces the run. "
            f"Received: {directory}"
        )
    summary = directory / "summary.json"
    return json.loads(summary.read_text(encoding="utf-8")) if summary.exists() else None


def check_same_labels(directory: pathlib.Path, given_labels_sha256: str) -> None:
    """An interrupted run goes on with the labels that it began with, whatever the file they came from holds now.

    Raises:
        UserError: the labels are others.
    """
    path = directory / "config.json"
    earlier = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if earlier.get("given_labels_sha256", given_labels_sha256) != given_labels_sha256:
        raise UserError(
            "--model_dir must be new or hold a run with the same given labels (the data set, --labels_file or "
            f"--noise_matrix has changed since); --noresume replaces the run. Received: {directory}"
        )


def clear(directory: pathlib.Path) -> None:
    """Removes the files of an earlier run, and no others."""
    for pattern in RUN_FILES:
        for path in directory.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
