"""Examples without a given label: no epoch visits them, or a few stand behind each batch."""

import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.data.pipeline.encoded_images import EncodedImages
from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.errors import UserError

NONE = np.arange(45) % 5 == 0  # nine of 45
X = np.arange(45, dtype=np.float32)
Y = np.where(NONE, -1, np.arange(45) % 7)


def batches(data, start=0, stop=20):
    return list(data.batches(start, stop).as_numpy_iterator())


def test_an_epoch_is_that_of_the_labelled_alone():
    data, alone = ieg_fsr.examples(X, Y, 8), ieg_fsr.examples(X[~NONE], Y[~NONE], 8)
    assert data.steps_per_epoch == alone.steps_per_epoch == 4
    for (x, y, ids), (x_alone, y_alone, _) in zip(batches(data), batches(alone), strict=True):
        np.testing.assert_array_equal(x, x_alone)
        np.testing.assert_array_equal(y, y_alone)
        np.testing.assert_array_equal(x, ids)


def test_unlabelled_ones_stand_behind_each_batch():
    data, alone = ieg_fsr.examples(X, Y, 8).with_unlabelled(), ieg_fsr.examples(X, Y, 8)
    # 8 times 9 of 36 are 2; the four steps of an epoch see eight of the nine.
    seen = []
    for (x, y, ids), (_, y_alone, ids_alone) in zip(batches(data), batches(alone), strict=True):
        np.testing.assert_array_equal(x, ids)
        np.testing.assert_array_equal(y, y_alone)
        np.testing.assert_array_equal(ids[:8], ids_alone)
        assert NONE[ids[8:]].all()
        seen.append(ids[8:])
    assert all(len(np.unique(seen[start : start + 4])) == 8 for start in range(0, 20, 4))
    assert set(np.ravel(seen)) == set(np.flatnonzero(NONE))
    np.testing.assert_array_equal(data.batch_ids(tf.constant(3, tf.int64)), batches(data)[3][2][:8])
    for one, other in zip(batches(data, 7), batches(data)[7:], strict=True):
        np.testing.assert_array_equal(one[2], other[2])


@pytest.mark.parametrize(("without", "batch_size", "beside"), [(0, 5, 0), (1, 5, 1), (3, 7, 3), (4, 3, 2), (9, 1, 1)])
def test_as_many_as_an_epoch_has_of_them_and_no_more_than_a_batch(without, batch_size, beside):
    """Of ten examples: 5 * 1 / 9 and 7 * 3 / 7 and 3 * 4 / 6, rounded up; 1 * 9 / 1 are more than a batch."""
    y = np.where(np.arange(10) < without, -1, 0)
    [(_, labels, ids)] = batches(ieg_fsr.examples(np.zeros(10), y, batch_size).with_unlabelled(), 0, 1)
    assert (len(labels), len(ids)) == (batch_size, batch_size + beside)


def test_nothing_labelled_is_nothing_to_train_on():
    with pytest.raises(UserError, match=r"^batch_size must be in 1\.\.0 \(the labelled examples\)\. Received: 5$"):
        ieg_fsr.examples(np.zeros(10), np.full(10, -1), 5)


def test_visits_and_their_factors_are_of_labelled_ones():
    part = ieg_fsr.examples(X, Y, 4).with_unlabelled().visiting(np.arange(11), np.arange(11) / 2)
    assert part.steps_per_epoch == 2  # of 11 are three unlabelled
    for _, y, ids, factors in batches(part):
        assert (len(y), len(ids), len(factors)) == (4, 5, 4)
        np.testing.assert_array_equal(factors, ids[:4] / 2)
    with pytest.raises(UserError, match=r"^visits must hold at least one labelled example\. Received: 2 without"):
        part.visiting(np.array([0, 5]))


def test_images_in_files(tmp_path):
    colours = np.arange(45) * 5
    paths = []
    for i, colour in enumerate(colours):
        paths.append(str(tmp_path / f"{i}.png"))
        tf.io.write_file(paths[-1], tf.io.encode_png(np.full([9, 9, 3], colour, np.uint8)))
    data = Examples(EncodedImages(paths, np.zeros(45, int), 8), Y, 8).with_unlabelled()
    for x, y, ids in batches(data, 0, 6):
        np.testing.assert_array_equal(x[:, 0, 0, 0], colours[ids])
        np.testing.assert_array_equal(y, Y[ids[:8]])
        assert NONE[ids[8:]].all()
        assert len(ids) == 10


@pytest.mark.parametrize("labels", [[0, -2, 1], [0, -1.5, 1]])
def test_other_negative_numbers_are_no_labels(labels):
    with pytest.raises(UserError, match=r"^y must be .*numbers"):
        ieg_fsr.examples(np.zeros(3), labels, 2)
