"""Exports of odd names and paths: read back by rules of their formats, and by this package where it can."""

import csv
import json
import os
import urllib.parse
import xml.etree.ElementTree

import numpy as np
import pytest
from PIL import Image

from ieg_fsr.audit.exports import export, labels_of
from ieg_fsr.audit.findings import Findings
from ieg_fsr.data.labels.decisions import Decisions, data_sha256
from ieg_fsr.data.labels.given_labels import read_given_labels
from ieg_fsr.data.sources.datasets import load_dataset
from ieg_fsr.data.sources.image_source import file_names, files_of
from ieg_fsr.errors import UserError

NAMES = ('a,"b".png', "per cent%20 &.png", "日本.png", "new\nline.png", os.fsdecode(b"\xff.png"), "plain.png")
CLASSES = ("&<cat>", 'do"g', "日本")


@pytest.fixture
def dataset(tmp_path):
    """Two images of each class, of the names above; the given labels are the folders."""
    for i, name in enumerate(NAMES):
        for part in ("train", "test"):
            folder = tmp_path / "ph otos" / part / CLASSES[i % 3]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full([8, 8], 40 * i, np.uint8)).save(folder / name)
    return load_dataset(f"folder:{tmp_path / 'ph otos'}")


def found(data):
    """The examples of the training part, backwards; those with even ids are suspect, the highest worst."""
    ids = np.arange(len(data.train))[::-1]
    given = data.train.labels[ids]
    return Findings(
        example_ids=ids, source_ids=ids, names=file_names(data.train)[ids], given_labels=given,
        suggested_labels=(given + 1) % 3, confidences=np.full(len(ids), 0.75), weights=None,
        scores=np.where(ids == 0, -np.inf, -1.0 * ids), suspects=ids % 2 == 0, true_labels=None,
        class_names=data.class_names,
    )  # fmt: skip


def exported(data, directory, *kinds, decisions=None):
    return export(kinds, directory, labels_of(found(data), decisions, files_of(data.train), data_sha256(data.train)))


def test_label_studio_finds_each_suspect_by_its_url(dataset, tmp_path):
    [line] = exported(dataset, tmp_path / "export", "label_studio")
    tasks = json.loads((tmp_path / "export" / "label_studio.json").read_text(encoding="utf-8"))
    ids = [task["data"]["source_id"] for task in tasks]
    assert ids == [0, *range(2, len(dataset.train), 2)[::-1]]
    root = os.fspath(tmp_path / "ph otos" / "train")
    assert f"DOCUMENT_ROOT={root};" in line
    for task in tasks:
        i = task["data"]["source_id"]
        query = urllib.parse.urlsplit(task["data"]["image"]).query
        [path] = urllib.parse.parse_qs(query, errors="surrogateescape", separator="&")["d"]
        assert os.path.join(root, path) == os.path.abspath(files_of(dataset.train)[i])
        [prediction] = task["predictions"]
        [result] = prediction["result"]
        suggested = dataset.class_names[(dataset.train.labels[i] + 1) % 3]
        assert (result["value"], result["type"]) == ({"choices": [suggested]}, "choices")
        assert prediction["score"] == 0.75
        assert task["data"]["data_sha256"] == data_sha256(dataset.train)
    view = xml.etree.ElementTree.parse(tmp_path / "export" / "label_studio.xml").getroot()
    assert [choice.get("value") for choice in view.iter("Choice")] == list(dataset.class_names)
    [control], [image] = view.iter("Choices"), view.iter("Image")
    assert (
        (control.get("name"), control.get("toName")) == (result["from_name"], result["to_name"]) == ("label", "image")
    )
    assert image.get("value") == "$image"


def test_fiftyone_finds_each_image_and_what_is_known_of_it(dataset, tmp_path):
    exported(dataset, tmp_path / "export", "fiftyone")
    place = tmp_path / "export" / "fiftyone"
    content = json.loads((place / "labels.json").read_text(encoding="utf-8"))
    assert content["classes"] == list(dataset.class_names)
    # Labels go by the names of the files in data/ without their ending.
    images = {path.stem: os.readlink(path) for path in (place / "data").iterdir()}
    assert images.keys() == content["labels"].keys()
    assert sorted(images.values()) == sorted(os.path.abspath(name) for name in files_of(dataset.train))
    for stem, path in images.items():
        i, target = [os.path.abspath(name) for name in files_of(dataset.train)].index(path), content["labels"][stem]
        assert target["label"] == dataset.class_names[dataset.train.labels[i]]
        assert target["attributes"]["suspect"] == (i % 2 == 0)
        assert target["attributes"]["score"] == (None if i == 0 else -i)


def test_corrected_labels_are_read_back_as_labels_and_as_a_folder(dataset, tmp_path):
    n = len(dataset.train)
    nothing = np.zeros(0, np.int64)
    exported(dataset, tmp_path / "as they are", "csv", decisions=Decisions(nothing, np.array([], str), nothing, ""))
    labels, _ = read_given_labels(str(tmp_path / "as they are" / "labels.csv"), None, dataset)
    np.testing.assert_array_equal(labels, dataset.train.labels)
    # The first becomes what its neighbour is, the last is removed.
    changed = (dataset.train.labels[0] + 1) % 3
    decisions = Decisions(np.array([0, n - 1]), np.array(["label", "remove"]), np.array([changed, -1], np.int32), "")
    lines = exported(dataset, tmp_path / "export", "csv", "folder", decisions=decisions)
    assert f"{n - 1} labels, 1 of them changed by decisions" in lines[0]
    with open(tmp_path / "export" / "labels.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    expected = [changed, *dataset.train.labels[1 : n - 1]]
    assert [int(row["label"]) for row in rows] == expected
    assert [row["class"] for row in rows] == [dataset.class_names[label] for label in expected]
    assert [row["file"] for row in rows] == file_names(dataset.train)[: n - 1].tolist()
    links = sorted((tmp_path / "export" / "folder" / "train").glob("*/*"), key=lambda path: path.name)
    assert [path.parent.name for path in links] == [dataset.class_names[label] for label in expected]
    assert [os.readlink(path) for path in links] == [os.path.abspath(name) for name in files_of(dataset.train)[: n - 1]]
    os.symlink(tmp_path / "ph otos" / "test", tmp_path / "export" / "folder" / "test")
    again = load_dataset(f"folder:{tmp_path / 'export' / 'folder'}").train
    read = {(image.tobytes(), label) for image, label in zip(again.images(range(n - 1)), again.labels, strict=True)}
    assert read == {
        (image.tobytes(), label) for image, label in zip(dataset.train.images(range(n - 1)), expected, strict=True)
    }
    # Once more, over what is there.
    assert exported(dataset, tmp_path / "export", "folder", decisions=decisions) == lines[1:]


def test_classes_that_make_no_folders_have_their_number_before(dataset, tmp_path):
    odd = found(dataset)
    odd = Findings(**(vars(odd) | {"class_names": ("..", "a/b", "A_b")}))
    export(["folder"], tmp_path, labels_of(odd, None, files_of(dataset.train), ""))
    folders = {path.name for path in (tmp_path / "folder" / "train").iterdir()}
    assert folders <= {"0_..", "1_a_b", "2_A_b"}
    assert len(folders) == len(np.unique(dataset.train.labels))


def test_images_in_no_files_have_labels_alone(dataset, tmp_path):
    with pytest.raises(UserError, match=r"--export must be csv where the images are in no files\. Received: folder"):
        export(["csv", "folder"], tmp_path / "none", labels_of(found(dataset), None, [], ""))
    assert not (tmp_path / "none").exists()
    export(["csv"], tmp_path / "export", labels_of(found(dataset), None, [], ""))
    assert (tmp_path / "export" / "labels.csv").exists()
