"""ImageNet's validation images in the layouts in which people keep them. Seven images of five classes."""

import pathlib

import pytest

from ieg_fsr.data.sources.imagenet_validation import find_imagenet_validation
from ieg_fsr.errors import UserError

WNIDS = ["n01440764", "n01443537", "n01484850", "n01491361", "n01494475"]
# Label of image 1, 2, ...; the classes of interest are the first three.
LABELS = [3, 0, 2, 0, 4, 1, 2]
EXPECTED = [(2, 0), (3, 2), (4, 0), (6, 1), (7, 2)]


def file_name(number):
    return f"ILSVRC2012_val_{number:08}.JPEG"


def write_flat(folder):
    folder.mkdir(parents=True)
    for number in range(1, len(LABELS) + 1):
        (folder / file_name(number)).write_bytes(b"")


def found(root, wnids=None):
    listed = find_imagenet_validation(root, wnids, 3)
    return [(int(pathlib.Path(item).stem[-8:]), label) for item, label in listed]


def test_nothing_there(tmp_path):
    assert find_imagenet_validation(tmp_path, None, 3) is None
    assert find_imagenet_validation(tmp_path / "no", WNIDS[:3], 3) is None


@pytest.mark.parametrize("folder", [".", "val", "ILSVRC2012_img_val"])
@pytest.mark.parametrize("wnids", [None, WNIDS[:3]])
def test_folders_by_wordnet_id(tmp_path, folder, wnids):
    for number, label in enumerate(LABELS, start=1):
        place = tmp_path / folder / WNIDS[label]
        place.mkdir(parents=True, exist_ok=True)
        (place / file_name(number)).write_bytes(b"")
    assert sorted(found(tmp_path, wnids)) == EXPECTED


@pytest.mark.parametrize("folder", [".", "val"])
@pytest.mark.parametrize("wnids", [None, WNIDS[:3]])
@pytest.mark.parametrize("kind", ["val.txt", "imagenet_2012_validation_labels.txt", "LOC_val_solution.csv"])
def test_flat_with_a_list(tmp_path, folder, wnids, kind):
    root = tmp_path / "imagenet"
    write_flat(root / folder)
    numbered = list(enumerate(LABELS, start=1))
    lines = {
        "val.txt": [f"{file_name(number)} {label}" for number, label in numbered],
        "imagenet_2012_validation_labels.txt": [WNIDS[label] for _, label in numbered],
        "LOC_val_solution.csv": [
            "ImageId,PredictionString",
            *(f"{file_name(n)[:-5]},{WNIDS[label]} 85 1 499 272 " for n, label in numbered[::-1]),
        ],
    }
    (root / kind).write_text("\n".join(lines[kind]) + "\n")
    assert found(root, wnids) == EXPECTED


def test_flat_without_a_list(tmp_path):
    write_flat(tmp_path / "val")
    with pytest.raises(UserError, match=r"have one of val.txt, .* Received: ILSVRC2012_val_00000001.JPEG without"):
        find_imagenet_validation(tmp_path, None, 3)


def test_a_list_of_another_kind(tmp_path):
    """The development kit's own list has ids that are not labels."""
    write_flat(tmp_path / "val")
    (tmp_path / "val.txt").write_text("490\n361\n")
    with pytest.raises(UserError, match=r"must have lines `NAME LABEL`. Received: '490'"):
        find_imagenet_validation(tmp_path, None, 3)
