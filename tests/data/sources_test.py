import ast
import pathlib
import socket
import sys
import time

import numpy as np
import pytest

from ieg_fsr.data import sources
from ieg_fsr.data.sources import ArraySource, DataSet, load_dataset
from ieg_fsr.errors import UserError


def small_source() -> ArraySource:
    """Four images of 2x3 pixels; every pixel of image k is 10 k."""
    images = np.zeros((4, 2, 3, 1), np.uint8) + np.array([0, 10, 20, 30], np.uint8)[:, None, None, None]
    return ArraySource(images, np.array([3, 1, 0, 2]))


def test_source_describes_itself():
    source = small_source()
    assert len(source) == 4
    assert source.image_shape == (2, 3, 1)
    assert source.labels.dtype == np.int32
    assert source.labels.tolist() == [3, 1, 0, 2]


def test_images_come_in_the_order_of_the_ids():
    images = small_source().images([2, 0, 2])
    assert images.shape == (3, 2, 3, 1)
    assert images.dtype == np.uint8
    assert images[:, 1, 2, 0].tolist() == [20, 0, 20]
    assert small_source().images([]).shape == (0, 2, 3, 1)


def test_images_are_a_copy_and_labels_are_protected():
    source = small_source()
    source.images([1])[:] = 99
    assert source.images([1])[0, 0, 0, 0] == 10
    with pytest.raises(ValueError, match="read-only"):
        source.labels[0] = 0


def test_labels_do_not_follow_the_array_they_came_from():
    labels = np.array([1, 2], np.int32)
    source = ArraySource(np.zeros((2, 1, 1, 1), np.uint8), labels)
    labels[0] = 7
    assert source.labels.tolist() == [1, 2]


def test_grey_images_get_a_channel():
    assert ArraySource(np.zeros((5, 4, 3), np.uint8), np.zeros(5, int)).image_shape == (4, 3, 1)


def test_take_counts_anew():
    part = small_source().take(np.array([3, 1]))
    assert len(part) == 2
    assert part.labels.tolist() == [2, 1]
    assert part.images([0, 1])[:, 0, 0, 0].tolist() == [30, 10]


@pytest.mark.parametrize("ids", [[-1], [4]])
def test_ids_outside_are_refused(ids):
    with pytest.raises(IndexError, match=r"ids must be in \[0, 4\)"):
        small_source().images(ids)


def test_a_mask_is_not_a_list_of_ids():
    with pytest.raises(TypeError, match="ids must be integers"):
        small_source().take(np.array([True, False, True, False]))


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((3, 2, 2, 1), np.uint8), np.zeros(2, int), "Received: 3 and 2"),
        (np.zeros((2, 2, 2, 1), np.float32), np.zeros(2, int), "images must be uint8.*float32"),
        (np.zeros((2, 2), np.uint8), np.zeros(2, int), "images must be uint8"),
        (np.zeros((2, 2, 2, 1), np.uint8), np.zeros(2), "labels must be integers.*float64"),
        (np.zeros((2, 2, 2, 1), np.uint8), np.array([0, -1]), "labels must be at least 0. Received: -1"),
    ],
)
def test_source_checks_its_arrays(images, labels, message):
    with pytest.raises(UserError, match=message):
        ArraySource(images, labels)


def test_num_classes():
    assert DataSet("name", small_source(), small_source(), ("a", "b", "c", "d")).num_classes == 4


def test_unknown_data_set():
    with pytest.raises(UserError) as caught:
        load_dataset("foo")
    assert str(caught.value) == (
        "--dataset must be one of digits, fashion_mnist, cifar10, cifar100. Received: foo"
    )  # fmt: skip


@pytest.mark.parametrize("name", sources.DATASETS)
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


@pytest.mark.parametrize("module", ["sources", "digits", "fashion_mnist", "cifar"])
def test_no_slow_import_at_the_top(module):
    source = pathlib.Path(sources.__file__).with_name(f"{module}.py").read_text()
    top = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in top if isinstance(node, ast.ImportFrom)}
    assert not {name.split(".")[0] for name in names} & {"tensorflow", "tensorflow_datasets", "keras", "sklearn"}


@pytest.fixture
def no_proxy_configured(monkeypatch):
    monkeypatch.setattr(sources.urllib.request, "getproxies", dict)


@pytest.mark.usefixtures("no_proxy_configured")
def test_probe_sees_an_open_and_a_closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert sources.can_connect("127.0.0.1", port)
    assert not sources.can_connect("127.0.0.1", port)


@pytest.mark.usefixtures("no_proxy_configured")
def test_probe_ends_although_the_name_look_up_hangs(monkeypatch):
    def hang(*_, **__):
        time.sleep(3)
        raise OSError

    monkeypatch.setattr(sources.socket, "create_connection", hang)
    start = time.monotonic()
    assert not sources.can_connect("host.invalid", 443, timeout=0.2)
    assert time.monotonic() - start < 2


def test_a_proxy_is_given_a_try(monkeypatch):
    monkeypatch.setattr(sources.urllib.request, "getproxies", lambda: {"https": "http://proxy:1"})
    monkeypatch.setattr(sources.socket, "create_connection", lambda *_, **__: pytest.fail("must not be asked"))
    assert sources.can_connect("host.invalid", 443)


def test_without_network_and_files_tfds_is_not_even_imported(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "tensorflow_datasets", raising=False)
    monkeypatch.setattr(sources, "_load_tfds", lambda *_, **__: pytest.fail("must not be asked"))
    monkeypatch.setattr(sources, "can_connect", lambda *_: False)
    with pytest.raises(UserError) as caught:
        sources.load_with_tfds("cifar10", str(tmp_path), ("host", 443), "put FILE into DIR")
    assert str(caught.value) == (
        "--dataset=cifar10 must be on this machine when host cannot be reached: put FILE into DIR. "
        f"Received: --data_dir={tmp_path}"
    )


def test_a_failing_download_is_one_line(monkeypatch, tmp_path):
    def fail(name, data_dir, download):
        raise ConnectionError("first\nsecond") if download else AssertionError

    monkeypatch.setattr(sources, "_load_tfds", fail)
    monkeypatch.setattr(sources, "can_connect", lambda *_: True)
    with pytest.raises(UserError, match=r"put FILE into DIR\. Received: ConnectionError: first second$"):
        sources.load_with_tfds("cifar10", str(tmp_path), ("host", 443), "put FILE into DIR")


def test_a_prepared_tree_is_read(monkeypatch, tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")
    monkeypatch.setattr(sources, "can_connect", lambda *_: pytest.fail("must not be asked"))
    version = str(tfds.builder_cls("cifar10").VERSION)
    labels = {"train": [4, 9, 0], "test": [7, 2]}
    # Image k of a split is filled with k + 1.
    splits = {
        split: [
            (k, {"id": f"{split}_{k}", "image": np.full((32, 32, 3), k + 1, np.uint8), "label": label})
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


def test_a_damaged_tree_is_named(monkeypatch, tmp_path):
    pytest.importorskip("tensorflow_datasets")
    monkeypatch.setattr(sources, "can_connect", lambda *_: False)
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
