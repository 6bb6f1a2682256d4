"""Ctrl-C and SIGTERM: training finishes its step and saves; what is not training ends at once."""

import contextlib
import os
import pathlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from ieg_fsr.errors import Interrupted
from ieg_fsr.training.survival.snapshot import find_snapshots

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Within `with`, the first signal is answered by `Interrupted`, at once or, while deferred, when asked for.

    Its name, such as "SIGTERM", is `requested` then. A second signal ends the process without waiting for anything:
    every file is whole at any time. Signals can be handled by the main thread only; in another one this does nothing.
    """

    def __init__(self, directory: str | pathlib.Path, again: str = "the same command") -> None:
        """Args: directory, again: for the message: of the run, and what goes on with it."""
        self.directory, self.again, self.requested = directory, again, ""
        self._deferred = False
        self._earlier: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        self._earlier = self._listen()
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Lets signals wait until `stop` is called, or until the end of this block."""
        # Once more: TensorFlow takes SIGTERM for itself where workers find each other.
        self._listen()
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False
        if self.requested:
            self.stop("after the last step")

    def _listen(self) -> dict[int, Any]:
        """Takes the signals; returns who had them."""
        if threading.current_thread() is not threading.main_thread():
            return {}
        return {number: signal.signal(number, self._handle) for number in _SIGNALS}

    def stop(self, where: str) -> None:
        """Raises `Interrupted`. Args: where: what has been reached, such as "after step 7 of 10"."""
        # Without a signal of its own, a worker stops for one that had it.
        raise Interrupted(self._message(self.requested or "another worker", where))

    def _handle(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if self.requested:
            os.write(2, f"ieg_fsr: {self._message(name, 'at once')}\n".encode())
            os._exit(Interrupted.exit_code)
        self.requested = name
        if not self._deferred:
            self.stop("outside of training")

    def _message(self, name: str, where: str) -> str:
        saved = find_snapshots(pathlib.Path(self.directory) / "checkpoints")
        goes_on = f"goes on from the last checkpoint in {self.directory}"
        return f"stopped by {name} {where}; {self.again} {goes_on if saved else 'begins anew: no checkpoint was made'}"
