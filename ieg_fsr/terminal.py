"""Standard streams of the command lines: letters that a terminal does not have, and a reader that has gone."""

import codecs
import io
import os
import sys
from typing import Any


class _Unread(io.FileIO):
    """A stream whose reader may leave before the end, as `head` does: what comes after that goes nowhere."""

    def write(self, data: bytes) -> int:  # type: ignore[override]
        try:
            return super().write(data)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return len(data)


def make_streams_patient() -> None:
    """Lets standard output and error take any text, and outlive their readers; for a process that is a command line.

    A run whose output nobody reads any more is not lost by that: it goes on to its end.
    """
    codecs.register_error("spelled", _spelled)
    sys.stdout, sys.stderr = _patient(sys.stdout), _patient(sys.stderr)


def _patient(stream: Any) -> io.TextIOWrapper:
    """The stream anew, over the same file."""
    stream.flush()
    raw: Any = _Unread(stream.fileno(), "w", closefd=False)
    line_buffering = stream.line_buffering or stream.write_through
    return io.TextIOWrapper(io.BufferedWriter(raw), stream.encoding, "spelled", line_buffering=line_buffering)


def _spelled(error: UnicodeError) -> tuple[str | bytes, int]:
    """What stands for a letter that an encoding does not have; a path may hold bytes that are none."""
    assert isinstance(error, UnicodeEncodeError)
    if error.object[error.start] == "±":
        return "+-", error.start + 1
    return codecs.backslashreplace_errors(error)
