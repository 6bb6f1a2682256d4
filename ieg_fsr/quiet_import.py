"""Imports TensorFlow without its start-up notes, which are logged too early for any setting to silence them.

The same way serves for other native code that writes to stderr and cannot be told not to.
"""

import contextlib
import functools
import os
import re
import sys
import tempfile
from collections.abc import Iterator

# Comes before the first line that is logged, whatever that is; on a CPU without AVX-512 that may be a decoder's.
_BEFORE_THE_FIRST = re.compile(rb"before absl::InitializeLog\(\)")
# The last two say in the full TensorFlow that a machine has no NVIDIA driver (303: there is no libcuda).
_NOTES = re.compile(
    rb"oneDNN custom operations are on"
    rb"|Could not find cuda drivers on your machine|Failed call to cuInit: UNKNOWN ERROR \(303\)"
)


@contextlib.contextmanager
def without_lines(known: re.Pattern[bytes]) -> Iterator[None]:
    """Holds back what is written to stderr, by native code too, and passes on at the end all lines but the known."""
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
                if not known.search(line) and not _BEFORE_THE_FIRST.search(line):
                    os.write(2, line)


# Holds back TensorFlow's notes.
without_startup_notes = functools.partial(without_lines, _NOTES)


def import_tensorflow() -> None:
    """Imports TensorFlow and Keras; logs below warnings are left out unless TF_CPP_MIN_LOG_LEVEL asks for them."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with without_startup_notes():
        import keras  # noqa: F401
        import tensorflow as tf

        # The notes on drivers come when devices are looked for.
        tf.config.list_physical_devices()
