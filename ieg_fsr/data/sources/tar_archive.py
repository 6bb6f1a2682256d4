"""Files from a .tar.gz archive of unknown origin, read in memory: nothing of it is written to disk."""

import gzip
import os
import tarfile
import zlib
from collections.abc import Container

# What an archive may hold unpacked: six times what CIFAR's do. A small file can hold much more.
LARGEST_ARCHIVE = 2**30


class DamagedError(ValueError):
    """A file or an archive is not what it should be; the message reads "must ... Received: ..."."""


def read_members(path: str | os.PathLike, wanted: Container[str]) -> dict[str, bytes]:
    """The regular files of these names, by name; a leading `./` does not count. Links are not followed.

    Raises:
        DamagedError: damaged, cut off, or larger unpacked than `LARGEST_ARCHIVE`.
    """
    files = {}
    try:
        with gzip.open(path) as stream:
            limited = _Limited(stream)
            with tarfile.open(fileobj=limited, mode="r|") as archive:  # type: ignore[call-overload]
                for entry in archive:
                    # The holes of a sparse file take no bytes in the archive.
                    if entry.size > LARGEST_ARCHIVE:
                        raise DamagedError(f"must hold at most {LARGEST_ARCHIVE} bytes. Received: {entry.size}")
                    name = entry.name.removeprefix("./")
                    handle = archive.extractfile(entry) if name in wanted and entry.isreg() else None
                    if handle is not None:
                        files[name] = handle.read()
            # The checksum of a gzip file is at its very end, behind the end of the archive.
            while limited.read(1 << 20):
                pass
    except DamagedError:
        raise
    except (OSError, EOFError, ValueError, ArithmeticError, zlib.error, tarfile.TarError) as error:
        raise DamagedError(f"must be a complete .tar.gz archive. Received: {one_line(error)}") from error
    return files


def one_line(error: Exception) -> str:
    """An error of somebody else's code within a message."""
    return " ".join(f"{error}".split())[:200] or type(error).__name__


class _Limited:
    """A stream that ends with an error where an archive is too large."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self._stream, self._left = stream, LARGEST_ARCHIVE

    def read(self, size: int) -> bytes:
        content = self._stream.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise DamagedError(f"must hold at most {LARGEST_ARCHIVE} bytes. Received: more")
        return content
