"""Names of files as people write them: which images are meant, and one line for each that is none."""

import dataclasses
import re

import numpy as np
import pytest

from ieg_fsr.data.labels.given_labels import read_given_labels
from ieg_fsr.data.sources.image_source import DataSet
from ieg_fsr.errors import UserError


@dataclasses.dataclass
class Files:
    names: list

    in_files = True

    def __len__(self):
        return len(self.names)


TRAIN = ["photos/train/cat/1.png", "photos/train/cat/2.png", "photos/train/dog/1.png"]
DATA = DataSet("folder:photos", Files(TRAIN), Files(["photos/val/cat/1.png", "photos/val/dog/9.png"]), ("cat", "dog"),
               damaged_files=("photos/train/dog/damaged.png",))  # fmt: skip


def read(tmp_path, text, data=DATA):
    path = tmp_path / "l.csv"
    path.write_text(text)
    labels, notes = read_given_labels(str(path), None, data)
    return labels.tolist(), notes


@pytest.mark.parametrize(
    "rows",
    [
        "photos/train/cat/1.png,dog\nphotos/train/cat/2.png,cat\nphotos/train/dog/1.png,dog\n",
        "train/dog/1.png,1\ntrain/cat/2.png,0\ntrain/cat/1.png,1\n",
        "dog/1.png,1.0\n2.png,0\ncat/1.png,1\n",
        "./photos/train/cat/1.png,dog\nphotos/train/dog/../cat/2.png,cat\n./dog/1.png,dog\n",
    ],
)
@pytest.mark.parametrize("heading", ["path", "file", "file_name"])
def test_images_by_their_path_or_an_end_of_it(tmp_path, rows, heading):
    assert read(tmp_path, f"{heading},label\n{rows}") == ([1, 0, 1], [])


def test_absolute_paths_of_relative_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{tmp_path / name},dog\n" for name in TRAIN)
    assert read(tmp_path, f"path,class\n{rows}") == ([1, 1, 1], [])


def test_pairs_of_texts(tmp_path):
    np.save(tmp_path / "l.npy", np.array([["dog/1.png", "cat"], ["cat/1.png", ""], ["2.png", "dog"]]))
    labels, _ = read_given_labels(str(tmp_path / "l.npy"), None, DATA)
    assert labels.tolist() == [-1, 1, 0]


def test_other_images_of_the_data_set_are_passed_over(tmp_path):
    rows = "cat/1.png,dog\ncat/2.png,\ndog/1.png,dog\ndog/9.png,cat\ndog/damaged.png,cat\n"
    labels, notes = read(tmp_path, f"path,label\n{rows}")
    assert labels == [1, -1, 1]
    assert notes == ["--labels_file: 2 of its files are no training images, and are passed over"]


def test_numbers_that_are_names_of_classes_are_names(tmp_path):
    data = dataclasses.replace(DATA, class_names=("1", "0"))
    labels, notes = read(tmp_path, "path,label\ncat/1.png,1\n2.png,0\ndog/1.png,0\n", data)
    assert labels == [0, 1, 1]
    assert notes == ["--labels_file: its labels are taken for names of classes; class 0 has the name 1"]


ALL = "cat/1.png,0\ncat/2.png,0\ndog/1.png,0\n"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (f"{ALL}cat/3.png,0\n", "name files of --dataset=folder:photos. Received: cat/3.png in PATH, which is no file"),
        (f"{ALL}og/1.png,0\n", "name files of --dataset=folder:photos. Received: og/1.png in PATH, which is no file"),
        (f"{ALL},0\n", "name files of --dataset=folder:photos. Received:  in PATH, which is no file"),
        ("1.png,0\n", "name files of --dataset=folder:photos. Received: 1.png in PATH, which is 2 files, such as "),
        (f"{ALL}train/cat/1.png,1\n", "name a training image once. Received: photos/train/cat/1.png twice in PATH"),
        ("cat/1.png,0\n", "name each of the 3 training images, one without a label with an empty one. "
         "Received: 2 missing, first photos/train/cat/2.png, in PATH"),
        (f"{ALL[:-2]}cow\n", "hold class numbers in [0, 2) throughout, or names of classes (cat, dog); -1 or nothing "
         "for none. Received: label cow of dog/1.png in PATH"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(tmp_path, rows, message):
    message = message.replace("PATH", str(tmp_path / "l.csv"))
    with pytest.raises(UserError, match="^--labels_file must " + re.escape(message)):
        read(tmp_path, f"path,label\n{rows}")
