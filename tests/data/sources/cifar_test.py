import os
import pathlib
import pickle
import time

import numpy as np
import pytest

from ieg_fsr.data.sources import tfds_source
from ieg_fsr.data.sources.cifar import load_cifar
from ieg_fsr.data.sources.datasets import SPECS, load_dataset
from ieg_fsr.errors import UserError

BATCHES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]


def planes(marks: dict[int, int]) -> bytes:
    """The 3,072 bytes of an image: red plane, green plane, blue plane; black but for {position: value}."""
    image = bytearray(3072)
    for position, value in marks.items():
        image[position] = value
    return bytes(image)


# Green (plane 1), row 2, column 3: 1024 + 2 * 32 + 3 = 1091. Blue, last row, last column: 3071.
MARKED = planes({1091: 200, 3071: 9})


def assert_marked(image: np.ndarray) -> None:
    assert np.argwhere(image).tolist() == [[2, 3, 1], [31, 31, 2]]
    assert (image[2, 3, 1], image[31, 31, 2]) == (200, 9)


def binary_files() -> dict[str, bytes]:
    """CIFAR-10, one image a file with label 0, 1, ...; the third file holds the marked image, then a black one."""
    files = {f"cifar-10-batches-bin/{name}.bin": bytes([k]) + planes({}) for k, name in enumerate(BATCHES)}
    files["cifar-10-batches-bin/data_batch_3.bin"] = bytes([7]) + MARKED + bytes([8]) + planes({})
    files["cifar-10-batches-bin/batches.meta.txt"] = b"airplane\nautomobile\n\n"
    return files


def python2_pickle(images: bytes, labels: list[int], label_key: bytes = b"labels") -> bytes:
    """What Python 2 and its NumPy write for {"data": uint8 [N, 3072], label_key: [...]}, opcode by opcode."""
    count = len(labels)
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    dtype = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    shape = b"K" + bytes([count]) + b"M\x00\x0c\x86"  # 0x0c00 = 3072
    raw = b"T" + len(images).to_bytes(4, "little") + images
    array += b"(K\x01" + shape + dtype + b"\x89" + raw + b"tb"
    listed = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    key = b"U" + bytes([len(label_key)]) + label_key
    return b"\x80\x02}(U\x04data" + array + key + listed + b"u."


def python_files() -> dict[str, bytes]:
    """The same content as `binary_files` in the python format."""
    files = {f"cifar-10-batches-py/{name}": python2_pickle(planes({}), [k]) for k, name in enumerate(BATCHES)}
    files["cifar-10-batches-py/data_batch_3"] = python2_pickle(MARKED + planes({}), [7, 8])
    return files


def unpack(root: pathlib.Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


def assert_is_the_content(data) -> None:
    assert data.train.labels.tolist() == [0, 1, 7, 8, 3, 4]
    assert data.test.labels.tolist() == [5]
    assert data.train.image_shape == (32, 32, 3)
    assert_marked(data.train.images([2])[0])
    assert not data.train.images([0, 1, 3, 4, 5]).any()
    assert data.class_names[:2] == ("airplane", "automobile")
    assert data.num_classes == 10


def test_the_hand_written_pickle_is_one():
    """Python's own unpickler and NumPy read it as the array it is meant to be."""
    batch = pickle.loads(python2_pickle(MARKED, [7]), encoding="bytes")
    assert batch[b"labels"] == [7]
    assert batch[b"data"].dtype == np.uint8
    assert batch[b"data"].tobytes() == MARKED


@pytest.mark.parametrize("folder", ["", "downloads/manual", "cifar-10"])
def test_binary_archive(tmp_path, write_archive, folder):
    write_archive(tmp_path / folder / "cifar-10-binary.tar.gz", binary_files())
    data = load_dataset("cifar10", str(tmp_path))
    assert_is_the_content(data)
    assert data.num_classes == SPECS["cifar10"].num_classes


def test_python_archive(tmp_path, write_archive):
    write_archive(tmp_path / "cifar-10-python.tar.gz", python_files())
    assert_is_the_content(load_dataset("cifar10", str(tmp_path)))


@pytest.mark.parametrize("files", [binary_files(), python_files()])
def test_unpacked_folder(tmp_path, files):
    unpack(tmp_path, files)
    assert_is_the_content(load_dataset("cifar10", str(tmp_path)))


def test_nothing_is_unpacked(tmp_path, write_archive):
    write_archive(tmp_path / "cifar-10-binary.tar.gz", binary_files())
    load_dataset("cifar10", str(tmp_path))
    assert os.listdir(tmp_path) == ["cifar-10-binary.tar.gz"]


def test_members_may_start_with_a_dot(tmp_path, write_archive):
    write_archive(tmp_path / "cifar-10-binary.tar.gz", {f"./{name}": data for name, data in binary_files().items()})
    assert_is_the_content(load_dataset("cifar10", str(tmp_path)))


@pytest.mark.parametrize("order", ["C", "F"])
def test_pickles_of_todays_numpy(tmp_path, order):
    """Protocol 2 of Python 3: bytes pass through _codecs.encode, and NumPy 2 names numpy._core."""
    images = np.asarray(np.frombuffer(MARKED + planes({}), np.uint8).reshape(2, 3072), order=order)
    unpack(tmp_path, python_files())
    content = pickle.dumps({"data": images, "labels": [7, 8]}, protocol=2)
    (tmp_path / "cifar-10-batches-py" / "data_batch_3").write_bytes(content)
    assert_is_the_content(load_dataset("cifar10", str(tmp_path)))


def test_cifar100_binary_has_the_fine_label(tmp_path, write_archive):
    names = "\n".join(f"thing_{label}" for label in range(100)) + "\n"
    files = {
        "cifar-100-binary/train.bin": bytes([3, 42]) + MARKED + bytes([19, 99]) + planes({}),
        "cifar-100-binary/test.bin": bytes([0, 1]) + planes({}),
        "cifar-100-binary/fine_label_names.txt": names.encode(),
    }
    write_archive(tmp_path / "cifar-100-binary.tar.gz", files)
    data = load_dataset("cifar100", str(tmp_path))
    assert data.num_classes == SPECS["cifar100"].num_classes
    assert data.train.labels.tolist() == [42, 99]
    assert data.test.labels.tolist() == [1]
    assert_marked(data.train.images([0])[0])
    assert data.num_classes == 100
    assert data.class_names[42] == "thing_42"


def test_cifar100_python(tmp_path):
    files = {
        "cifar-100-python/train": python2_pickle(MARKED + planes({}), [42, 99], b"fine_labels"),
        "cifar-100-python/test": python2_pickle(planes({}), [1], b"fine_labels"),
        "cifar-100-python/meta": pickle.dumps({b"fine_label_names": [b"n%d" % k for k in range(100)]}, protocol=2),
    }
    unpack(tmp_path, files)
    data = load_dataset("cifar100", str(tmp_path))
    assert data.train.labels.tolist() == [42, 99]
    assert_marked(data.train.images([0])[0])
    assert data.class_names[99] == "n99"
    (tmp_path / "cifar-100-python" / "meta").unlink()
    assert load_dataset("cifar100", str(tmp_path)).class_names[99] == "class 99"


def test_cifar100_needs_one_hundred_names(tmp_path):
    record = bytes([0, 0]) + planes({})
    folder = "cifar-100-binary"
    names = {f"{folder}/train.bin": record, f"{folder}/test.bin": record, f"{folder}/fine_label_names.txt": b"a\nb\n"}
    unpack(tmp_path, names)
    with pytest.raises(UserError, match=r"fine_label_names\.txt, must name 100 classes\. Received: 2"):
        load_dataset("cifar100", str(tmp_path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be a pickled dict"),
        (python2_pickle(MARKED, [7])[:-100], "must be a pickled dict"),
        (pickle.dumps({"data": os.system, "labels": [1]}), r"a call of \w+\.system, which is not allowed"),
        (pickle.dumps([1, 2]), "must be a pickled dict"),
        (pickle.dumps({"labels": [1]}), "must hold data as uint8"),
        (pickle.dumps({"data": np.zeros((1, 3072), np.uint8), "labels": 5}, 2), "labels as a list.*Received: int"),
        (pickle.dumps({"data": np.zeros((1, 3072), np.int32), "labels": [5]}, 2), "an array of type i4"),
        (pickle.dumps({"data": np.zeros((1, 99), np.uint8), "labels": [5]}, 2), r"uint8 \[N, 3072\].*\[1, 99\]"),
        (pickle.dumps({"data": np.array([None]), "labels": [5]}, 2), "an array of type O8"),
        (python2_pickle(MARKED, [10]), r"labels in \[0, 10\). Received: 10..10"),
        (python2_pickle(MARKED, [7]).replace(b"K\x07", b"K\x07K\x07"), "a label for each image. Received: 2 for 1"),
    ],
)
def test_a_damaged_pickle_is_named(tmp_path, content, message):
    unpack(tmp_path, python_files())
    (tmp_path / "cifar-10-batches-py" / "test_batch").write_bytes(content)
    with pytest.raises(UserError, match=f"file cifar-10-batches-py/test_batch, .*{message}") as caught:
        load_dataset("cifar10", str(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_a_truncated_archive_is_named(cifar10_archive, tmp_path, share):
    content = (cifar10_archive / "cifar-10-binary.tar.gz").read_bytes()
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match=r"^--dataset=cifar10: .*cifar-10-binary\.tar\.gz") as caught:
        load_dataset("cifar10", str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_flipped_bit_is_noticed(cifar10_archive, tmp_path):
    content = bytearray((cifar10_archive / "cifar-10-binary.tar.gz").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(content)
    with pytest.raises(UserError, match=r"cifar-10-binary\.tar\.gz"):
        load_dataset("cifar10", str(tmp_path))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data_batch_4.bin", bytes(3072), "whole records of 3073 bytes. Received: 3072 bytes"),
        ("test_batch.bin", b"", "whole records of 3073 bytes. Received: 0 bytes"),
        ("data_batch_1.bin", bytes([10]) + bytes(3072), r"labels in \[0, 10\). Received: 10..10"),
        ("data_batch_1.bin", None, "must be there. Received: no such file"),
    ],
)
def test_a_damaged_member_is_named(tmp_path, write_archive, name, content, message):
    files = binary_files()
    files[f"cifar-10-batches-bin/{name}"] = content
    files = {member: data for member, data in files.items() if data is not None}
    write_archive(tmp_path / "cifar-10-binary.tar.gz", files)
    with pytest.raises(UserError, match=rf"cifar-10-binary\.tar\.gz, file cifar-10-batches-bin/{name}, .*{message}"):
        load_dataset("cifar10", str(tmp_path))


@pytest.mark.parametrize(("name", "archive"), [("cifar10", "cifar-10-binary"), ("cifar100", "cifar-100-binary")])
@pytest.mark.parametrize("given", [True, False])
def test_without_network_the_message_says_what_to_do(monkeypatch, tmp_path, name, archive, given):
    monkeypatch.setattr(tfds_source, "can_connect", lambda *_: False)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    start = time.monotonic()
    with pytest.raises(UserError) as caught:
        load_cifar(name, str(tmp_path) if given else None)
    assert time.monotonic() - start < 10  # The probe may take five seconds more.
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"--dataset={name} ")
    assert f"put {archive}.tar.gz" in message
    assert (f"into {tmp_path}. " if given else "into a directory DIR and pass --data_dir=DIR. ") in message


def test_the_shared_archive(cifar10_archive):
    data = load_dataset("cifar10", str(cifar10_archive))
    assert np.bincount(data.train.labels).tolist() == [30] * 10
    assert np.bincount(data.test.labels).tolist() == [6] * 10
    assert data.class_names[9] == "truck"
