"""A tree that names a class of its own is not read, and nothing is imported."""

import json
import sys

import pytest

from ieg_fsr.data.sources.datasets import load_dataset
from ieg_fsr.data.sources.prepared_tree import check_prepared_tree
from ieg_fsr.errors import UserError

CORE = "tensorflow_datasets.core.features"
IMAGE = {
    "pythonClassName": f"{CORE}.image_feature.Image",
    "image": {"shape": {"dimensions": ["8", "8", "1"]}, "dtype": "uint8", "encodingFormat": "png"},
}
EVIL = "evil_features.Evil"


def features(label, key="pythonClassName"):
    return {
        "pythonClassName": f"{CORE}.features_dict.FeaturesDict",
        "featuresDict": {"features": {"image": IMAGE, "label": {key: label}}},
    }


def write_tree(root, content, name="strange/1.0.0"):
    (root / name).mkdir(parents=True)
    (root / name / "features.json").write_text(content)
    info = {"name": "strange", "version": "1.0.0", "fileFormat": "tfrecord", "splits": []}
    (root / name / "dataset_info.json").write_text(json.dumps(info))


def test_a_module_that_the_tree_names_is_not_imported(tmp_path, monkeypatch):
    marker = tmp_path / "marker"
    (tmp_path / "evil_features.py").write_text(f"import pathlib; pathlib.Path({str(marker)!r}).touch()")
    monkeypatch.syspath_prepend(tmp_path)
    write_tree(tmp_path / "data", json.dumps(features(EVIL)))
    import tensorflow_datasets as tfds

    with pytest.raises(Exception, match="Evil"):
        tfds.builder("strange", data_dir=tmp_path / "data")
    assert marker.exists(), "the attack would do nothing"
    marker.unlink()
    del sys.modules["evil_features"]
    with pytest.raises(UserError, match=rf"^--dataset=strange must have features of .* Received: {EVIL} in .*features"):
        load_dataset("tfds:strange", str(tmp_path / "data"))
    assert not marker.exists()


@pytest.mark.parametrize("key", ["pythonClassName", "python_class_name", "type"])
@pytest.mark.parametrize("place", ["strange/1.0.0", "strange/config/2.0.0"])
def test_each_spelling_in_each_place(tmp_path, key, place):
    write_tree(tmp_path, json.dumps([features(f"{CORE}.class_label_feature.ClassLabel"), features(EVIL, key)]), place)
    for name in ("strange", "strange:1.0.0"):
        with pytest.raises(UserError, match=EVIL):
            check_prepared_tree(name, str(tmp_path))


def test_an_escaped_spelling(tmp_path):
    content = json.dumps(features(EVIL)).replace('"pythonClassName": "evil', '"python\\u0043lassName": "\\u0065vil')
    assert "evil" not in content
    write_tree(tmp_path, content)
    with pytest.raises(UserError, match=EVIL):
        check_prepared_tree("strange", str(tmp_path))


@pytest.mark.parametrize(
    "content", [json.dumps(features(f"{CORE}.class_label_feature.ClassLabel")), "{", "[" * 100_000]
)
def test_known_classes_and_damaged_files_pass(tmp_path, content):
    write_tree(tmp_path, content)
    check_prepared_tree("strange", str(tmp_path))
    check_prepared_tree("missing", str(tmp_path))
