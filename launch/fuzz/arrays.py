"""Damaged arrays and tables: npz archives, label files, noise matrices."""

import pathlib
import pickle
import zipfile

import numpy as np

from launch.fuzz.cases import EITHER, REFUSED, Case, pick
from launch.fuzz.damage import damage_file

SMALL = ("--epochs=1", "--batch_size=10", "--method=supervised", "--mixup=false", "--model_dir=run")
DIGITS = (*SMALL, "--train_examples=40")
EXAMPLES = 1437


class Marker:
    """Unpickled, it would make a file."""

    def __reduce__(self) -> tuple:
        return pathlib.Path.touch, (pathlib.Path("executed"),)


def npz_case(number: int, rng: np.random.Generator, place: pathlib.Path) -> Case:
    """A damaged npz archive, or one whose arrays are not as they should be."""
    arrays = {
        "x_train": rng.integers(0, 256, (60, 8, 8, 1), np.uint8),
        "y_train": np.arange(60) % 3,
        "x_test": rng.integers(0, 256, (20, 8, 8, 1), np.uint8),
        "y_test": np.arange(20) % 3,
    }
    path = place / "data.npz"
    expected = EITHER
    if rng.random() < 0.45:
        np.savez(path, **arrays)
        about = damage_file(path, rng)
    else:
        key = pick(rng, tuple(arrays))
        about = pick(rng, tuple(_WRONG_ARRAYS))
        expected = EITHER if about in _MAY_RUN else REFUSED
        arrays[key] = _WRONG_ARRAYS[about](arrays[key])
        about = f"{key}: {about}"
        np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
        if arrays[key] is None and key in ("x_test", "y_test"):
            expected = REFUSED
    words = ("--dataset=npz:data.npz", *SMALL)
    return Case("inputs", number, words, expected, f"npz, {about}", ("data.npz",))


_MAY_RUN = ("column", "unsigned", "big-endian", "one colour channel left out", "five classes", "huge label")
_WRONG_ARRAYS = {
    "missing": lambda a: None,
    "objects": lambda a: np.array([Marker()] * len(a), object),
    "float": lambda a: a.astype(np.float32) / 2,
    "not a number": lambda a: np.full(a.shape, np.nan),
    "bool": lambda a: a.astype(bool),
    "complex": lambda a: a.astype(complex),
    "text": lambda a: a.astype(str),
    "dates": lambda a: a.astype("datetime64[s]"),
    "records": lambda a: np.zeros(len(a), [("a", int)]),
    "no rows": lambda a: a[:0],
    "one row less": lambda a: a[1:],
    "scalar": lambda a: np.array(3),
    "no pixels": lambda a: np.zeros((len(a), 0, 8, 1), np.uint8),
    "no channels": lambda a: np.zeros((len(a), 8, 8, 0), np.uint8),
    "five axes": lambda a: np.zeros((len(a), 8, 8, 1, 1), np.uint8),
    "negative": lambda a: a.astype(np.int64) - 1,
    "huge label": lambda a: np.full(len(a), 2**40),
    "largest label": lambda a: np.full(len(a), 2**64 - 1, np.uint64),
    "label of 10^9": lambda a: np.r_[np.full(len(a) - 1, 0), 10**9],
    "other names": lambda a: {"x": a},
    "column": lambda a: a[:, np.newaxis] if a.ndim == 1 else a,
    "unsigned": lambda a: a.astype(np.uint8),
    "big-endian": lambda a: a.astype(">i8") if a.ndim == 1 else a,
    "one colour channel left out": lambda a: a[..., 0] if a.ndim == 4 else a,
}


def archive_case(number: int, rng: np.random.Generator, place: pathlib.Path) -> Case:
    """A zip whose members are not arrays, or lie about what they are."""
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (%s,), }"
    bodies = {
        "a header of 10^15 bytes": _npy(header % b"1000000000000000"),
        "a header of a negative size": _npy(header % b"-5"),
        "a header that calls": _npy(b"__import__('os').system('touch executed')"),
        "a header of nested brackets": _npy(b"(" * 20000),
        "a pickle": pickle.dumps(Marker()),
        "nothing": b"",
        "a text": b"hello",
    }
    about = pick(rng, tuple(bodies))
    with zipfile.ZipFile(place / "data.npz", "w") as archive:
        for name in ("x_train", "y_train", "x_test", "y_test"):
            archive.writestr(f"{name}.npy", bodies[about])
        archive.writestr("../escaped", b"out of the folder")
    return Case("inputs", number, ("--dataset=npz:data.npz", *SMALL), REFUSED, f"npz, {about}", ("data.npz",))


def _npy(header: bytes) -> bytes:
    return b"\x93NUMPY\x02\x00" + len(header).to_bytes(4, "little") + header


def table_case(number: int, rng: np.random.Generator, place: pathlib.Path) -> Case:
    """A damaged file of labels or of noise."""
    flag = pick(rng, ("labels_file", "noise_matrix", "correction_matrix"))
    ending = pick(rng, ("csv", "npy"))
    path = place / f"table.{ending}"
    labels = flag == "labels_file"
    table = rng.integers(0, 10, EXAMPLES) if labels else np.eye(10) * 0.5 + 0.05
    expected = EITHER
    if ending == "npy":
        about = pick(rng, ("bytes", "objects", "float labels", "three axes", "too few", "text"))
        wrong = {
            "objects": np.array([Marker()] * 3, object),
            "float labels": np.full(EXAMPLES, np.nan),
            "three axes": np.zeros((3, 3, 3), int),
            "too few": table[:-1],
            "text": np.array(["a"] * EXAMPLES),
        }
        np.save(path, wrong.get(about, table), allow_pickle=True)
        expected = EITHER if about == "bytes" else REFUSED
        if about == "bytes":
            about = damage_file(path, rng)
    else:
        rows = _label_rows(table) if labels else [",".join(f"{cell:.2f}" for cell in row) for row in table]
        about = pick(rng, tuple(_LINES))
        path.write_bytes(_LINES[about](rows, rng))
        if about == "bytes":
            about = damage_file(path, rng)
        elif about not in _HARMLESS:
            expected = REFUSED
    method = ("--method=forward_correction",) if flag == "correction_matrix" else ()
    words = (*DIGITS, *method, f"--{flag}={path.name}")
    return Case("inputs", number, words, expected, f"{flag} in {ending}, {about}", (f"--{flag}",))


def _label_rows(labels: np.ndarray) -> list[str]:
    return ["example_id,label", *(f"{i},{label}" for i, label in enumerate(labels))]


def _text(rows: list[str]) -> bytes:
    return ("\n".join(rows) + "\n").encode()


_HARMLESS = ("bytes", "sound", "mark of UTF-8", "line ends of DOS", "blank lines", "spaces")
_LINES = {
    "bytes": lambda rows, rng: _text(rows),
    "sound": lambda rows, rng: _text(rows),
    "mark of UTF-8": lambda rows, rng: b"\xef\xbb\xbf" + _text(rows),
    "UTF-16": lambda rows, rng: _text(rows).decode().encode("utf-16"),
    "Latin-1": lambda rows, rng: _text(rows) + b"\xe9,\xe9\n",
    "line ends of DOS": lambda rows, rng: _text(rows).replace(b"\n", b"\r\n"),
    "blank lines": lambda rows, rng: _text(rows).replace(b"\n", b"\n\n"),
    "spaces": lambda rows, rng: _text(rows).replace(b",", b", ") if "id" not in rows[0] else _text(rows),
    "a row twice": lambda rows, rng: _text([*rows, rows[-1]]),
    "a row less": lambda rows, rng: _text(rows[:-1]),
    "a row of words": lambda rows, rng: _text([*rows[:-1], ",".join("ab" for _ in rows[-1].split(","))]),
    "a cell less": lambda rows, rng: _text([*rows[:-1], rows[-1].rpartition(",")[0]]),
    "not a number": lambda rows, rng: _text([*rows[:-1], rows[-1].rpartition(",")[0] + ",nan"]),
    "infinity": lambda rows, rng: _text([*rows[:-1], rows[-1].rpartition(",")[0] + ",inf"]),
    "negative": lambda rows, rng: _text([*rows[:-1], rows[-1].rpartition(",")[0] + ",-1"]),
    "huge": lambda rows, rng: _text([*rows[:-1], rows[-1].rpartition(",")[0] + "," + "9" * 5000]),
    "NUL": lambda rows, rng: _text(rows)[:-4] + b"\0\0\0\0",
    "an open quote": lambda rows, rng: b'"' + _text(rows),
    "semicolons": lambda rows, rng: _text(rows).replace(b",", b";"),
    "nothing": lambda rows, rng: b"",
    "one line of a megabyte": lambda rows, rng: b"1," * 500_000,
}
