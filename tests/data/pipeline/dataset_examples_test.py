"""Tests of training data from a `tf.data` pipeline."""

import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.data.pipeline.examples import chunks
from ieg_fsr.errors import UserError


def numbered(count=23, batch_size=5, passes=None, drop_remainder=False):
    """Example i is the vector (i, -i) of class i % 3; counts its passes in `passes`."""
    ids = np.arange(count)
    x = np.stack([ids, -ids], axis=1).astype(np.float32)

    def begin():
        if passes is not None:
            passes.append(1)
        yield from zip(x, ids % 3, strict=True)

    signature = (tf.TensorSpec([2], tf.float32), tf.TensorSpec([], tf.int64))
    dataset = tf.data.Dataset.from_generator(begin, output_signature=signature)
    dataset = dataset.enumerate().map(lambda i, xy: (*xy, i)).shuffle(count, seed=1)
    return dataset.batch(batch_size, drop_remainder=drop_remainder)


def test_labels_and_steps_come_from_one_pass():
    passes = []
    data = ieg_fsr.examples_from_dataset(numbered(passes=passes))
    assert len(passes) == 1
    np.testing.assert_array_equal(data.given_labels, np.arange(23) % 3)
    assert (data.batch_size, data.steps_per_epoch, len(data.source)) == (5, 5, 23)


def test_batches_are_the_datasets_own():
    data = ieg_fsr.examples_from_dataset(numbered())
    batches = list(data.batches(5, 15).as_numpy_iterator())
    assert [len(ids) for _, _, ids in batches] == 2 * [5, 5, 5, 5, 3]
    for x, y, ids in batches:
        assert (y.dtype, ids.dtype) == (np.int32, np.int32)
        np.testing.assert_array_equal(x, np.stack([ids, -ids], axis=1))
        np.testing.assert_array_equal(y, ids % 3)
    for epoch in (batches[:5], batches[5:]):
        assert sorted(np.concatenate([ids for _, _, ids in epoch])) == list(range(23))


def test_members_are_collected_in_one_pass():
    passes = []
    data = ieg_fsr.examples_from_dataset(numbered(passes=passes))
    members = np.array([22, 3, 17])
    fetch = data.member_images(1, members)
    np.testing.assert_array_equal(fetch(members), [[22, -22], [3, -3], [17, -17]])
    np.testing.assert_array_equal(fetch(np.array([17])), [[17, -17]])
    assert len(passes) == 2


def test_collecting_ends_with_the_last_one_found():
    batches = []

    def seen(x, y, i):
        tf.py_function(lambda: batches.append(1), [], [])
        return x, y, i

    ids = np.arange(100)
    dataset = tf.data.Dataset.from_tensor_slices((ids, ids % 2, ids)).batch(10).map(seen)
    data = ieg_fsr.examples_from_dataset(dataset)
    batches.clear()
    np.testing.assert_array_equal(data.source.images(np.array([13, 4, 13])), [13, 4, 13])
    assert len(batches) < 10


def test_every_example_once():
    data = ieg_fsr.examples_from_dataset(numbered())
    for ids, x in chunks(data.source):
        np.testing.assert_array_equal(x[:, 0], ids)
    labels = np.concatenate([y for _, y in data.for_evaluation().as_numpy_iterator()])
    np.testing.assert_array_equal(np.bincount(labels), np.bincount(np.arange(23) % 3))


def test_texts_come_back_as_texts():
    texts = np.array(["a", "bc", "d"])
    dataset = tf.data.Dataset.from_tensor_slices((texts, [0, 1, 0], [2, 0, 1])).batch(2)
    data = ieg_fsr.examples_from_dataset(dataset)
    assert data.source.images(np.array([0, 2])).tolist() == [b"bc", b"a"]
    assert tf.constant(data.source.images(np.array([1]))).dtype == tf.string


def sliced(*parts):
    return tf.data.Dataset.from_tensor_slices(parts)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (lambda: sliced([0.0, 1.0], [0, 1]).batch(2), r"\(x, y, example_id\): number .*enumerate.*Received: 2 parts"),
        (lambda: sliced([0.0, 1.0], [0, 1], [0, 1]), r"must be batched.*Received: example_id int32 \[\]"),
        (lambda: sliced([0.0], [0], [0.0]).batch(1), r"integer example_id.*Received: example_id float32 \[None\]"),
        (lambda: sliced({"a": [0.0]}, [0], [0]).batch(1), "one tensor each.*Received: dict"),
        (lambda: sliced([0.0], [0], [0]).batch(1).repeat(), "end after a pass.*Received: an endless dataset"),
        (lambda: sliced([0.0], [0], [0]).batch(1).take(0), "at least one batch. Received: none"),
        (lambda: numbered(drop_remainder=True), r"each example_id 0..19 once.*Received: 20 examples with 20 ids"),
        (lambda: sliced([0.0, 1.0], [0, 1], [0, 0]).batch(1), r"Received: 2 examples with 1 ids, 0..0"),
        (lambda: sliced([0.0, 1.0], [0, 1], [1, 2]).batch(2), r"Received: 2 examples with 2 ids, 1..2"),
        (lambda: sliced([0.0, 1.0], np.eye(2), [0, 1]).batch(2), "one-hot"),
    ],
)
def test_other_datasets_are_refused_in_one_line(dataset, message):
    with pytest.raises(UserError, match=message) as caught:
        ieg_fsr.examples_from_dataset(dataset())
    assert "\n" not in str(caught.value)
