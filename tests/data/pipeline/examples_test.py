"""Tests of the input pipeline: every batch is a function of the global step and the seed alone."""

import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.data.pipeline.encoded_images import EncodedImages
from ieg_fsr.data.pipeline.examples import Examples, chunks, examples
from ieg_fsr.errors import UserError


def numbered(count, batch_size, seed=0):
    """Example i is the vector (i, -i) of class i % 7."""
    ids = np.arange(count, dtype=np.float32)
    return examples(np.stack([ids, -ids], axis=1), np.arange(count) % 7, batch_size, seed)


def epoch_ids(data, epoch):
    """Ids [steps, B] of one epoch."""
    first = epoch * data.steps_per_epoch
    return np.stack([ids for _, _, ids in data.batches(first, first + data.steps_per_epoch).as_numpy_iterator()])


@pytest.mark.parametrize(("count", "batch_size"), [(100, 10), (103, 10), (7, 7), (7, 4), (10, 1), (1, 1)])
def test_an_epoch_visits_no_example_twice(count, batch_size):
    data = numbered(count, batch_size)
    assert data.steps_per_epoch == count // batch_size
    for epoch in range(3):
        ids = epoch_ids(data, epoch)
        assert ids.shape == (count // batch_size, batch_size)
        assert len(np.unique(ids)) == ids.size
        assert 0 <= ids.min() <= ids.max() < count


def test_an_epoch_of_whole_batches_visits_all():
    assert set(epoch_ids(numbered(100, 10), 2).ravel()) == set(range(100))


def test_each_epoch_leaves_out_another_remainder():
    data = numbered(13, 5)
    left_out = [frozenset(range(13)) - set(epoch_ids(data, epoch).ravel().tolist()) for epoch in range(30)]
    assert all(len(rest) == 3 for rest in left_out)
    assert frozenset().union(*left_out) == set(range(13))


def test_epochs_and_seeds_differ():
    orders = [epoch_ids(numbered(50, 10, seed), epoch).ravel() for seed in (0, 1) for epoch in (0, 1, 2)]
    assert len({tuple(order) for order in orders}) == 6
    # Two independent permutations agree in one place on average.
    for order in orders[1:]:
        assert np.sum(order == orders[0]) < 10


def test_every_example_comes_first_equally_often():
    """250 epochs of 10 examples: 25 times each, standard deviation 4.7."""
    data = numbered(10, 10)
    first = [ids[0] for _, _, ids in data.batches(0, 250).as_numpy_iterator()]
    np.testing.assert_allclose(np.bincount(first, minlength=10), np.full(10, 25), rtol=0, atol=4 * 4.75)


def test_no_order_comes_back_after_hundreds_of_epochs():
    """Orders of 40 examples: two equal ones among 600 are no accident."""
    orders = {tuple(ids) for _, _, ids in numbered(40, 40).batches(0, 600).as_numpy_iterator()}
    assert len(orders) == 600


def test_seeds_are_told_apart_beyond_a_byte():
    orders = {tuple(epoch_ids(numbered(40, 40, seed), 0)[0]) for seed in (3, 3 + 2**8, 3 + 2**16, 3 + 2**24)}
    assert len(orders) == 4


@pytest.mark.parametrize("start", [0, 1, 9, 10, 14])
def test_a_batch_does_not_depend_on_the_start(start):
    data = numbered(103, 10)
    reference = list(data.batches(0, 25).as_numpy_iterator())
    resumed = list(data.batches(start, 25).as_numpy_iterator())
    assert len(resumed) == 25 - start
    for expected, actual in zip(reference[start:], resumed, strict=True):
        for one, other in zip(expected, actual, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("visited", [None, np.arange(1, 23, 2)])
def test_batches_within_an_epoch_are_those_of_more(visited):
    """They are put together another way."""
    data = numbered(23, 5)
    if visited is not None:
        data = data.visiting(visited, np.linspace(0.5, 2, len(visited)))
    steps = data.steps_per_epoch
    several, one = data.batches(0, 2 * steps), data.batches(steps + 1, 2 * steps)
    assert several.element_spec == one.element_spec
    for left, right in zip(several.skip(steps + 1), one, strict=True):
        for column, other in zip(left, right, strict=True):
            np.testing.assert_array_equal(column, other)


def test_inputs_and_labels_belong_to_the_ids():
    data = numbered(45, 6)
    for inputs, labels, ids in data.batches(0, 20).as_numpy_iterator():
        np.testing.assert_array_equal(inputs, np.stack([ids, -ids], axis=1))
        np.testing.assert_array_equal(labels, ids % 7)


def test_dtypes_and_static_shapes():
    spec = examples(np.zeros([20, 3, 2], np.uint8), np.zeros(20, np.int64), 4).batches(0, 1).element_spec
    assert [(item.shape.as_list(), item.dtype) for item in spec] == [
        ([4, 3, 2], tf.uint8), ([4], tf.int32), ([4], tf.int32)
    ]  # fmt: skip


def test_takes_float_arrays_as_they_are():
    x = np.random.default_rng(0).normal(size=(12, 2, 2)).astype(np.float32)
    inputs, _, ids = next(examples(x, np.zeros(12, int), 12).batches(0, 1).as_numpy_iterator())
    np.testing.assert_array_equal(inputs, x[ids])
    assert inputs.dtype == np.float32


def test_takes_any_source_with_random_access():
    class Squares:
        def __len__(self):
            return 9

        def images(self, ids):
            return np.square(ids)

    inputs, _, ids = next(Examples(Squares(), np.zeros(9, int), 3).batches(0, 1).as_numpy_iterator())
    np.testing.assert_array_equal(inputs, np.square(ids))


@pytest.mark.parametrize("batch_size", [0, -1, 6])
def test_bad_batch_size_is_refused(batch_size):
    with pytest.raises(UserError, match=rf"batch_size must be in 1..5 .*Received: {batch_size}"):
        numbered(5, batch_size)


def test_different_lengths_are_refused():
    with pytest.raises(UserError, match=r"same length. Received: 5 and 4"):
        examples(np.zeros([5, 2]), np.zeros(4, int), 2)


def test_same_ids_in_another_process(start):
    program = (
        "import numpy as np\n"
        "from ieg_fsr.data.pipeline.examples import examples\n"
        "data = examples(np.zeros(103, np.float32), np.zeros(103, int), 10, seed=4)\n"
        "for _, _, ids in data.batches(7, 13).as_numpy_iterator():\n"
        "    print(*ids)\n"
    )
    output = start("-c", program).ended().out
    expected = [ids for _, _, ids in numbered(103, 10, seed=4).batches(7, 13).as_numpy_iterator()]
    np.testing.assert_array_equal([[int(one) for one in line.split()] for line in output.splitlines()], expected)


@pytest.fixture(scope="module")
def encoded(tmp_path_factory, write_image):
    """Twelve images of different sizes; image k has the shade 20 k."""
    folder = tmp_path_factory.mktemp("encoded")
    paths = [str(write_image(folder / f"{k}.png", 30 + k, 44, shade=20 * k)) for k in range(12)]
    return EncodedImages(paths, np.arange(12) % 3, 16)


@pytest.fixture(scope="module")
def patches(tmp_path_factory, write_image):
    """Seven images of coloured patches: two crops differ."""
    folder = tmp_path_factory.mktemp("patches")
    paths = [str(write_image(folder / f"{k}.jpg", 50, 60, seed=k)) for k in range(7)]
    return EncodedImages(paths, np.arange(7) % 2, 16)


def test_encoded_images_belong_to_the_ids(encoded):
    data = Examples(encoded, np.arange(12) % 5, 4)
    for inputs, labels, ids in data.batches(0, 6).as_numpy_iterator():
        assert (inputs.shape, inputs.dtype) == ((4, 16, 16, 3), np.uint8)
        np.testing.assert_array_equal(inputs[:, 3, 5, 1], 20 * ids)
        np.testing.assert_array_equal(labels, ids % 5)


def test_encoded_images_come_in_the_order_of_arrays(encoded):
    arrays = examples(np.zeros(12), np.zeros(12, int), 5, seed=2)
    decoded = Examples(encoded, np.zeros(12, int), 5, seed=2)
    assert decoded.steps_per_epoch == arrays.steps_per_epoch == 2
    np.testing.assert_array_equal(epoch_ids(decoded, 3), epoch_ids(arrays, 3))


def test_an_epoch_may_visit_a_part_with_factors(encoded):
    """From memory and from files alike: inputs, labels and factors belong to the ids, whose order each epoch draws."""
    labels, ids = np.arange(12) % 5, np.array([1, 2, 4, 7, 9])
    images = encoded.images(np.arange(12))
    for data in (Examples(encoded, labels, 2), examples(images, labels, 2)):
        part = data.visiting(ids, ids / 10)
        assert (part.steps_per_epoch, part.batch_size, data.steps_per_epoch) == (2, 2, 6)
        seen = []
        for step, (inputs, given, batch, factors) in enumerate(part.batches(0, 20).as_numpy_iterator()):
            np.testing.assert_array_equal(inputs[:, 3, 5, 1], 20 * batch)
            np.testing.assert_array_equal(given, batch % 5)
            np.testing.assert_array_equal(factors, (batch / 10).astype(np.float32))
            np.testing.assert_array_equal(part.batch_ids(np.int64(step)), batch)
            seen.append(batch)
        epochs = np.reshape(seen, [10, 4])
        assert all(len(set(epoch)) == 4 for epoch in epochs)
        assert set(epochs.ravel()) == set(ids)
        assert len({tuple(epoch) for epoch in epochs}) > 5
        [rest] = part.batches(19, 20).as_numpy_iterator()
        np.testing.assert_array_equal(rest[2], seen[19])
        assert [len(batch) for *_, batch in data.visiting(ids[:1]).batches(0, 2).as_numpy_iterator()] == [1, 1]


@pytest.mark.parametrize("start", [1, 4])
def test_a_batch_of_crops_does_not_depend_on_the_start(patches, start):
    data = Examples(patches, np.arange(7) % 2, 3, seed=5)
    reference = list(data.batches(0, 6).as_numpy_iterator())
    resumed = list(data.batches(start, 6).as_numpy_iterator())
    assert len(resumed) == 6 - start
    for expected, actual in zip(reference[start:], resumed, strict=True):
        for one, other in zip(expected, actual, strict=True):
            np.testing.assert_array_equal(one, other)


def crops_of(data, epoch, example_id):
    first = epoch * data.steps_per_epoch
    for inputs, _, ids in data.batches(first, first + data.steps_per_epoch).as_numpy_iterator():
        for image, one in zip(inputs, ids, strict=True):
            if one == example_id:
                return image
    return None


def test_crops_differ_between_epochs_and_seeds(patches):
    crops = [crops_of(Examples(patches, np.zeros(7, int), 7, seed), epoch, 4) for seed in (0, 1) for epoch in (0, 1)]
    assert len({crop.tobytes() for crop in crops}) == 4


def test_encoded_batches_have_static_shapes(encoded):
    spec = Examples(encoded, np.zeros(12, int), 4).batches(0, 1).element_spec
    assert [(item.shape.as_list(), item.dtype) for item in spec] == [
        ([4, 16, 16, 3], tf.uint8), ([4], tf.int32), ([4], tf.int32)
    ]  # fmt: skip


def test_making_the_batches_reads_no_image(tmp_path):
    missing = EncodedImages([str(tmp_path / f"{k}") for k in range(7)], np.zeros(7, int), 16)
    batches = Examples(missing, np.zeros(7, int), 7).batches(0, 1000)
    with pytest.raises(tf.errors.NotFoundError):
        next(batches.as_numpy_iterator())


def test_members_are_cropped_anew_for_every_epoch(patches):
    data, both = Examples(patches, np.zeros(7, int), 2), np.array([3, 6])
    first, again, later = (data.member_images(epoch, both)(both) for epoch in (1, 1, 2))
    assert first.shape == (2, 16, 16, 3)
    np.testing.assert_array_equal(first, again)
    assert (first[0] != later[0]).any()
    assert (first[0] != crops_of(data, 1, 3)).any()


def test_members_in_memory_are_fetched_as_they_are():
    data, members = examples(np.arange(12.0), np.zeros(12, int), 2), np.array([5, 1])
    np.testing.assert_array_equal(data.member_images(3, members)(members), [5, 1])


def test_evaluation_sees_every_example_once_in_order():
    x, y = np.arange(1204).reshape(602, 2).astype(np.uint8), np.arange(602) % 7
    data = examples(x, y, 100)
    parts = list(data.for_evaluation().as_numpy_iterator())
    np.testing.assert_array_equal(np.concatenate([inputs for inputs, _ in parts]), x)
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in parts]), y)
    np.testing.assert_array_equal(np.concatenate([ids for ids, _ in chunks(data.source)]), np.arange(602))
    assert parts[0][0].dtype == np.uint8


def test_evaluation_sees_the_middle_of_encoded_images(patches):
    [(inputs, _)] = Examples(patches, np.zeros(7, int), 2).for_evaluation().as_numpy_iterator()
    np.testing.assert_array_equal(inputs, patches.images(np.arange(7)))


def test_users_arrays_are_checked():
    data = examples([[0.5], [1.5]], [[1], [0]], 2)
    assert (data.source.images(np.array([1])).dtype, data.given_labels.tolist()) == (np.float32, [1, 0])
    with pytest.raises(UserError, match="NaN or infinity in example 1"):
        examples([0.0, np.nan], [0, 1], 2)
    with pytest.raises(UserError, match="one-hot"):
        examples([0.0, 1.0], np.eye(2), 2)
