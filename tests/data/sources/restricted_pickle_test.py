"""What a pickle may hold: arrays of bytes come back, and commands are not run."""

import os
import pathlib
import pickle

import numpy as np
import pytest

from ieg_fsr.data.sources.restricted_pickle import OBJECTS, PickledArray, as_text, unpickle


class RunsCommand:
    """Unpickling it naively creates a file."""

    def __init__(self, target: pathlib.Path):
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


def test_a_pickle_cannot_run_code(tmp_path):
    content = pickle.dumps({"data": RunsCommand(tmp_path / "ran")}, protocol=2)
    with pytest.raises(pickle.UnpicklingError, match=r"a call of \w+\.system, which is not allowed"):
        unpickle(content)
    assert not (tmp_path / "ran").exists()
    pickle.loads(content)
    assert (tmp_path / "ran").exists(), "the attack is real: without the restriction the command runs"


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_bytes_come_back(order):
    array = np.asarray(np.arange(12, dtype=np.uint8).reshape(3, 4), order=order)
    found = unpickle(pickle.dumps({"data": array, b"labels": [1, "a"]}, protocol=2))
    assert isinstance(found["data"], PickledArray)
    np.testing.assert_array_equal(found["data"].values, array)
    assert found["labels"] == [1, "a"]


@pytest.mark.parametrize("array", [np.zeros(3), np.array([None]), np.array([{"a": 1}])])
def test_other_arrays_are_refused(array):
    with pytest.raises(pickle.UnpicklingError, match="an array of type"):
        unpickle(pickle.dumps({"data": array}, protocol=2))


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_arrays_of_numbers_come_back_where_they_are_allowed(protocol):
    arrays = {"a": np.array([1, -(2**40)]), "b": np.array([[3], [-4]], ">i4"), "c": np.array([200], np.uint8)}
    content = pickle.dumps(arrays, protocol=protocol)
    with pytest.raises(pickle.UnpicklingError, match="an array of type i8"):
        unpickle(content)
    found = unpickle(content, ("i8", "i4", "u1"))
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name].values, array)


def test_a_dict_that_numpy_saved(tmp_path):
    np.save(tmp_path / "d.npy", {"a": np.arange(3)})
    content = (tmp_path / "d.npy").read_bytes()[128:]  # behind the header
    np.testing.assert_array_equal(unpickle(content, (OBJECTS, "i8"))["a"].values, range(3))
    with pytest.raises(pickle.UnpicklingError, match="an array of type O8"):
        unpickle(content, ("i8",))


def test_text_of_python_2():
    assert (as_text(b"\xe9"), as_text("a"), as_text(3)) == ("é", "a", "3")
