"""Imports TensorFlow without its start-up notes, which are logged too early for any setting to silence them."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

_NOTES = re.compile(rb"oneDNN custom operations are on|before absl::InitializeLog\(\)")


@contextlib.contextmanager
def without_startup_notes() -> Iterator[None]:
    """Holds back what is written to stderr, by native code too, and passes on all but the known notes."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            for line in held:
                if not _NOTES.search(line):
                    os.write(2, line)


def import_tensorflow() -> None:
    """Imports TensorFlow and Keras; logs below warnings are left out unless TF_CPP_MIN_LOG_LEVEL asks for them."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with without_startup_notes():
        import keras  # noqa: F401
        import tensorflow  # noqa: F401
