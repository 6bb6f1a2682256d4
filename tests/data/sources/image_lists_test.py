import pytest

from ieg_fsr.data.sources.dataset_spec import Request
from ieg_fsr.data.sources.image_lists import data_set
from ieg_fsr.errors import UserError


@pytest.fixture(scope="module")
def images(tmp_path_factory, write_image):
    """Twelve images, image k of shade 20 k, of classes 0 and 1 in turn."""
    folder = tmp_path_factory.mktemp("lists")
    paths = [str(write_image(folder / f"{k:02}.png", shade=20 * k)) for k in range(12)]
    return [(path, k % 2) for k, path in enumerate(paths)]


def part(images, ids):
    return [images[i] for i in ids]


def test_parts_become_sources(images):
    parts = {"train": part(images, range(8)), "test": part(images, [8, 9]), "far": part(images, [10])}
    data = data_set("x", ["a", "b"], parts, Request(image_size=16), notes=["note"])
    assert (len(data.train), len(data.test)) == (8, 2)
    assert list(data.extra_tests) == ["far"]
    assert data.extra_tests["far"].images([0])[0, 0, 0, 0] == 200
    assert (data.class_names, data.notes, data.damaged_files) == (("a", "b"), ("note",), ())


def test_the_size_that_is_not_given(images):
    assert data_set("x", "ab", {"train": images}, Request()).train.image_shape == (224, 224, 3)


def test_ids_stay_dense_without_the_corrupt_images(images, tmp_path):
    broken = [str(tmp_path / f"{k}.png") for k in range(25)]
    listed = [(images[3][0], 0), *((path, 1) for path in broken), (images[4][0], 1)]
    data = data_set("x", ["a", "b"], {"train": listed, "test": images}, Request(image_size=16))
    assert data.train.images([0, 1])[:, 0, 0, 0].tolist() == [60, 80]
    assert data.train.labels.tolist() == [0, 1]
    assert data.damaged_files == tuple(broken)
    [note] = data.notes
    assert note.startswith(f"25 images cannot be decoded and are left out (25 no such file): {broken[0]}, ")
    assert note.endswith(f"{broken[19]} and 5 more")


def test_corrupt_images_in_memory_are_named_by_part_and_number(images):
    with open(images[0][0], "rb") as file:
        whole = file.read()
    listed = [(whole, 0), (whole[:20], 1), (whole, 1)]
    data = data_set("x", ["a", "b"], {"train": listed, "test": listed}, Request(image_size=16), in_files=False)
    assert data.damaged_files == ("train image 1", "test image 1")
    with pytest.raises(UserError, match=r"--strict_data wants .* Received: train image 1 and 1 more$"):
        data_set(
            "x", ["a", "b"], {"train": listed, "test": listed}, Request(image_size=16, strict=True), in_files=False
        )


@pytest.mark.parametrize("empty", [[], [("/no/0.png", 0)]])
def test_a_part_needs_an_image(images, empty):
    with pytest.raises(UserError, match=r"--dataset=x must have test images that can be read .* Received: [01] images"):
        data_set("x", ["a", "b"], {"train": images, "test": empty}, Request(image_size=16))
