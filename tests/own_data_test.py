"""Whole short runs on data that are read from files: trained, reported, evaluated."""

import csv
import json

import keras
import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

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
    # The labels of a user's own data, or of the web, are in question; a published data set's are taken for right.
    known = settings["dataset"] == "inaturalist2018"
    assert summary["dictionary_purity"] == (1.0 if known else None)
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
    assert summary["left_out"] == {"damaged": 1, "of no known format": 1}
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
    assert "wrong ones count against the classifier" in printed[0]
    with pytest.raises(UserError, match=r"--model has input 24x24x3 but .* has 224x224x3"):
        evaluate(resolve({"mode": "evaluate", "model": model, "dataset": settings["dataset"]}), printed.append)


def labels_of(directory):
    with open(directory / "labels.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_one_data_set_as_folder_as_table_and_as_arrays(tmp_path, write_image):
    """The same examples, labels and parameters, and a file and names for each example of a random subset."""
    paths = [f"train/{label}/{k:02}.png" for label in ("cat", "dog") for k in range(20)]
    paths += [f"test/{label}/{k}.png" for label in ("cat", "dog") for k in range(3)]
    for k, path in enumerate(paths):
        write_image(tmp_path / "data" / path, 12, 14, seed=k)
    rows = [f"{path},{path.split('/')[1]},{path.split('/')[0]}\n" for path in paths]
    (tmp_path / "data" / "table.csv").write_text("path,label,split\n" + "".join(rows))
    images = np.stack([np.asarray(Image.open(tmp_path / "data" / path)) for path in paths])
    words = np.array([path.split("/")[1] for path in paths])
    arrays = {"x_train": images[:40], "y_train": words[:40], "x_test": images[40:], "y_test": words[40:]}
    np.savez(tmp_path / "data.npz", **arrays)
    parameters, summaries = [], []
    for name in (f"folder:{tmp_path}/data", f"csv:{tmp_path}/data/table.csv", f"npz:{tmp_path}/data.npz"):
        directory = tmp_path / name.partition(":")[0]
        settings = {"epochs": 1, "batch_size": 10, "train_examples": 30, "method": "supervised", "mixup": False}
        summary = train(resolve(settings | {"dataset": name, "model_dir": str(directory)}), lambda text: None)
        parameters.append(keras.saving.load_model(directory / "model.keras", compile=False).get_weights())
        summaries.append([summary[figure] for figure in ("given_labels_sha256", "network", "test_accuracy_ema")])
        with open(directory / "given_labels.csv", newline="") as file:
            sources = [int(row["source_id"]) for row in csv.DictReader(file)]
        names = ["cat", "dog"]
        for row, source in zip(labels_of(directory), sources, strict=True):
            assert row["given_class"] == names[int(row["given_label"])]
            assert row["suggested_class"] == names[int(row["pseudo_label"])]
            assert row["file"] == ("" if name.startswith("npz") else f"{tmp_path}/data/{paths[source]}")
    assert summaries[1:] == summaries[:1] * 2
    for others in parameters[1:]:
        for first, other in zip(parameters[0], others, strict=True):
            np.testing.assert_array_equal(first, other)


def test_fifty_examples_and_a_batch_that_nobody_chose(tmp_path):
    """All 45 that are not held out make a batch; the same command finds the run again; a size that is given is kept."""
    images = np.random.default_rng(0).integers(0, 256, (50, 8, 8), np.uint8)
    np.savez(tmp_path / "few.npz", x_train=images, y_train=np.arange(50) % 2 + 1)
    settings = {"dataset": f"npz:{tmp_path}/few.npz"}
    summary, said = run(tmp_path / "run", **settings)
    assert summary["steps"] == 1
    assert "the default of 100 is more than the 44 training examples, which make one batch" in said
    assert "few.npz: y_train has 2 of the class numbers 0..2: those are the classes, in their order" in said
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["batch_size"], config["batch_size_resolved"], config["num_classes"]) == (100, 44, 2)
    assert {row["given_class"] for row in labels_of(tmp_path / "run")} == {"1", "2"}
    assert "holds this run, finished" in run(tmp_path / "run", **settings)[1]
    with pytest.raises(UserError, match="--batch_size must be at most 44, the number of training examples"):
        run(tmp_path / "other", **settings, batch_size=100)


def test_nothing_that_a_run_on_own_data_leaves_speaks_of_the_truth(photos, tmp_path):
    settings = {"dataset": f"folder:{photos}", "image_size": 24, "dictionary_size": 21, "reward_batch_size": 8}
    summary, said = run(tmp_path, batch_size=10, **settings)
    known = {"dictionary_purity", "weight_clean", "weight_noisy", "measured_noise_rate", "detection_f1"}
    assert {name: summary[name] for name in known} == dict.fromkeys(known)
    assert 0 <= summary["estimated_noise_rate"] <= 1
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert not known & rows[-1].keys()
    assert json.loads((tmp_path / "config.json").read_text())["true_labels"] == "not known"
    assert (tmp_path / "given_labels.csv").read_text().startswith("example_id,label,data_label,source_id\n")
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0})
    events.Reload()
    assert not [tag for tag in events.Tags()["tensors"] if any(word in tag for word in ("purity", "clean", "wrong"))]
    # Of what is printed, the first line that ends the run is the method's.
    end = said[said.index("\nmethod  ") :]
    assert f"wrong labels    about {summary['estimated_noise_rate']:.4f} of the training set: an estimate" in end
    assert not any(word in end for word in ("right", "purity", "dictionary  "))


def test_strict_data_trains_nothing(photos, tmp_path):
    config = resolve(TINY | {"dataset": f"folder:{photos}", "strict_data": True, "model_dir": str(tmp_path / "run")})
    with pytest.raises(UserError, match=r"--strict_data .* Received: .*train/dark/5\.png and 1 more$"):
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
