"""What the world does to a run that had begun: a full disk, a directory that is read-only now, data that have gone."""

import contextlib
import errno
import os
import pathlib
import re
import sys
from collections.abc import Iterator

from ieg_fsr.errors import RunError
from ieg_fsr.training.survival.snapshot import find_snapshots

# TensorFlow's errors for files, by name: this module is loaded before TensorFlow is.
_OF_FILES = {
    *("NotFoundError", "PermissionDeniedError", "ResourceExhaustedError", "DataLossError", "UnavailableError"),
    *("UnknownError", "FailedPreconditionError"),
}
_REASONS = [os.strerror(number) for number in (errno.ENOENT, errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO)]
_REASONS += [os.strerror(number) for number in (errno.EDQUOT, errno.EFBIG, errno.ENOTDIR, errno.ESTALE)]


@contextlib.contextmanager
def explained(directory: pathlib.Path, again: str = "the same command") -> Iterator[None]:
    """Turns what the operating system refuses into a RunError, which names it and the checkpoint that is left.

    Args: directory: of the run. again: what goes on with it, for the message.
    """
    try:
        yield
    except OSError as error:
        place = error.filename or directory
        raise RunError(_message(f"{error.strerror or error}: {place}", directory, again)) from None
    except Exception as error:
        reason = _tensorflow_reason(error)
        if reason is None:
            raise
        raise RunError(_message(reason, directory, again)) from None


def _message(reason: str, directory: pathlib.Path, again: str) -> str:
    saved = find_snapshots(directory / "checkpoints")
    left = f"the checkpoint of step {saved[0][0]} is whole, and" if saved else "no checkpoint was made:"
    return f"the run cannot go on ({reason}); {left} {again} goes on when this is put right"


def _tensorflow_reason(error: Exception) -> str | None:
    """The line of TensorFlow's message that the operating system wrote; None for an error of another kind."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None or not isinstance(error, tensorflow.errors.OpError):
        return None
    for reason in _REASONS:
        if found := re.search(rf"([^\s;:()\[\]]*)\s*[;:]?\s*{re.escape(reason)}", str(error)):
            return f"{reason}: {found.group(1)}" if found.group(1) else reason
    return str(error).strip().splitlines()[0] if type(error).__name__ in _OF_FILES else None
