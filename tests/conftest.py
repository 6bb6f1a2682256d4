"""Shared by all tests: a quiet TensorFlow and a small CIFAR-10 archive in the published format."""

import gc
import importlib.util
import io
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from absl.testing import flagsaver
from PIL import Image

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Two tests run at a time on two cores, and most of a test is tracing: more threads only wait for each other.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# XLA compiles in half the time, and what it compiles to takes longer.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

pytest_plugins = ["order", "processes"]


def pytest_collection_finish() -> None:
    """What the imports made stays until the end: the collector of garbage, a tenth of the time, passes it over."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


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


ImageWriter = Callable[..., pathlib.Path]


def _write_image(
    path: pathlib.Path, height: int = 30, width: int = 40, mode: str = "RGB", seed: int = 0, shade: int | None = None
) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), np.uint8)
    pixels = np.full((4, 5, 3), shade, np.uint8) if shade is not None else coarse
    Image.fromarray(pixels).resize((width, height)).convert(mode).save(path)
    return path


@pytest.fixture(scope="session")
def write_image() -> ImageWriter:
    """A function that writes an image file, coloured patches or one shade of grey, in the format of its ending."""
    return _write_image


@pytest.fixture(scope="session")
def script() -> Callable[[str], Any]:
    """A function that imports a script of launch/ by its name."""

    def load(name: str) -> Any:
        place = pathlib.Path(__file__).parents[1] / "launch" / f"{name}.py"
        specification = importlib.util.spec_from_file_location(name, place)
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        return module

    return load


@pytest.fixture(autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """Keeps what is cached for a user out of the user's own directory."""
    directory = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(directory))
    return directory


def _write_webvision(root: pathlib.Path, classes: int = 52, side: int = 40) -> pathlib.Path:
    lists: dict[str, list[str]] = {"train_filelist_google": [], "val_filelist": [], "synsets": []}
    for label in range(classes):
        lists["synsets"].append(f"n{label:08} name {label}, other name {label}")
        for k in range(2):
            name = f"google/q{label + 1:04}/{k}.jpg"
            _write_image(root / name, side, side + 10, seed=2 * label + k)
            lists["train_filelist_google"].append(f"{name} {label}")
        name = f"val{label + 1:06}.jpg"
        _write_image(root / "val_images_256" / name, side + 5, side, shade=label)
        lists["val_filelist"].append(f"{name} {label}")
    (root / "info").mkdir()
    for name, lines in lists.items():
        (root / "info" / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="session")
def webvision(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """WebVision 1.0 in its layout, two training images and a test image of 52 classes. Do not write into it."""
    return _write_webvision(tmp_path_factory.mktemp("webvision"))


@pytest.fixture(scope="session")
def inaturalist(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """iNaturalist 2018 in its layout, 24 categories of which 20 have images. Do not write into it."""
    root = tmp_path_factory.mktemp("inaturalist")
    rng = np.random.default_rng(0)
    categories = [{"id": c, "name": f"species {c}", "supercategory": "Aves"} for c in range(24)]
    image_id = 0
    for part, each in (("train2018", 2), ("val2018", 1)):
        images, annotations = [], []
        for category in rng.permutation(20).tolist():
            for _ in range(each):
                image_id += 1
                name = f"train_val2018/Aves/{category}/{image_id:032x}.jpg"
                _write_image(root / name, 36, 48, shade=category)
                images.append({"id": image_id, "file_name": name, "width": 48, "height": 36, "license": 1})
                annotations.append({"id": image_id, "image_id": image_id, "category_id": category})
        order = rng.permutation(len(images)).tolist()
        content = {
            "info": {"year": 2018},
            "images": [images[i] for i in order],
            "categories": categories[::-1],
            "annotations": annotations,
        }
        (root / f"{part}.json").write_text(json.dumps(content))
    return root


@pytest.fixture
def parsed() -> Callable[..., Any]:
    """A function that gives the settings of a command line, word by word. For tests that import ieg_fsr.main."""
    return _parsed


@pytest.fixture
def complaint() -> Callable[..., str]:
    """A function that gives the one line that is said about a command line. For tests that import ieg_fsr.main."""
    from ieg_fsr.errors import UserError

    def complain(*words: str) -> str:
        with pytest.raises(UserError) as caught:
            _parsed(*words)
        message = str(caught.value)
        assert "\n" not in message
        return message

    return complain


def _parsed(*words: str) -> Any:
    # Here, because few tests need the package's command line.
    from ieg_fsr.configuration.flags import config_from_flags, parse_flags

    with flagsaver.flagsaver():
        parse_flags(["ieg_fsr", *words])
        return config_from_flags()


@pytest.fixture(scope="module")
def two_blocks() -> Iterator[None]:
    """small_cnn has two of its six blocks, and a step is traced in half the time. Where networks are not tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ieg_fsr.networks.small_cnn._BLOCKS", ((16, 1), (32, 2)))
        yield


@pytest.fixture(scope="module")
def no_saved_model() -> Iterator[None]:
    """A run leaves an empty SavedModel, whose tracing is a third of a short run. Where no model is loaded from it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keras.Model.export", lambda self, place, **options: os.makedirs(place))
        yield


@pytest.fixture
def npz(tmp_path: pathlib.Path) -> str:
    """--dataset of 20 noise images in two classes that take turns, 8x8."""
    labels = np.arange(20) % 2
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), np.uint8)
    np.savez(tmp_path / "data.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    return f"npz:{tmp_path / 'data.npz'}"


@pytest.fixture
def installed_project(tmp_path: pathlib.Path) -> Callable[[str], pathlib.Path]:
    """Makes a copy of launch/ in an environment that is installed already; its Python is the given script."""

    def made(python: str) -> pathlib.Path:
        shutil.copytree(pathlib.Path(__file__).resolve().parents[1] / "launch", tmp_path / "launch")
        for name in ("requirements.txt", "pyproject.toml"):
            (tmp_path / name).write_text("")
        interpreter = tmp_path / ".venv" / "bin" / "python"
        interpreter.parent.mkdir(parents=True)
        interpreter.write_text(python)
        interpreter.chmod(0o755)
        checksum = "cat requirements.txt requirements.txt pyproject.toml | cksum | tr ' ' '-'"
        mark = subprocess.run(["bash", "-c", checksum], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        (tmp_path / ".venv" / f"installed-{mark.strip()}").touch()
        return tmp_path

    return made


@pytest.fixture
def finished_run(tmp_path: pathlib.Path, npz: str) -> pathlib.Path:
    """A run on examples 5, 6, 8, 9 of `npz`, its files written by hand: 1 and 3 are wrong, 1 and 2 suspects."""
    directory = tmp_path / "run"
    directory.mkdir()
    files = {
        "config.json": json.dumps(
            {"dataset": npz, "data_dir": None, "image_size": None, "strict_data": False, "variant": "FSR"}
            | {"noise": 0.5, "noise_matrix": None, "labels_file": None}
        ),
        "summary.json": json.dumps({"test_accuracy": 0.75, "zero_weight_ratio": 0.5}),
        "metrics.jsonl": json.dumps({"epoch": 1, "test_accuracy": 0.5, "weight_noisy": 0.25}),
        "labels.csv": """example_id,given_label,score,weight,pseudo_label,confidence,suspect
0,1,-0.5,1.5,1,0.9,0
1,1,-3.0,0.0,0,0.9,1
2,0,-4.0,0.5,1,0.9,1
3,0,-inf,2.0,0,0.9,0""",
        "given_labels.csv": "example_id,label,true_label,source_id\n0,1,1,5\n1,1,0,6\n2,0,0,8\n3,0,1,9",
    }
    for name, text in files.items():
        (directory / name).write_text(text + "\n")
    return directory
