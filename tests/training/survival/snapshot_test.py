"""A checkpoint on disk: nothing that was changed since is taken for what was written."""

import hashlib
import pathlib
import subprocess
import zipfile

import numpy as np
import pytest

from ieg_fsr.training.survival.snapshot import (
    DamagedError,
    find_snapshots,
    read_snapshot,
    remove_all_but,
    write_snapshot,
)

ARRAYS = {
    "step": np.int64(7),
    "a/0": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a/1": np.zeros([0, 4], np.float16),
    "b/0": np.array(True),
}


@pytest.fixture
def snapshot(tmp_path):
    return write_snapshot(tmp_path / "checkpoints", 7, ARRAYS.items())


def test_what_is_written_is_read(snapshot):
    read = read_snapshot(snapshot)
    assert read.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (read[name].dtype, read[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(read[name], array)


def test_the_checksum_is_one_that_other_programs_check(snapshot):
    command = ["sha256sum", "-c", "SHA256SUMS"]
    assert subprocess.run(command, cwd=snapshot, capture_output=True, text=True).stdout == "arrays.npz: OK\n"


def test_every_flipped_bit_is_found(snapshot):
    for name in ("arrays.npz", "SHA256SUMS"):
        content = (snapshot / name).read_bytes()
        for place in range(len(content)):
            changed = bytearray(content)
            changed[place] ^= 1 << (place % 8)
            (snapshot / name).write_bytes(changed)
            with pytest.raises(DamagedError):
                read_snapshot(snapshot)
        (snapshot / name).write_bytes(content)
    read_snapshot(snapshot)


@pytest.mark.parametrize("name", ["arrays.npz", "SHA256SUMS"])
def test_truncated_and_missing_files_are_found(snapshot, name):
    content = (snapshot / name).read_bytes()
    for length in (0, 1, len(content) - 1):
        (snapshot / name).write_bytes(content[:length])
        with pytest.raises(DamagedError):
            read_snapshot(snapshot)
    (snapshot / name).unlink()
    with pytest.raises(DamagedError, match=f"{name}: No such file"):
        read_snapshot(snapshot)


def test_a_pickle_is_not_opened(snapshot):
    """Not even one with the right checksum."""
    np.savez(snapshot / "arrays.npz", step=np.array([{"a": 1}], dtype=object))
    sums = subprocess.run(["sha256sum", "arrays.npz"], cwd=snapshot, capture_output=True, text=True).stdout
    (snapshot / "SHA256SUMS").write_text(sums)
    with pytest.raises(DamagedError, match="allow_pickle=False"):
        read_snapshot(snapshot)


def test_what_fails_while_it_is_written_leaves_nothing(tmp_path):
    def arrays():
        yield "a", np.zeros(3)
        raise OSError(28, "No space left on device")

    write_snapshot(tmp_path, 1, ARRAYS.items())
    for step in (1, 2):
        with pytest.raises(OSError, match="No space left"):
            write_snapshot(tmp_path, step, arrays())
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]
    assert read_snapshot(tmp_path / "step-00000001").keys() == ARRAYS.keys()


def test_snapshots_are_found_newest_first_whatever_their_number_of_digits(tmp_path):
    for step in (9, 123456789, 10):
        write_snapshot(tmp_path, step, ARRAYS.items())
    (tmp_path / "step-of-mine").mkdir()
    assert [step for step, _ in find_snapshots(tmp_path)] == [123456789, 10, 9]
    assert find_snapshots(tmp_path / "missing") == []
    (tmp_path / "step-00000011").touch()
    assert find_snapshots(tmp_path)[0][0] == 123456789


def test_the_newest_up_to_a_step_are_kept(tmp_path):
    for step in (1, 2, 3, 4, 9):
        write_snapshot(tmp_path, step, ARRAYS.items())
    remove_all_but(tmp_path, 4, 2)
    assert [step for step, _ in find_snapshots(tmp_path)] == [4, 3]


class Marker:
    """Unpickled, it would make a file."""

    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path("executed"),)


def test_a_strangers_snapshot_with_a_right_checksum_executes_nothing(snapshot, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    headers = [b"__import__('os').system('touch executed')", b"(" * 20_000, b"{'descr': '|O', 'fortran_order': False}"]
    headers += [b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000,), }", b"\xff"]
    members = [b"\x93NUMPY\x02\x00" + len(header).to_bytes(4, "little") + header for header in headers]
    np.save("pickled.npy", np.array([Marker()], object), allow_pickle=True)
    np.load("pickled.npy", allow_pickle=True)
    pathlib.Path("executed").unlink()  # The attack works where pickles are allowed.
    members.append(pathlib.Path("pickled.npy").read_bytes())
    for content in members:
        with zipfile.ZipFile(snapshot / "arrays.npz", "w") as archive:
            archive.writestr("step.npy", content)
        digest = hashlib.sha256((snapshot / "arrays.npz").read_bytes()).hexdigest()
        (snapshot / "SHA256SUMS").write_text(f"{digest}  arrays.npz\n")
        with pytest.raises(DamagedError, match=r"^arrays\.npz: \S") as caught:
            read_snapshot(snapshot)
        assert "\n" not in str(caught.value)
    assert not pathlib.Path("executed").exists()
