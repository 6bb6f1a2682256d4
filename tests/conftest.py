"""Shared by all tests: a quiet TensorFlow and a small CIFAR-10 archive in the published format."""

import io
import os
import pathlib
import tarfile
from collections.abc import Callable

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

ArchiveWriter = Callable[[pathlib.Path, dict[str, bytes]], pathlib.Path]


def _write_archive(path: pathlib.Path, files: dict[str, bytes]) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


@pytest.fixture(scope="session")
def write_archive() -> ArchiveWriter:
    """A function that writes a .tar.gz of {member name: bytes} and returns its path."""
    return _write_archive


@pytest.fixture(scope="session")
def cifar10_archive(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A data_dir with `cifar-10-binary.tar.gz`: 5 x 60 training and 60 test images, noise, classes balanced.

    One directory for the whole session: do not write into it.
    """
    generator = np.random.default_rng(0)
    files = {}
    for name in [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]:
        labels = generator.permutation(np.repeat(np.arange(10), 6)).astype(np.uint8)
        pixels = generator.integers(0, 256, (60, 3072), np.uint8)
        files[f"cifar-10-batches-bin/{name}"] = np.hstack([labels[:, np.newaxis], pixels]).tobytes()
    data_dir = tmp_path_factory.mktemp("cifar10")
    _write_archive(data_dir / "cifar-10-binary.tar.gz", files)
    return data_dir
