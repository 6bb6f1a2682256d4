import subprocess
import sys

import numpy as np
import pytest

from ieg_fsr.data.sources import datasets
from ieg_fsr.data.sources.datasets import image_side, is_dataset, load_dataset
from ieg_fsr.errors import UserError


def test_unknown_data_set():
    with pytest.raises(UserError) as caught:
        load_dataset("foo")
    assert str(caught.value) == (
        "--dataset must be one of digits, fashion_mnist, cifar10, cifar100, webvision_mini, inaturalist2018, "
        "folder:DIR, csv:FILE, npz:FILE, tfds:NAME. Received: foo"
    )  # fmt: skip


@pytest.mark.parametrize("name", datasets.DATASETS)
@pytest.mark.parametrize("data_dir", ["/nope", ""])
def test_missing_directory(name, data_dir):
    with pytest.raises(UserError) as caught:
        load_dataset(name, data_dir)
    assert str(caught.value) == f"--data_dir must be an existing directory. Received: {data_dir}"


def test_a_file_is_no_directory(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(UserError, match="must be an existing directory"):
        load_dataset("digits", str(file))


def test_nothing_slow_is_loaded_before_it_is_needed():
    slow = ("tensorflow", "keras", "sklearn", "tensorflow_datasets", "matplotlib", "PIL", "pyarrow")
    code = f"import ieg_fsr.data.sources.datasets, sys; print([m for m in {slow} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", ["digits", "npz:FILE"])
def test_images_of_one_size_are_not_resized(name, tmp_path):
    x, y = np.zeros((20, 6, 4), np.uint8), np.arange(20) % 2
    np.savez(tmp_path / "data.npz", x_train=x, y_train=y)
    name = name.replace("FILE", str(tmp_path / "data.npz"))
    sides = "8x8x1" if name == "digits" else "6x4x1"
    with pytest.raises(UserError) as caught:
        load_dataset(name, image_size=32)
    assert str(caught.value) == (
        f"--image_size must be left out: --dataset={name} has images of one size, {sides}. Received: 32"
    )


def test_names():
    assert all(is_dataset(name) for name in (*datasets.DATASETS, "folder:a:b", "npz:x.npz", "tfds:mnist"))
    assert not any(is_dataset(name) for name in ("", "folder", "folder:", "zip:x", "digits:x"))


def test_side_of_the_images_is_read_ahead(tmp_path):
    np.savez(tmp_path / "data.npz", x_train=np.zeros((2, 6, 9, 3), np.uint8))
    assert image_side(f"npz:{tmp_path}/data.npz") == 9
    assert image_side("npz:missing.npz") is None
    assert image_side("folder:DIR") is None
    assert image_side("digits") is None
