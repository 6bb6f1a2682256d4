"""iNaturalist 2018 in its layout."""

import json
import shutil

import pytest

from ieg_fsr.data.sources.datasets import load_dataset
from ieg_fsr.errors import UserError


@pytest.fixture
def copy(inaturalist, tmp_path):
    return shutil.copytree(inaturalist, tmp_path / "copy")


def test_labels_belong_to_their_images(inaturalist):
    data = load_dataset("inaturalist2018", str(inaturalist), image_size=32)
    assert data.num_classes == 24
    assert data.class_names[3] == "species 3"
    assert (len(data.train), len(data.test)) == (40, 20)
    for part in (data.train, data.test):
        shades = part.images(range(len(part)))[:, 16, 16, 1].astype(int)
        assert abs(shades - part.labels).max() <= 2
    # In the order of the images' ids, which the files' names count.
    assert data.train.names == sorted(data.train.names, key=lambda name: name.rpartition("/")[2])
    assert data.notes == ()


def complaint(root):
    with pytest.raises(UserError) as caught:
        load_dataset("inaturalist2018", None if root is None else str(root))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_bad_lists(copy, tmp_path):
    assert "--data_dir must be given with --dataset=inaturalist2018" in complaint(None)
    assert complaint(tmp_path).endswith("train2018.json must be the list of iNaturalist 2018. "
                                        "Received: No such file or directory")  # fmt: skip
    whole = json.loads((copy / "train2018.json").read_text())
    (copy / "train2018.json").write_text(json.dumps(whole)[:-40])
    assert complaint(copy).endswith("Received: no whole JSON")
    for name in ("categories", "images", "annotations"):
        (copy / "train2018.json").write_text(json.dumps({key: whole[key] for key in whole if key != name}))
        assert complaint(copy).endswith(f"Received: KeyError '{name}'")
    (copy / "train2018.json").write_text(json.dumps([1, 2]))
    assert "Received: TypeError" in complaint(copy)
    (copy / "train2018.json").write_text(json.dumps(whole | {"categories": whole["categories"][:5]}))
    assert "Received: KeyError" in complaint(copy)
