"""One run at a time in a directory: a lock that its process takes with it, however it ends."""

import fcntl
import os
import pathlib
from typing import IO

from ieg_fsr.errors import UserError

_LOCK = "lock"


class RunLock:
    """Within `with`, the directory belongs to this process: at once where it exists, else from `acquire` on.

    The lock is the operating system's (flock) on a file that holds the number of the process.
    """

    def __init__(self, directory: pathlib.Path) -> None:
        """Args: directory: of the run; need not exist yet."""
        self.directory = directory
        self._file: IO[str] | None = None

    def __enter__(self) -> "RunLock":
        if self.directory.is_dir():
            self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            (self.directory / _LOCK).unlink(missing_ok=True)
            self._file.close()
            self._file = None

    def acquire(self) -> None:
        """Takes the lock, if it is not held yet.

        Raises:
            UserError: another process holds it, or the directory cannot be written to.
        """
        path = self.directory / _LOCK
        while self._file is None:
            try:
                file = open(path, "a+", encoding="ascii")  # noqa: SIM115 (stays open)
            except OSError as error:
                raise UserError(
                    f"--model_dir must be a writable directory ({error.strerror}). Received: {self.directory}"
                ) from None
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._refuse(file)
            # Its holder may have removed the file between the two calls.
            if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                self._file = file
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def _refuse(self, file: IO[str]) -> None:
        file.seek(0)
        number = file.read().strip()
        file.close()
        who = f" (process {number})" if number else ""
        raise UserError(f"--model_dir must not be in use by another run{who}. Received: {self.directory}") from None
