"""Tests of transition matrices from files: both formats, and one line for each thing that can be wrong."""

import pathlib
import re

import numpy as np
import pytest

from ieg_fsr.data.labels.noise_matrix import read_noise_matrix
from ieg_fsr.errors import UserError

MATRIX = np.array([[0.7, 0.3, 0.0], [0.0, 0.9, 0.1], [0.25, 0.0, 0.75]])


def test_npy_and_csv_hold_the_same(tmp_path):
    np.save(tmp_path / "m.npy", MATRIX)
    (tmp_path / "m.csv").write_text("0.7,0.3,0\n0, 0.9 ,0.1\n\n0.25,0,75e-2\n")
    for name in ("m.npy", "m.csv"):
        matrix = read_noise_matrix(str(tmp_path / name), 3)
        np.testing.assert_array_equal(matrix, MATRIX)
        assert matrix.dtype == np.float64


def test_integers_and_rounded_rows_do(tmp_path):
    np.save(tmp_path / "identity.npy", np.eye(3, dtype=np.int64))
    np.testing.assert_array_equal(read_noise_matrix(str(tmp_path / "identity.npy"), 3), np.eye(3))
    (tmp_path / "thirds.csv").write_text("0.333333,0.333333,0.333334\n" * 3)
    read_noise_matrix(str(tmp_path / "thirds.csv"), 3)


@pytest.mark.parametrize(("name", "wrong"), [("worse", 0.4021), ("aggre", 0.0903)])
def test_what_people_do(name, wrong):
    """The shares are those of the paper's Table 1 (Wei et al. 2022); classes of CIFAR-10 are even."""
    path = pathlib.Path(__file__).parents[3] / "docs" / "examples" / f"cifar10n_{name}.csv"
    matrix = read_noise_matrix(str(path), 10)
    assert 1.0 - np.diag(matrix).mean() == pytest.approx(wrong, abs=5e-4)


NOT_NUMBERS = "be rows of numbers, a .npy file or CSV without a header"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.csv", "a,b\n0.5,0.5\n", NOT_NUMBERS),
        ("m.csv", "1,0\n0\n", NOT_NUMBERS),
        ("m.csv", b"\xff\xfe\x00", NOT_NUMBERS),
        ("m.csv", "1;0\n0;1\n", NOT_NUMBERS),
        ("m.npy", "1,0\n0,1\n", NOT_NUMBERS),
        ("m.npy", b"", NOT_NUMBERS),
        ("m.npy", np.array([[None, 1.0], [1.0, 0.0]]), NOT_NUMBERS),
        ("m.npy", np.array([["1", "0"], ["0", "1"]]), NOT_NUMBERS),
        ("m.csv", "", "be of shape [2, 2]. Received: [0]"),
        ("m.csv", "1,0,0\n0,1,0\n0,0,1\n", "be of shape [2, 2]. Received: [3, 3]"),
        ("m.npy", np.ones(4), "be of shape [2, 2]. Received: [4]"),
        ("m.csv", "0.6,0.4\n1.2,-0.2\n", "probabilities in [0, 1]. Received: 1.2 in row 1, column 0"),
        ("m.csv", "0.6,0.4\n0.1,-0.1\n", "probabilities in [0, 1]. Received: -0.1 in row 1, column 1"),
        ("m.csv", "0.6,0.4\nnan,1\n", "probabilities in [0, 1]. Received: nan in row 1, column 0"),
        ("m.csv", "0.6,0.4\n0.5,0.4\n", "rows that sum to 1. Received: 0.9 in row 1"),
        ("m.csv", "0.6,0.400002\n0.5,0.5\n", "rows that sum to 1. Received: 1.000002 in row 0"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, name, content, message):
    path = tmp_path / name
    if isinstance(content, np.ndarray):
        np.save(path, content)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=r"^--noise_matrix must (hold |have |)" + re.escape(message)) as caught:
        read_noise_matrix(str(path), 2)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(str(path))


@pytest.mark.parametrize("name", ["missing.csv", "missing.npy", ""])
def test_no_file(tmp_path, name):
    with pytest.raises(UserError, match=r"^--noise_matrix must be a readable file \(.*\)\. Received: "):
        read_noise_matrix(str(tmp_path / name), 2)


def test_another_flag_is_named(tmp_path):
    with pytest.raises(UserError, match=r"^--correction_matrix must be a readable file"):
        read_noise_matrix(str(tmp_path / "missing"), 2, "--correction_matrix")
