"""The directory of a run: who may use it, what an earlier run left there, and files that appear in it whole."""

import contextlib
import json
import math
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ieg_fsr import files
from ieg_fsr.configuration.settings import SETTINGS, Config, before, canonical, defaults_for
from ieg_fsr.data.labels.decisions import file_sha256
from ieg_fsr.errors import UserError
from ieg_fsr.files import TEMPORARY, parse_json
from ieg_fsr.methods.registry import method_figures
from ieg_fsr.setting import COMPUTED

if TYPE_CHECKING:
    import filelock

# What a run goes on from.
_STATE = ("given_labels.csv", "metrics.jsonl", "layer_gradients.jsonl", "summary.json", "checkpoints")
# Everything a run may leave in its directory, for --noresume.
_FILES = (
    *_STATE,
    *(
        "labels.csv",
        "model*.keras",
        "model_card.md",
        "saved_model",
        "events.out.tfevents.*",
        "plugins",
        f"{TEMPORARY}*",
    ),
    # Last: until all of the run is gone, the directory is that of its settings.
    "config.json",
)
# What a finished run tells its user.
_FIGURES = ("test_accuracy", "test_accuracy_ema", "seconds_total")
# And what may not be known.
_MAYBE = ("clean_images", "measured_noise_rate")
# Seconds: another process may remove the file of its lock while this one asks for it, which is no refusal.
_PATIENCE = 0.2


class RunDirectory:
    """The directory of a run, and the only writer of the files at its top.

    Within `with`, it belongs to this process: at once where it exists, else from `begin` on. The lock is the operating
    system's (flock) on a file that holds the number of the process: it ends with its process, however that ends.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        """Args: path: need not exist yet."""
        self.path = pathlib.Path(path)
        self._lock: filelock.FileLock | None = None

    def __enter__(self) -> "RunDirectory":
        if self.path.is_dir():
            self.lock()
        return self

    def __exit__(self, *error: object) -> None:
        if self._lock is not None:
            # While it is held: afterwards the file may be that of another process.
            pathlib.Path(self._lock.lock_file).unlink(missing_ok=True)
            self._lock.release()
            self._lock = None

    def lock(self) -> None:
        """Takes the lock, if it is not held yet; UserError where another process holds it, or nobody may write."""
        if self._lock is not None:
            return
        import filelock  # 50 ms, for which the answer to a wrong flag does not wait

        lock = filelock.FileLock(
            self.path / "lock",
            _PATIENCE,
            thread_local=False,
            fallback_to_soft=False,
            on_acquired=lambda descriptor: os.write(descriptor, f"{os.getpid()}\n".encode("ascii")),
        )
        try:
            lock.acquire()
        except filelock.Timeout:
            number = ""
            with contextlib.suppress(OSError):
                number = (self.path / "lock").read_text(encoding="ascii").strip()
            who = f" (process {number})" if number else ""
            raise UserError(f"--model_dir must not be in use by another run{who}. Received: {self.path}") from None
        except OSError as error:
            if error.filename is None:  # Of the lock itself: a file system that has none.
                raise
            raise UserError(
                f"--model_dir must be a writable directory ({error.strerror}). Received: {self.path}"
            ) from None
        self._lock = lock

    def begin(self, config: Config, resolved: Mapping[str, Any]) -> None:
        """Makes and locks the directory, checks once more what it holds; clears it for a run that does not resume.

        Args: resolved: what config.json is to hold.
        """
        files.make_directory(self.path)
        self.lock()
        # Another run may have begun here while this one loaded its data.
        self.earlier_run(config)
        if config.resume:
            self.check_same_labels(resolved["given_labels_sha256"])
            self.check_same_features(resolved.get("features_sha256"))
            self.check_same_decisions(resolved.get("decisions_sha256"))
        else:
            self.clear()
        self.sweep()

    def keep_config(self, resolved: dict[str, Any]) -> dict[str, Any]:
        """Writes config.json, once for a run; the settings, with the time at which the run began, goes it on or not."""
        earlier = self._settings()
        if earlier is None:
            self.write_json("config.json", resolved)
        return resolved | {"started": (earlier or resolved).get("started", "a time that is not known")}

    def earlier_run(self, config: Config) -> dict[str, Any] | None:
        """The summary of a finished run with the same settings; None if there is something to train; else UserError."""
        earlier = self._settings()
        if earlier is None:
            files.remove_empty(files.make_directory(self.path))
            return None
        if not config.resume:
            return None
        # What the run has no entry for came later, and the run did what its default does.
        earlier = defaults_for(config.method) | before(config.method) | canonical(earlier)
        settings, earlier = (json.loads(json.dumps(values)) for values in (dict(config), earlier))
        kept = [name for name in settings if SETTINGS[name].kept or SETTINGS[name].role == COMPUTED]
        differing = [name for name in kept if settings[name] != earlier.get(name)]
        if differing:
            values = ", ".join(f"{name} {earlier.get(name)} there, {settings[name]} now" for name in differing)
            raise UserError(
                f"--model_dir must be new or hold a run with the same settings ({values}); --noresume replaces the "
                f"run. Received: {self.path}"
            )
        summary = self._whole_summary()
        if summary and config.decisions:
            # A finished run does not need the file any more; where it is there, it must be the same.
            self.check_same_decisions(file_sha256(config.decisions))
        return summary

    def _settings(self) -> dict[str, Any] | None:
        """What config.json holds; None without one. One that is not whole even --noresume leaves alone: UserError."""
        try:
            settings = parse_json((self.path / "config.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UserError(
                f"--model_dir must be a readable directory ({error.strerror}). Received: {self.path}"
            ) from None
        except ValueError:
            settings = None
        if not isinstance(settings, dict):
            raise UserError(f"--model_dir must be new or a run with a whole config.json. Received: {self.path}")
        return settings

    def _whole_summary(self) -> dict[str, Any] | None:
        """summary.json; None without one, or with a damaged one, which the last checkpoint can make again."""
        try:
            summary = parse_json((self.path / "summary.json").read_text(encoding="utf-8"))
            figures = [summary[name] for name in _FIGURES]
            promised = [figure.name for figure in method_figures().values() if figure.promised]
            maybe = [summary[name] for name in (*_MAYBE, *promised)] + [summary.get("estimated_noise_rate")]
            figures += [value for value in maybe if value is not None]
            return summary if all(map(math.isfinite, figures)) and isinstance(summary["variant"], str) else None
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def check_same_labels(self, given_labels_sha256: str) -> None:
        """An interrupted run goes on with the labels that it began with, whatever their file holds now: UserError."""
        changed = "given labels (the data set, --labels_file or --noise_matrix has changed since)"
        self._check_same("given_labels_sha256", given_labels_sha256, changed)

    def check_same_features(self, features_sha256: str | None) -> None:
        """And with the features of the same images by the same frozen backbone: UserError."""
        changed = "frozen features (images or the backbone's parameters have changed since)"
        self._check_same("features_sha256", features_sha256, changed)

    def check_same_decisions(self, decisions_sha256: str | None) -> None:
        """And with the decisions: UserError. Args: decisions_sha256: None for what is not known."""
        if decisions_sha256 is not None:
            self._check_same("decisions_sha256", decisions_sha256, "decisions (--decisions has changed since)")

    def _check_same(self, name: str, sha256: str | None, what: str) -> None:
        """Raises UserError if config.json holds another hash. Args: what: it is of, and why it may be another."""
        if (self._settings() or {}).get(name, sha256) != sha256:
            raise UserError(
                f"--model_dir must be new or hold a run with the same {what}; --noresume replaces the run. "
                f"Received: {self.path}"
            )

    def rows_of(self, epochs: int) -> list[dict[str, Any]]:
        """The rows of metrics.jsonl of the first epochs; UserError if it does not have them."""
        try:
            rows = files.read_json_lines(self.path / "metrics.jsonl")[:epochs] if epochs else []
        except (OSError, ValueError):
            rows = []
        if [row.get("epoch") for row in rows if isinstance(row, dict)] != list(range(1, epochs + 1)):
            raise UserError(
                f"--model_dir must be new or a run with a whole metrics.jsonl, here of {epochs} epochs; --noresume "
                f"replaces the run. Received: {self.path}"
            )
        return rows

    def sweep(self) -> None:
        """Removes what a killed process was writing."""
        for folder in (self.path, self.path / "checkpoints"):
            for path in folder.glob(f"{TEMPORARY}*"):
                shutil.rmtree(path)

    def clear(self) -> None:
        """Removes the files of an earlier run, and no others."""
        for pattern in _FILES:
            for path in self.path.glob(pattern):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def write(self, name: str, write: Callable[[str], Any]) -> None:
        """Lets `write` make a file or directory of this name, which appears whole or not at all."""
        files.write_whole(self.path / name, write)

    def write_json(self, name: str, value: Any) -> None:
        """Writes JSON, whole or not at all."""
        files.write_json(self.path / name, value)

    def write_rows(self, name: str, rows: Iterable[dict]) -> None:
        """Writes one JSON object a line, whole or not at all."""
        files.write_json_lines(self.path / name, rows)

    def write_columns(self, name: str, columns: Mapping[str, Any]) -> None:
        """Writes CSV with a header, whole or not at all. Args: columns: of equal length, by name."""
        files.write_columns(self.path / name, list(columns), list(columns.values()))


@contextlib.contextmanager
def run_directory(model_dir: str | os.PathLike, *, first_worker: bool = True) -> Iterator[RunDirectory]:
    """Where this process reads and writes the run: `model_dir`, or for workers but the first a copy of its state.

    All workers compute the same, and go on from the same checkpoint: the first one's, in a directory that all see.
    """
    if first_worker:
        yield RunDirectory(model_dir)
        return
    with tempfile.TemporaryDirectory(prefix="ieg_fsr-worker-") as scratch:
        for name in ("config.json", *_STATE):
            path = pathlib.Path(model_dir) / name
            if path.is_dir():
                shutil.copytree(path, pathlib.Path(scratch) / name)
            elif path.exists():
                shutil.copy(path, scratch)
        yield RunDirectory(scratch)
