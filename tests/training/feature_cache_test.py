"""Tests of kept features: what is computed, what is computed again, and files that are not what they should be."""

import keras
import numpy as np
import pytest
from PIL import Image

from ieg_fsr.data.pipeline.encoded_images import EncodedImages
from ieg_fsr.data.sources.image_source import ArraySource
from ieg_fsr.errors import UserError
from ieg_fsr.networks.backbones import seeded
from ieg_fsr.training.feature_cache import backbone_key, cached_features, image_digests

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, [6, 4, 4, 3], dtype=np.uint8)


def source(images=IMAGES):
    return ArraySource(images, np.zeros(len(images), np.int32))


def backbone(seed=0, width=5, activation="relu"):
    with seeded(seed):
        layers = [keras.layers.Conv2D(width, 3, activation=activation), keras.layers.GlobalAveragePooling2D()]
        return keras.Sequential([keras.Input((4, 4, 3)), *layers])


def test_features_are_those_of_the_backbone_and_are_computed_once(tmp_path):
    said, network = [], backbone()
    parts = [source(), source(IMAGES[::-1][:4])]
    first = cached_features(network, parts, tmp_path / "new", said.append)
    np.testing.assert_allclose(first[0], network(IMAGES.astype(np.float32)), rtol=1e-5)
    np.testing.assert_allclose(first[1], network(IMAGES[::-1][:4].astype(np.float32)), rtol=1e-5)
    assert len(said) == 2
    again = cached_features(backbone(), parts, tmp_path / "new", said.append)
    assert len(said) == 2
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert [path.name for path in (tmp_path / "new").iterdir()] == [f"{backbone_key(network)[:16]}.npz"]


def test_a_changed_image_alone_is_computed_anew(tmp_path):
    said = []
    cached_features(backbone(), [source()], tmp_path, said.append)
    changed = IMAGES.copy()
    changed[2, 0, 0, 0] ^= 1
    [found] = cached_features(backbone(), [source(changed)], tmp_path, said.append)
    assert said[2].startswith("1 of 6 images go through")
    np.testing.assert_allclose(found, backbone()(changed.astype(np.float32)), rtol=1e-5)


@pytest.mark.parametrize("other", [{"seed": 1}, {"activation": "tanh"}])
def test_another_backbone_has_a_file_of_its_own(other, tmp_path):
    said = []
    cached_features(backbone(), [source()], tmp_path, said.append)
    [found] = cached_features(backbone(**other), [source()], tmp_path, said.append)
    assert said[2].startswith("6 of 6 images")
    np.testing.assert_allclose(found, backbone(**other)(IMAGES.astype(np.float32)), rtol=1e-5)


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def changed(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def foreign(path):
    np.savez(path, key=np.array("other"), digests=np.zeros([1, 32], np.uint8), features=np.zeros([1, 5], np.float32))


def objects(path):
    np.savez(path, key=np.array({"a": 1}), digests=np.zeros([1, 32], np.uint8), features=np.zeros([1, 5], np.float32))


@pytest.mark.parametrize("spoil", [cut, changed, foreign, objects])
def test_a_damaged_or_foreign_file_is_made_anew_with_a_line(spoil, tmp_path):
    said, path = [], tmp_path / f"{backbone_key(backbone())[:16]}.npz"
    [expected] = cached_features(backbone(), [source()], tmp_path, said.append)
    spoil(path)
    [found] = cached_features(backbone(), [source()], tmp_path, said.append)
    assert str(path) in said[2]
    assert said[2].endswith("made anew")
    np.testing.assert_array_equal(found, expected)
    cached_features(backbone(), [source()], tmp_path, said.append)
    assert len(said) == 5


def test_encoded_images_are_known_by_their_files(tmp_path):
    paths = [str(tmp_path / f"{number}.png") for number in range(3)]
    for path, image in zip(paths, IMAGES, strict=False):
        Image.fromarray(image).save(path)
    digests = image_digests(EncodedImages(paths, np.zeros(3, np.int32), 4))
    assert len(np.unique(digests, axis=0)) == 3
    assert not np.array_equal(digests, image_digests(EncodedImages(paths, np.zeros(3, np.int32), 8)))
    Image.fromarray(IMAGES[5]).save(paths[1])
    again = image_digests(EncodedImages(paths, np.zeros(3, np.int32), 4))
    assert (digests != again).any(axis=1).tolist() == [False, True, False]


def test_a_directory_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"^--features_dir must be a writable directory"):
        cached_features(backbone(), [source()], tmp_path / "file", print)
