"""Tests of labels from a file: three forms of one content, and one line for each thing that can be wrong."""

import hashlib
import re

import numpy as np
import pytest

from ieg_fsr.data.labels.given_labels import labels_sha256, read_given_labels
from ieg_fsr.errors import UserError


def test_three_forms_of_one_content(tmp_path):
    np.save(tmp_path / "vector.npy", np.array([2, 0, 1, 1], np.uint8))
    np.save(tmp_path / "pairs.npy", np.array([[3, 1], [0, 2], [2, 1], [1, 0]]))
    (tmp_path / "pairs.csv").write_text("who,label,example_id\nx,1,3\ny,2,0\nx, 1,2\nx,0,1\n")
    (tmp_path / "excel.csv").write_bytes(b"\xef\xbb\xbfexample_id,label\r\n0,2\r\n1,0\r\n2,1\r\n3,1\r\n")
    for name in ("vector.npy", "pairs.npy", "pairs.csv", "excel.csv"):
        labels = read_given_labels(str(tmp_path / name), 4, 3)
        assert (labels.tolist(), labels.dtype) == ([2, 0, 1, 1], np.int32), name


CONTENT = "must be a .npy file of integers or CSV in UTF-8."
HEADER = "must have a header with example_id and label. Received: "
IDS = "the ids 0..2 of the training set"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("l.npy", "0,1,2", CONTENT),
        ("l.npy", b"", CONTENT),
        ("l.npy", np.array([0.0, 1.0, 1.0]), CONTENT),
        ("l.npy", np.array([0, 1, None]), CONTENT),
        ("l.csv", b"example_id,label\n0,\xff\n", CONTENT),
        ("l.npy", np.zeros([3, 3], int), "must be of shape [N] or [N, 2]. Received: [3, 3]"),
        ("l.csv", "", f"{HEADER}''"),
        ("l.csv", "0,1\n1,1\n2,1\n", f"{HEADER}'0,1'"),
        ("l.csv", "example_id,class\n0,1\n", f"{HEADER}'example_id,class'"),
        ("l.csv", "example_id,label\n0,1\n1,cat\n", "must hold whole numbers. Received: label 'cat' in line 3"),
        ("l.csv", "example_id,label\n0,1\n1.5,1\n", "must hold whole numbers. Received: example_id '1.5' in line 3"),
        ("l.csv", "example_id,label\n0,1\n1\n", "must hold whole numbers. Received: label 'missing' in line 3"),
        ("l.csv", f"example_id,label\n0,{'9' * 30}\n", "must hold whole numbers. Received: label '999"),
        ("l.csv", "example_id,label\n0,1\n1,0\n", f"must have all of {IDS}. Received: 1 ids missing, first 2"),
        ("l.csv", "example_id,label\n", f"must have all of {IDS}. Received: 3 ids missing, first 0"),
        ("l.npy", np.array([0, 1]), f"must have all of {IDS}. Received: 1 ids missing, first 2"),
        ("l.csv", "example_id,label\n0,1\n1,0\n2,0\n1,1\n", f"must have {IDS} once each. Received: id 1 twice"),
        ("l.csv", "example_id,label\n0,1\n1,0\n3,0\n", f"must have {IDS}. Received: 3 labels, id 3"),
        ("l.csv", "example_id,label\n-1,1\n", f"must have {IDS}. Received: 1 labels, id -1"),
        ("l.npy", np.array([0, 1, 1, 1]), f"must have {IDS}. Received: 4 labels, id 3"),
        ("l.npy", np.array([0, 2, 1]), "must hold labels in [0, 2). Received: label 2 of id 1"),
        ("l.csv", "example_id,label\n2,1\n1,-1\n0,0\n", "must hold labels in [0, 2). Received: label -1 of id 1"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, name, content, message):
    path = tmp_path / name
    if isinstance(content, np.ndarray):
        np.save(path, content)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=r"^--labels_file " + re.escape(message)) as caught:
        read_given_labels(str(path), 3, 2)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(str(path))


@pytest.mark.parametrize("name", ["missing.csv", "missing.npy", ""])
def test_no_file(tmp_path, name):
    with pytest.raises(UserError, match=r"^--labels_file must be a readable file \(.*\)\. Received: "):
        read_given_labels(str(tmp_path / name), 3, 2)


def test_fingerprint_is_that_of_little_endian_32_bit_numbers():
    expected = hashlib.sha256(bytes([1, 0, 0, 0, 0, 1, 0, 0])).hexdigest()
    for kind in ("<i4", ">i4", "int64", "uint16"):
        assert labels_sha256(np.array([1, 256], kind)) == expected
