"""Whole short runs on data that are read from files: trained, reported, evaluated."""

import json

import numpy as np
import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.errors import UserError
from ieg_fsr.evaluation.evaluate import predict_logits
from ieg_fsr.evaluation.mode import evaluate
from ieg_fsr.training.run import train

pytestmark = pytest.mark.usefixtures("two_blocks", "no_saved_model")

TINY = {
    "network": "small_cnn",
    "epochs": 1,
    "reweight_warmup_epochs": 0,
    "reward_interval": 1,
    "ema_decay": 0.5,
    "learning_rate_warmup_epochs": 0,
    "schedule": "cosine",
    "seed": 1,
}


def run(directory, **settings):
    """Summary and printed text of a run."""
    said = []
    summary = train(resolve(TINY | settings | {"model_dir": str(directory)}), said.append)
    assert json.loads((directory / "summary.json").read_text()) == summary
    assert 0 <= summary["test_accuracy"] <= 1
    assert summary["dictionary_purity"] == 1.0
    return summary, "\n".join(said)


@pytest.fixture(scope="module")
def photos(tmp_path_factory, write_image):
    """Three classes in three sizes, grey and transparent ones among them, two corrupt files; no test image of `few`."""
    root = tmp_path_factory.mktemp("data") / "photos"
    sizes, modes = [(30, 40), (64, 48), (27, 81)], ["RGB", "L", "RGBA"]
    for part, counts in {"train": {"dark": 24, "few": 3, "light": 24}, "test": {"dark": 4, "light": 5}}.items():
        for label, (name, count) in enumerate(counts.items()):
            for k in range(count):
                path = root / part / name / f"{k}.{'jpg' if k % 3 < 2 else 'png'}"
                write_image(path, *sizes[k % 3], mode=modes[k % 3], seed=100 * label + k)
    broken = root / "train" / "dark" / "5.png"
    broken.write_bytes(broken.read_bytes()[:60])
    (root / "test" / "light" / "2.png").write_text("gone")
    return root


def test_a_folder_of_photographs(photos, tmp_path):
    settings = {"dataset": f"folder:{photos}", "image_size": 24, "dictionary_size": 21, "reward_batch_size": 8}
    summary, said = run(tmp_path / "run", batch_size=10, flip=True, **settings)
    assert summary["corrupt_images"] == 2
    assert summary["steps"] == 5
    assert "2 images cannot be decoded and are left out" in said
    for name in ("train/dark/5.png", "test/light/2.png"):
        assert str(photos / name) in said
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["training_examples"], config["test_examples"]) == (50, 8)
    assert len(config["corrupt_files"]) == 2
    model = str(tmp_path / "run" / "model.keras")
    printed = []
    result = evaluate(resolve(settings | {"mode": "evaluate", "model": model}), printed.append)
    assert result["test_accuracy"] == summary["test_accuracy"]
    assert result["per_class_accuracy"][1] is None
    assert "left out" in printed[0]
    with pytest.raises(UserError, match=r"--model has input 24x24x3 but .* has 224x224x3"):
        evaluate(resolve({"mode": "evaluate", "model": model, "dataset": settings["dataset"]}), printed.append)


def test_strict_data_trains_nothing(photos, tmp_path):
    config = resolve(TINY | {"dataset": f"folder:{photos}", "strict_data": True, "model_dir": str(tmp_path / "run")})
    with pytest.raises(UserError, match=r"--strict_data .* Received: .*train/dark/5\.png$"):
        train(config, lambda text: None)
    assert not (tmp_path / "run").exists()


def test_large_images_are_evaluated_in_smaller_batches():
    asked = []

    class Large:
        labels = np.zeros(100, np.int32)

        def __len__(self):
            return 100

        def images(self, ids):
            asked.append(len(ids))
            return np.zeros((len(ids), 224, 224, 3), np.uint8)

    logits = predict_logits(lambda images, training: images[:, 0, 0, :2], Large())
    assert logits.shape == (100, 2)
    # 500 images of 64x64 pixels are 40 of 224x224, and a first one shows the size.
    assert asked == [1, 40, 40, 20]


def test_webvision_with_imagenet_beside_it(webvision, tmp_path, write_image):
    for path in webvision.iterdir():
        (tmp_path / path.name).symlink_to(path)
    for label in (0, 7):
        write_image(tmp_path / "imagenet" / f"n{label:08}" / "ILSVRC2012_val_00000001.JPEG", seed=label)
    settings = {"dataset": "webvision_mini", "data_dir": str(tmp_path), "image_size": 16}
    # Fewer places than two for each class, fewer draws than classes.
    summary, _ = run(tmp_path / "run", batch_size=50, dictionary_size=60, reward_batch_size=30, **settings)
    assert summary["steps"] == 2
    figures = {f"test_{kind}_imagenet{average}" for kind in ("accuracy", "top5") for average in ("", "_ema")}
    assert figures <= summary.keys()
    model = str(tmp_path / "run" / "model.keras")
    result = evaluate(resolve(settings | {"mode": "evaluate", "model": model}), lambda text: None)
    for name in ("test_accuracy", "test_accuracy_imagenet", "test_top5_imagenet"):
        assert result[name] == summary[name]


@pytest.mark.parametrize("reward_features", ["forward", "history"])
def test_inaturalist_with_more_classes_than_members(inaturalist, tmp_path, reward_features):
    summary, _ = run(
        tmp_path / "run", dataset="inaturalist2018", data_dir=str(inaturalist), image_size=16, batch_size=20,
        dictionary_size=12, reward_batch_size=7, reward_features=reward_features,
    )  # fmt: skip
    assert summary["steps"] == 2
    assert summary["corrupt_images"] == 0


def test_an_npz_of_one_channel(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (60, 12, 10), np.uint8), np.arange(60) % 3
    np.savez(tmp_path / "own.npz", x_train=x, y_train=y)
    settings = {"dataset": f"npz:{tmp_path}/own.npz", "dictionary_size": 12, "reward_batch_size": 5}
    summary, said = run(tmp_path / "run", batch_size=18, **settings)
    assert (summary["steps"], summary["dataset"]) == (3, settings["dataset"])
    assert "has no test split: a seeded 10% of each class, 6 of 60 images" in said


def test_mock_data_of_tensorflow_datasets(tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")
    with tfds.testing.mock_data(num_examples=24):
        summary, _ = run(
            tmp_path / "run", dataset="tfds:tf_flowers", data_dir=str(tmp_path), image_size=16, batch_size=12,
            dictionary_size=10, reward_batch_size=5,
        )  # fmt: skip
    assert summary["steps"] == 2
