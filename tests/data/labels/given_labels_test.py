"""Tests of labels from a file: forms of one content, and one line for each thing that can be wrong."""

import hashlib
import re

import numpy as np
import pytest

from ieg_fsr.data.labels.given_labels import labels_sha256, read_given_labels
from ieg_fsr.data.sources.image_source import ArraySource, DataSet
from ieg_fsr.errors import UserError


def data_of(num_examples, class_names):
    source = ArraySource(np.zeros([num_examples, 2, 2], np.uint8), np.zeros(num_examples, int))
    return DataSet("some", source, source, tuple(class_names))


def read(path, num_examples=4, class_names=("ant", "bee", "cat"), key=None):
    labels, notes = read_given_labels(str(path), key, data_of(num_examples, class_names))
    assert labels.dtype == np.int32
    return labels.tolist(), notes


def test_forms_of_one_content(tmp_path):
    np.save(tmp_path / "vector.npy", np.array([2, 0, 1, 1], np.uint8))
    np.save(tmp_path / "floats.npy", np.array([2.0, 0.0, 1.0, 1.0]))
    np.save(tmp_path / "names.npy", np.array(["cat", "ant", "bee", "bee"]))
    np.save(tmp_path / "pairs.npy", np.array([[3, 1], [0, 2], [2, 1], [1, 0]]))
    np.save(tmp_path / "text_pairs.npy", np.array([["3", "bee"], ["0", "cat"], ["2", "bee"], ["1", "ant"]]))
    (tmp_path / "pairs.csv").write_text("who,label,example_id\nx,1,3\ny,2,0\nx, 1,2\nx,0,1\n")
    (tmp_path / "names.csv").write_text("example_id,label\n3,bee\n0,cat\n2, bee\n1,ant\n")
    (tmp_path / "class.csv").write_text("example_id,class\n3,bee\n0,cat\n2,bee\n1,ant\n")
    # A table with gaps, as pandas writes it.
    (tmp_path / "floats.csv").write_text("example_id,label\n3,1.0\n0,2.0\n2,1.0\n1,0.0\n")
    (tmp_path / "excel.csv").write_bytes(b"\xef\xbb\xbfexample_id,label\r\n0,2\r\n1,0\r\n2,1\r\n3,1\r\n")
    for path in sorted(tmp_path.iterdir()):
        assert read(path) == ([2, 0, 1, 1], []), path.name


def test_examples_without_a_label(tmp_path):
    np.save(tmp_path / "vector.npy", np.array([2, -1, 1, -1]))
    np.save(tmp_path / "floats.npy", np.array([2, np.nan, 1, -1]))
    np.save(tmp_path / "names.npy", np.array(["cat", "", "bee", "-1"]))
    (tmp_path / "numbers.csv").write_text("example_id,label\n0,2\n1,\n2,1.0\n3,-1.0\n")
    (tmp_path / "names.csv").write_text("example_id,class\n0,cat\n1,-1\n2,bee\n3,\n")
    for path in sorted(tmp_path.iterdir()):
        assert read(path) == ([2, -1, 1, -1], []), path.name


def test_classes_with_numbers_for_names(tmp_path):
    """Classes 1, 10, 2 in the order of their names; the label 2 is then the last class by number and by name."""
    names = ("1", "10", "2")
    (tmp_path / "numbers.csv").write_text("example_id,label\n0,0\n1,1\n2,2\n3,2\n")
    (tmp_path / "names.csv").write_text("example_id,label\n0,1\n1,10\n2,2\n3,2\n")
    (tmp_path / "either.csv").write_text("example_id,label\n0,1\n1,1\n2,2\n3,2\n")
    (tmp_path / "either_class.csv").write_text("example_id,class\n0,1\n1,1\n2,2\n3,2\n")
    assert read(tmp_path / "numbers.csv", class_names=names) == ([0, 1, 2, 2], [])
    assert read(tmp_path / "names.csv", class_names=names) == ([0, 1, 2, 2], [])
    labels, notes = read(tmp_path / "either.csv", class_names=names)
    assert labels == [1, 1, 2, 2]
    assert notes == ["--labels_file: its labels are taken for class numbers; class 0 has the name 1"]
    assert read(tmp_path / "either_class.csv", class_names=names) == ([0, 0, 2, 2], [])


CONTENT = "must be a .npy file of whole numbers or texts, or CSV in UTF-8."
HEADER = "must have a header with example_id or path, and label or class. Received: "
IDS = "the ids 0..2 of the training set"
NAMES = "names of classes (ant, bee); -1 or nothing for none. Received: "
LABELS = f"must hold class numbers in [0, 2) throughout, or {NAMES}"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("l.npy", "0,1,2", CONTENT),
        ("l.npy", b"", CONTENT),
        ("l.npy", np.array([0.5, 1.0, 1.0]), CONTENT),
        ("l.npy", np.array([0.0, 1.0, np.inf]), CONTENT),
        ("l.npy", np.array([True, False, True]), CONTENT),
        ("l.csv", b"example_id,label\n0,\xff\n", CONTENT),
        ("l.npy", np.zeros([3, 3], int), "must be of shape [N] or [N, 2]. Received: [3, 3]"),
        ("l.csv", "", f"{HEADER}''"),
        ("l.csv", "0,1\n1,1\n2,1\n", f"{HEADER}'0,1'"),
        ("l.csv", "example_id,kind\n0,1\n", f"{HEADER}'example_id,kind'"),
        ("l.csv", "name,label\n0,1\n", f"{HEADER}'name,label'"),
        ("l.csv", "example_id,label\n0,1\n1.5,1\n", "must hold whole numbers. Received: example_id '1.5' in line 3"),
        ("l.csv", "example_id,label\n0,1\n,1\n", "must hold whole numbers. Received: example_id '' in line 3"),
        ("l.csv", "example_id,label\n0,1\n1\n", "must have label in each row. Received: none in line 3"),
        ("l.csv", "example_id,label\n0,1\n1,0\n", f"must have all of {IDS}. Received: 1 ids missing, first 2"),
        ("l.csv", "example_id,label\n", f"must have all of {IDS}. Received: 3 ids missing, first 0"),
        ("l.npy", np.array([0, 1]), f"must have all of {IDS}. Received: 1 ids missing, first 2"),
        ("l.csv", "example_id,label\n0,1\n1,0\n2,0\n1,1\n", f"must have {IDS} once each. Received: id 1 twice"),
        ("l.csv", "example_id,label\n0,1\n1,0\n3,0\n", f"must have {IDS}. Received: 3 labels, id 3"),
        ("l.csv", "example_id,label\n-1,1\n", f"must have {IDS}. Received: 1 labels, id -1"),
        ("l.npy", np.array([0, 1, 1, 1]), f"must have {IDS}. Received: 4 labels, id 3"),
        ("l.csv", "path,label\na.png,1\n", "must name examples by example_id: --dataset=some has no files. Received: "),
        ("l.npy", np.array([0, 2, 1]), f"{LABELS}label 2 of id 1"),
        ("l.csv", "example_id,label\n2,1\n1,-2\n0,0\n", f"{LABELS}label -2 of id 1"),
        ("l.csv", "example_id,label\n0,1\n1,cow\n2,1\n", f"{LABELS}label cow of id 1"),
        ("l.csv", f"example_id,label\n0,{'9' * 30}\n1,1\n2,1\n", f"{LABELS}label 999"),
        ("l.csv", "example_id,label\n0,1\n1,ant\n2,1\n", f"{LABELS}label 1 of id 0"),
        ("l.csv", "example_id,class\n0,ant\n1,1\n2,ant\n",
         f"must hold {NAMES}label 1 of id 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(tmp_path, name, content, message):
    path = tmp_path / name
    if isinstance(content, np.ndarray):
        np.save(path, content)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=r"^--labels_file " + re.escape(message)) as caught:
        read(path, 3, ("ant", "bee"))
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(str(path))


def test_a_key_is_for_labels_by_key(tmp_path):
    np.save(tmp_path / "l.npy", np.array([0, 1, 1, 2]))
    with pytest.raises(UserError, match=r"^--labels_key must be left out: .* not hold labels by key\. Received: k$"):
        read(tmp_path / "l.npy", key="k")


@pytest.mark.parametrize("name", ["missing.csv", "missing.npy", ""])
def test_no_file(tmp_path, name):
    with pytest.raises(UserError, match=r"^--labels_file must be a readable file \(.*\)\. Received: "):
        read(tmp_path / name)


def test_fingerprint_is_that_of_little_endian_32_bit_numbers():
    expected = hashlib.sha256(bytes([1, 0, 0, 0, 0, 1, 0, 0])).hexdigest()
    for kind in ("<i4", ">i4", "int64", "uint16"):
        assert labels_sha256(np.array([1, 256], kind)) == expected
