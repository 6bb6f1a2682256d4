"""A checkpoint on disk: `step-N/` with the arrays of a state and their checksum. NumPy only.

A snapshot appears whole or not at all. `arrays.npz` is an ordinary NumPy archive, read without pickle; `SHA256SUMS` is
what `sha256sum -c` takes. A file that was cut or changed since is found out before anything of it is used.
"""

import hashlib
import pathlib
import shutil
import zipfile
from collections.abc import Iterable

import numpy as np

from ieg_fsr.files import write_whole

_ARRAYS, _CHECKSUMS = "arrays.npz", "SHA256SUMS"


class DamagedError(Exception):
    """A snapshot is not as it was written; the message says what is wrong with it."""


def write_snapshot(directory: pathlib.Path, step: int, arrays: Iterable[tuple[str, np.ndarray]]) -> pathlib.Path:
    """Writes one snapshot into the directory of all, array by array: one at a time is in memory twice. Its place."""

    def write(place: str) -> None:
        folder = pathlib.Path(place)
        folder.mkdir()
        with zipfile.ZipFile(folder / _ARRAYS, "w") as archive:
            for name, array in arrays:
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
        (folder / _CHECKSUMS).write_text(_checksums(folder), encoding="ascii")

    directory.mkdir(exist_ok=True)
    path = directory / f"step-{step:08}"
    write_whole(path, write)
    return path


def read_snapshot(path: pathlib.Path) -> dict[str, np.ndarray]:
    """The arrays of a snapshot by name; DamagedError: a file is missing, unreadable or not the one written."""
    try:
        if (path / _CHECKSUMS).read_bytes() != _checksums(path).encode("ascii"):
            raise DamagedError(f"{_ARRAYS} does not have the checksum in {_CHECKSUMS}")
        with np.load(path / _ARRAYS, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except OSError as error:
        raise DamagedError(f"{pathlib.Path(error.filename or path).name}: {error.strerror}") from None
    except DamagedError:
        raise
    except Exception as error:  # An archive that somebody else made fails in any way there is; nothing is unpickled.
        raise DamagedError(f"{_ARRAYS}: {' '.join(str(error).split())[:150] or type(error).__name__}") from None


def find_snapshots(directory: pathlib.Path) -> list[tuple[int, pathlib.Path]]:
    """Steps and places of what looks like a snapshot, the newest first."""
    found = [(path.name.removeprefix("step-"), path) for path in directory.glob("step-*")]
    return sorted(((int(step), path) for step, path in found if step.isdecimal() and path.is_dir()), reverse=True)


def remove_all_but(directory: pathlib.Path, newest: int, keep: int) -> None:
    """Keeps the `keep` newest up to step `newest`: later ones are of a future that a damaged snapshot has undone."""
    earlier = [path for step, path in find_snapshots(directory) if step <= newest]
    for _, path in find_snapshots(directory):
        if path not in earlier[:keep]:
            # Without its checksum it is none, wherever the removal is interrupted.
            (path / _CHECKSUMS).unlink(missing_ok=True)
            shutil.rmtree(path)


def _checksums(folder: pathlib.Path) -> str:
    with open(folder / _ARRAYS, "rb") as file:
        return f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {_ARRAYS}\n"
