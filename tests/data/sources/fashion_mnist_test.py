import gzip
import pathlib

import numpy as np
import pytest

from ieg_fsr.data.sources import fashion_mnist, tfds_source
from ieg_fsr.data.sources.datasets import load_dataset
from ieg_fsr.data.sources.fashion_mnist import read_idx
from ieg_fsr.errors import UserError

GENUINE = pathlib.Path("/usr/share/datasets/fashion-mnist")


def idx(*sizes: int, values: bytes) -> bytes:
    """An idx file of unsigned bytes, spelled out: 0 0 8 D, big-endian sizes, values."""
    return bytes([0, 0, 8, len(sizes)]) + b"".join(size.to_bytes(4, "big") for size in sizes) + values


def write_files(directory: pathlib.Path, packed: bool = True) -> None:
    """Two training images and one test image; value 200 at row 3, column 5 of the second training image."""
    directory.mkdir(parents=True, exist_ok=True)
    pixels = bytearray(2 * 784)
    pixels[784 + 3 * 28 + 5] = 200
    files = {
        "train-images-idx3-ubyte": idx(2, 28, 28, values=bytes(pixels)),
        "train-labels-idx1-ubyte": idx(2, values=bytes([9, 4])),
        "t10k-images-idx3-ubyte": idx(1, 28, 28, values=bytes([7] * 784)),
        "t10k-labels-idx1-ubyte": idx(1, values=bytes([5])),
    }
    for name, content in files.items():
        if packed:
            (directory / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (directory / name).write_bytes(content)


@pytest.fixture
def no_system_files(monkeypatch, tmp_path):
    monkeypatch.setattr(fashion_mnist, "SYSTEM_DIRECTORY", str(tmp_path / "none"))


def test_idx_of_two_dimensions(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 11, 12, 20, 21, 22]))
    np.testing.assert_array_equal(read_idx(file, 2), [[10, 11, 12], [20, 21, 22]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "magic number 00000803. Received: an empty file"),
        (idx(1, values=b"\0"), "magic number 00000803. Received: 00000801"),
        (b"\0\0\x0d\x03" + bytes(16), "Received: 00000d03"),
        (bytes([0, 0, 8, 3, 0, 0]), "have a header of 16 bytes. Received: 6 bytes"),
        (idx(2, 2, 2, values=bytes(7)), "have 24 bytes for the shape .2, 2, 2.. Received: 23 bytes"),
        (idx(2, 2, 2, values=bytes(9)), "Received: 25 bytes"),
        (idx(2**32 - 1, 2**32 - 1, 2**32 - 1, values=bytes(9)), "Received: 25 bytes"),
    ],
)
def test_a_damaged_idx_file_is_named(tmp_path, content, message):
    file = tmp_path / "some-file"
    file.write_bytes(content)
    with pytest.raises(UserError, match=f"some-file must .*{message}"):
        read_idx(file, 3)


@pytest.mark.parametrize("content", [gzip.compress(idx(4, values=b"abcd"), mtime=0)[:-6], b"no gzip", b""])
def test_a_damaged_gzip_file_is_named(tmp_path, content):
    file = tmp_path / "file.gz"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"file\.gz must ") as caught:
        read_idx(file, 1)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("no_system_files")
@pytest.mark.parametrize("folder", ["", "fashion-mnist", "fashion_mnist"])
@pytest.mark.parametrize("packed", [True, False])
def test_files_are_found_and_read(tmp_path, folder, packed):
    write_files(tmp_path / folder, packed)
    data = load_dataset("fashion_mnist", str(tmp_path))
    assert data.train.labels.tolist() == [9, 4]
    assert data.test.labels.tolist() == [5]
    images = data.train.images([0, 1])
    assert images.shape == (2, 28, 28, 1)
    assert np.argwhere(images).tolist() == [[1, 3, 5, 0]]
    assert images[1, 3, 5, 0] == 200
    assert data.class_names[9] == "Ankle boot"


def test_given_directory_comes_first(monkeypatch, tmp_path):
    write_files(tmp_path)
    monkeypatch.setattr(fashion_mnist, "SYSTEM_DIRECTORY", "/nope")
    assert len(load_dataset("fashion_mnist", str(tmp_path)).train) == 2


@pytest.mark.usefixtures("no_system_files")
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t10k-labels-idx1-ubyte", idx(2, values=b"\0\0"), "hold 1 labels, one for each image. Received: 2"),
        ("t10k-labels-idx1-ubyte", idx(1, values=b"\x0a"), "hold labels below 10. Received: 10"),
        ("t10k-images-idx3-ubyte", idx(1, 2, 2, values=bytes(4)), "hold images of 28x28 pixels. Received: 2x2"),
    ],
)
def test_files_must_fit_together(tmp_path, name, content, message):
    write_files(tmp_path, packed=False)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f"{name} must {message}"):
        load_dataset("fashion_mnist", str(tmp_path))


@pytest.mark.usefixtures("no_system_files")
@pytest.mark.parametrize("given", [True, False])
def test_without_files_and_network_the_message_says_what_to_do(monkeypatch, tmp_path, given):
    monkeypatch.setattr(tfds_source, "can_connect", lambda *_: False)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(UserError) as caught:
        load_dataset("fashion_mnist", str(tmp_path) if given else None)
    message = str(caught.value)
    assert "\n" not in message
    assert "Debian package dataset-fashion-mnist" in message
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        assert f"{name}-ubyte.gz" in message
    assert (f"into {tmp_path}" if given else "--data_dir=DIR") in message


@pytest.mark.skipif(not GENUINE.is_dir(), reason="needs the Debian package dataset-fashion-mnist")
def test_genuine_files():
    data = load_dataset("fashion_mnist")
    assert (len(data.train), len(data.test)) == (60_000, 10_000)
    assert np.bincount(data.train.labels).tolist() == [6000] * 10
    assert np.bincount(data.test.labels).tolist() == [1000] * 10
    # The first training image is an ankle boot; clothes are bright and the corners are black.
    assert data.class_names[data.train.labels[0]] == "Ankle boot"
    images = data.train.images(range(1000))
    assert images[:, 14, 14].mean() > 100 > 20 > images[:, 0, 0].mean()
