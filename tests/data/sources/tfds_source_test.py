import socket
import sys
import time

import numpy as np
import pytest

from ieg_fsr.data.labels.given_labels import read_given_labels
from ieg_fsr.data.sources import tfds_source
from ieg_fsr.data.sources.datasets import load_dataset
from ieg_fsr.errors import UserError


@pytest.fixture
def no_proxy_configured(monkeypatch):
    monkeypatch.setattr(tfds_source.urllib.request, "getproxies", dict)


@pytest.mark.usefixtures("no_proxy_configured")
def test_probe_sees_an_open_and_a_closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert tfds_source.can_connect("127.0.0.1", port)
    assert not tfds_source.can_connect("127.0.0.1", port)


@pytest.mark.usefixtures("no_proxy_configured")
def test_probe_ends_although_the_name_look_up_hangs(monkeypatch):
    def hang(*_, **__):
        time.sleep(3)
        raise OSError

    monkeypatch.setattr(tfds_source.socket, "create_connection", hang)
    start = time.monotonic()
    assert not tfds_source.can_connect("host.invalid", 443, timeout=0.2)
    assert time.monotonic() - start < 2


def test_a_proxy_is_given_a_try(monkeypatch):
    monkeypatch.setattr(tfds_source.urllib.request, "getproxies", lambda: {"https": "http://proxy:1"})
    monkeypatch.setattr(tfds_source.socket, "create_connection", lambda *_, **__: pytest.fail("must not be asked"))
    assert tfds_source.can_connect("host.invalid", 443)


def test_without_network_and_files_tfds_is_not_even_imported(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "tensorflow_datasets", raising=False)
    monkeypatch.setattr(tfds_source, "_load_tfds", lambda *_, **__: pytest.fail("must not be asked"))
    monkeypatch.setattr(tfds_source, "can_connect", lambda *_: False)
    with pytest.raises(UserError) as caught:
        tfds_source.load_with_tfds("cifar10", str(tmp_path), ("host", 443), "put FILE into DIR")
    assert str(caught.value) == (
        "--dataset=cifar10 must be on this machine when host cannot be reached: put FILE into DIR. "
        f"Received: --data_dir={tmp_path}"
    )


def test_a_failing_download_is_one_line(monkeypatch, tmp_path):
    def fail(name, data_dir, download):
        raise ConnectionError("first\nsecond") if download else AssertionError

    monkeypatch.setattr(tfds_source, "_load_tfds", fail)
    monkeypatch.setattr(tfds_source, "can_connect", lambda *_: True)
    with pytest.raises(UserError, match=r"put FILE into DIR\. Received: ConnectionError: first second$"):
        tfds_source.load_with_tfds("cifar10", str(tmp_path), ("host", 443), "put FILE into DIR")


def test_a_prepared_tree_is_read(monkeypatch, tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")
    monkeypatch.setattr(tfds_source, "can_connect", lambda *_: pytest.fail("must not be asked"))
    version = str(tfds.builder_cls("cifar10").VERSION)
    labels = {"train": [4, 9, 0], "test": [7, 2]}
    # Image k of a split is filled with k + 1.
    splits = {
        split: [
            (k, {"id": f"{split}_{k:05}", "image": np.full((32, 32, 3), k + 1, np.uint8), "label": label})
            for k, label in enumerate(split_labels)
        ]
        for split, split_labels in labels.items()
    }
    features = tfds.features.FeaturesDict(
        {
            "id": tfds.features.Text(),
            "image": tfds.features.Image(shape=(32, 32, 3)),
            "label": tfds.features.ClassLabel(names=[f"name {label}" for label in range(10)]),
        }
    )
    tfds.dataset_builders.store_as_tfds_dataset(
        name="cifar10", version=version, features=features, split_datasets=splits, data_dir=str(tmp_path)
    )
    data = load_dataset("cifar10", str(tmp_path))
    assert (len(data.train), len(data.test)) == (3, 2)
    assert data.num_classes == 10
    assert data.train.image_shape == (32, 32, 3)
    # The order is tensorflow_datasets' own: compare as pairs of pixel and label.
    pixels = data.train.images(range(3))[:, 5, 6, 1]
    assert set(zip(pixels.tolist(), data.train.labels.tolist(), strict=True)) == {(1, 4), (2, 9), (3, 0)}
    assert sorted(data.test.labels.tolist()) == [2, 7]
    np.testing.assert_array_equal(data.original_places, pixels - 1)
    # CIFAR-N's labels, in the order of the archives, find their images.
    np.save(tmp_path / "human.npy", {"clean_label": np.array(labels["train"]), "worse_label": np.array([3, 5, 8])})
    given_labels, _ = read_given_labels(str(tmp_path / "human.npy"), "worse_label", data)
    np.testing.assert_array_equal(given_labels, np.array([3, 5, 8])[pixels - 1])


@pytest.mark.parametrize("ids", [[], [b"a", b"b"], [b"train_0", b"train_2"], [b"train_0", b"train_0"], ["0", "1"]])
def test_other_ids_tell_no_places(ids):
    assert tfds_source.original_places(ids) is None


def test_a_damaged_tree_is_named(monkeypatch, tmp_path):
    pytest.importorskip("tensorflow_datasets")
    monkeypatch.setattr(tfds_source, "can_connect", lambda *_: False)
    tree = tmp_path / "cifar100" / "3.0.2"
    tree.mkdir(parents=True)
    (tree / "dataset_info.json").write_text("not json")
    with pytest.raises(UserError, match=str(tmp_path)) as caught:
        load_dataset("cifar100", str(tmp_path))
    assert "\n" not in str(caught.value)


def test_mocked_tfds(tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")
    with tfds.testing.mock_data(num_examples=5):
        data = load_dataset("cifar100", str(tmp_path))
    assert len(data.train) == 5
    assert data.train.image_shape == (32, 32, 3)
    assert data.num_classes == 100
