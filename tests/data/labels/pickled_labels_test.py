"""CIFAR-N's files, made here in their genuine format: right labels or a refusal, and nothing is run."""

import pathlib
import pickle
import re
import zipfile

import numpy as np
import pytest

from ieg_fsr.data.labels.given_labels import read_given_labels
from ieg_fsr.data.sources.image_source import ArraySource, DataSet
from ieg_fsr.errors import UserError

N, CLASSES = 500, 10
RNG = np.random.default_rng(0)
CLEAN = RNG.integers(0, CLASSES, N)  # in the order of the archives
LABELS = {
    "clean_label": CLEAN,
    "aggre_label": np.where(RNG.random(N) < 0.1, (CLEAN + 1) % CLASSES, CLEAN),
    "worse_label": np.where(RNG.random(N) < 0.4, (CLEAN + 3) % CLASSES, CLEAN),
}
ORDER = RNG.permutation(N)  # place in the archives of each image that tensorflow_datasets prepared


def data_of(labels, places=None):
    source = ArraySource(np.zeros([len(labels), 2, 2], np.uint8), labels)
    return DataSet("cifar10", source, source, tuple("abcdefghij"), original_places=places)


def save_npy(directory, labels=LABELS):
    """As `np.save` writes a dict."""
    np.save(directory / "CIFAR-10_human.npy", labels)
    return str(directory / "CIFAR-10_human.npy")


def save_pt(directory, labels=LABELS):
    """As `torch.save` does: a zip file with a pickle of protocol 2."""
    path = directory / "CIFAR-10_human.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("CIFAR-10_human/data.pkl", pickle.dumps(labels, protocol=2))
        archive.writestr("CIFAR-10_human/version", "3\n")
    return str(path)


SAVES = pytest.mark.parametrize("save", [save_npy, save_pt])


@SAVES
@pytest.mark.parametrize("key", LABELS)
def test_file_and_data_in_the_order_of_the_archives(tmp_path, save, key):
    labels, notes = read_given_labels(save(tmp_path), key, data_of(CLEAN))
    np.testing.assert_array_equal(labels, LABELS[key])
    assert (labels.dtype, notes) == (np.int32, [])


@SAVES
def test_data_in_another_order_that_is_known(tmp_path, save):
    labels, notes = read_given_labels(save(tmp_path), "worse_label", data_of(CLEAN[ORDER], ORDER))
    np.testing.assert_array_equal(labels, LABELS["worse_label"][ORDER])
    assert len(notes) == 1
    assert notes[0].startswith("--labels_file is in the order of the data set's original files, and was put into")


def test_a_file_in_the_order_of_the_prepared_data(tmp_path):
    """CIFAR-10_human_ordered.npy, which is published too."""
    path = save_npy(tmp_path, {name: labels[ORDER] for name, labels in LABELS.items()})
    labels, notes = read_given_labels(path, "worse_label", data_of(CLEAN[ORDER], ORDER))
    np.testing.assert_array_equal(labels, LABELS["worse_label"][ORDER])
    assert notes == []
    with pytest.raises(UserError, match=r"^--labels_file must be in the order of the data or of their original files"):
        read_given_labels(path, "worse_label", data_of(CLEAN))


@SAVES
@pytest.mark.parametrize("places", [None, RNG.permutation(N)])
def test_any_other_order_is_refused_with_what_to_use(tmp_path, save, places):
    path = save(tmp_path)
    with pytest.raises(UserError) as caught:
        read_given_labels(path, "worse_label", data_of(CLEAN[ORDER], places))
    share = f"{np.mean(CLEAN[ORDER] == CLEAN):.1%}"
    assert str(caught.value).endswith(f"Received: {path}, whose clean_label is that of the data for {share} of the "
                                      "examples")  # fmt: skip
    assert "CIFAR-10_human_ordered.npy" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_label_that_differs_is_another_order(tmp_path):
    other = CLEAN.copy()
    other[7] = (other[7] + 1) % CLASSES
    with pytest.raises(UserError, match=r"is that of the data for 99\.8% of the examples$"):
        read_given_labels(save_npy(tmp_path), "worse_label", data_of(other))


def test_labels_as_a_column_or_a_list(tmp_path):
    path = save_npy(tmp_path, {"clean_label": CLEAN.tolist(), "noisy_label": CLEAN[:, np.newaxis].astype(np.int32)})
    labels, _ = read_given_labels(path, "noisy_label", data_of(CLEAN))
    np.testing.assert_array_equal(labels, CLEAN)


class RunsCommand:
    """Unpickling it naively creates a file."""

    def __init__(self, target: pathlib.Path):
        self.target = target

    def __reduce__(self):
        return pathlib.Path.touch, (self.target,)


@SAVES
def test_what_could_run_code_is_refused_and_not_run(tmp_path, save):
    ran = tmp_path / "ran"
    path = save(tmp_path, LABELS | {"more": RunsCommand(ran)})
    with pytest.raises(UserError, match=r"no other is read, as it could run any code\. Received: a call of "):
        read_given_labels(path, "worse_label", data_of(CLEAN))
    assert not ran.exists()
    if save is save_npy:
        np.load(path, allow_pickle=True)
        assert ran.exists(), "the attack is real: without the restriction the command runs"


KEYS = "be one of aggre_label, clean_label, worse_label with this --labels_file. Received: "


@pytest.mark.parametrize(
    ("labels", "key", "message"),
    [
        (LABELS, None, f"--labels_key must {KEYS}nothing"),
        (LABELS, "worst_label", f"--labels_key must {KEYS}worst_label"),
        ({"worse_label": CLEAN}, "worse_label", "--labels_file must hold clean_label, by which its order is found"),
        ({"clean_label": CLEAN, "k": CLEAN[1:]}, "k", "--labels_file must hold a label for each of the 500 training "
         "examples. Received: 499 under k, 500 under clean_label, in "),
        ({"clean_label": CLEAN[:9], "k": CLEAN[:9]}, "k", "--labels_file must hold a label for each of the 500"),
        ({"clean_label": CLEAN, "k": CLEAN + 1}, "k", "--labels_file must hold class numbers in [0, 10) throughout"),
        ({"clean_label": CLEAN, "k": CLEAN / 2}, "k", "--labels_file must be a dict of arrays of whole numbers, where "
         "it is a pickle; no other is read, as it could run any code. Received: an array of type f8, in "),
        ([1, 2], "k", "--labels_file must be a .npy file of whole numbers"),
        (np.array([1, None]), "k", "--labels_file must be a dict of arrays of whole numbers"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(tmp_path, labels, key, message):
    path = save_npy(tmp_path, labels)
    if isinstance(labels, list):
        message = f"--labels_key must be left out: {path} does not hold labels by key. Received: k"
    with pytest.raises(UserError, match="^" + re.escape(message)) as caught:
        read_given_labels(path, key, data_of(CLEAN))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cut", [127, 129, 1000, -1])
def test_a_damaged_file(tmp_path, cut):
    path = save_npy(tmp_path)
    whole = pathlib.Path(path).read_bytes()
    pathlib.Path(path).write_bytes(whole[:cut])
    with pytest.raises(UserError, match=r"^--labels_(file|key) must be "):
        read_given_labels(path, "worse_label", data_of(CLEAN))


def test_another_zip_file(tmp_path):
    np.savez(tmp_path / "l.npz", labels=CLEAN)
    with pytest.raises(UserError, match=r"Received: a zip file without the data\.pkl of a \.pt file, in "):
        read_given_labels(str(tmp_path / "l.npz"), "labels", data_of(CLEAN))
