"""Data sets of tensorflow_datasets by name: prepared trees made here, and its own mock data."""

import numpy as np
import pytest

from ieg_fsr.data.sources import tfds_named
from ieg_fsr.data.sources.datasets import load_dataset
from ieg_fsr.errors import UserError

tfds = pytest.importorskip("tensorflow_datasets")


def store(root, name, shape, splits, label=None):
    """Prepares a data set whose image k is filled with k; splits: name -> labels."""

    def size(k):
        return [20 + k if side is None else side for side in shape]

    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version="1.0.0",
        features=tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=shape),
                "label": label or tfds.features.ClassLabel(names=["a", "b", "c"]),
            }
        ),
        split_datasets={
            split: [(k, {"image": np.full(size(k), k, np.uint8), "label": one}) for k, one in enumerate(labels)]
            for split, labels in splits.items()
        },
        data_dir=str(root),
    )
    return str(root)


LABELS = [2, 0, 1, 1, 0, 2, 2, 1, 0, 2]


@pytest.mark.parametrize("test", ["test", "validation"])
def test_small_images_are_held_as_pixels(tmp_path, test):
    data_dir = store(tmp_path, "small", (8, 6, 1), {"train": LABELS, test: [1]})
    data = load_dataset("tfds:small", data_dir)
    assert data.train.image_shape == (8, 6, 1)
    shades = data.train.images(range(10))[:, 0, 0, 0]
    assert [LABELS[shade] for shade in shades] == data.train.labels.tolist()
    assert data.test.labels.tolist() == [1]
    assert data.class_names == ("a", "b", "c")
    assert tfds_named.image_side("small", data_dir) == 8
    assert load_dataset("tfds:small:1.0.0", data_dir, image_size=16).train.image_shape == (16, 16, 3)


def test_images_of_any_size_are_decoded_when_needed_and_some_held_out(tmp_path):
    data_dir = store(tmp_path, "any", (None, None, 3), {"train": [0, 1] * 5})
    data = load_dataset("tfds:any", data_dir, image_size=12)
    assert (len(data.train), len(data.test)) == (8, 2)
    assert data.train.image_shape == (12, 12, 3)
    shades = data.train.images(range(8))[:, 0, 0, 0].astype(int)
    assert [shade % 2 for shade in shades] == data.train.labels.tolist()
    assert data.notes[0] == "--dataset=tfds:any: 1 of its 3 classes have no training example"
    assert "no test split" in data.notes[1]
    assert tfds_named.image_side("any", data_dir) is None


@pytest.mark.parametrize(
    ("name", "shape", "classes"), [("mnist", (28, 28, 1), 10), ("imagenet2012", (224, 224, 3), 1000)]
)
def test_mock_data(tmp_path, name, shape, classes):
    with tfds.testing.mock_data(num_examples=6):
        data = load_dataset(f"tfds:{name}", str(tmp_path))
    assert (len(data.train), len(data.test)) == (6, 6)
    assert data.train.images([5]).shape == (1, *shape)
    assert data.num_classes == classes


def test_a_test_split_without_labels_is_passed_over(tmp_path):
    data_dir = store(tmp_path, "contest", (8, 6, 1), {"train": LABELS, "test": [-1, -1], "validation": [2]})
    assert load_dataset("tfds:contest", data_dir).test.labels.tolist() == [2]


def complaint(name, data_dir):
    with pytest.raises(UserError) as caught:
        load_dataset(f"tfds:{name}", str(data_dir))
    message = str(caught.value)
    assert message.startswith(f"--dataset=tfds:{name} must ")
    assert "\n" not in message
    return message


def test_not_prepared_and_not_known(tmp_path):
    assert "must have been prepared, by `tfds build mnist`" in complaint("mnist", tmp_path)
    assert "must be a data set of tensorflow_datasets" in complaint("no_such_data", tmp_path)


def test_other_kinds_of_data(tmp_path):
    store(tmp_path, "numbers", (8, 8, 1), {"train": [1, 2]}, label=tfds.features.Scalar(np.int64))
    assert "one class for each image. Received: image, label" in complaint("numbers", tmp_path)
    store(tmp_path, "odd", (8, 8, 1), {"first": [1, 2]})
    assert complaint("odd", tmp_path).endswith("must have a split train. Received: first")


def test_what_does_not_fit_into_memory_is_refused(tmp_path, monkeypatch):
    data_dir = store(tmp_path, "small", (8, 6, 1), {"train": LABELS, "test": [1]})
    monkeypatch.setattr(tfds_named, "LARGEST_BYTES", 11 * 8 * 6 - 1)
    assert "can be given as folder:DIR" in complaint("small", data_dir)
    monkeypatch.setattr(tfds_named, "LARGEST_BYTES", 11 * 8 * 6)
    assert len(load_dataset("tfds:small", data_dir).train) == 10


def test_a_damaged_tree(tmp_path):
    data_dir = store(tmp_path, "small", (8, 6, 1), {"train": LABELS, "test": [1]})
    for file in tmp_path.rglob("*train*tfrecord*"):
        file.write_bytes(file.read_bytes()[:100])
    assert "must be a whole prepared tree" in complaint("small", data_dir)
