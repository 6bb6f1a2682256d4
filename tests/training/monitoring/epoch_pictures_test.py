"""Pictures, taken apart again."""

import numpy as np
import tensorflow as tf

from ieg_fsr.data.sources.image_source import ArraySource, DataSet
from ieg_fsr.reweighting.pushers import PUSHERS
from ieg_fsr.training.monitoring.epoch_pictures import EpochPictures, confusion_image


class Stub:
    """A model as far as pictures look at it: classes by the brightness of an image."""

    def __init__(self):
        self.dictionary = self
        self.scores = self
        self.pusher = PUSHERS["lookahead"]
        self.classifier = lambda images, training: tf.one_hot(tf.cast(images[:, 0, 0, 0] // 100, tf.int32), 2)

    def members(self):
        return np.array([3, 1, 4])

    def read(self):
        return np.array([0.0, 3.0, -2.0, 5.0, -1.0])


def pictures(tmp_path):
    images = np.arange(1, 6, dtype=np.uint8).reshape(5, 1, 1, 1) * np.ones((5, 2, 2, 1), np.uint8)
    test = np.array([50, 150, 150], np.uint8).reshape(3, 1, 1, 1) * np.ones((3, 2, 2, 1), np.uint8)
    data = DataSet("two", ArraySource(images, [0] * 5), ArraySource(test, [0, 0, 1]), ("a", "b"))
    callback = EpochPictures(tmp_path, data, np.array([0, 0, 1, 0, 1]), 25)
    callback.set_model(Stub())
    # As of the rest of an epoch that was interrupted: Keras is asked for that epoch alone.
    callback.set_params({"epochs": 3})
    return callback


def test_members_by_class_and_suspects_worst_first(tmp_path):
    made = pictures(tmp_path).pictures()
    grid = made["dictionary/members"][0]
    assert grid.shape == (2 * 3, 10 * 3, 1)
    # Class 0: examples 3 and 1, whose pixels are their number plus one; class 1: example 4.
    assert grid[0, ::3, 0].tolist() == [4, 2] + [0] * 8
    assert grid[3, ::3, 0].tolist() == [5] + [0] * 9
    worst, text = made["suspects/worst"]
    assert worst[0, ::3, 0].tolist()[:5] == [3, 5, 1, 2, 4]
    assert text.endswith("b, b, a, a, a")


def test_worst_is_what_was_forgotten_most(tmp_path):
    callback = pictures(tmp_path)
    callback.model.pusher = PUSHERS["forgetting"]
    worst, text = callback.pictures()["suspects/worst"]
    # Counts 0, 3, -2, 5, -1 of examples whose pixels are their number plus one.
    assert worst[0, ::3, 0].tolist()[:5] == [4, 2, 1, 5, 3]
    assert text.endswith("a, a, a, b, b")


def test_confusion_is_drawn_in_shares_of_the_row(tmp_path):
    image = confusion_image(np.array([[3, 1], [0, 0]]))
    assert image.shape == (16, 16, 1)
    assert [image[4, 4, 0], image[4, 12, 0], image[12, 4, 0]] == [64, 191, 255]
    np.testing.assert_array_equal(
        pictures(tmp_path).pictures()["test/confusion"][0], confusion_image(np.array([[1, 1], [0, 1]]))
    )


def test_events_are_written_ten_times_and_at_the_end(tmp_path):
    callback = pictures(tmp_path)
    for epoch in range(25):
        callback.on_epoch_end(epoch)
    [path] = tmp_path.glob("events*.pictures")
    steps = {}
    for record in tf.data.TFRecordDataset(str(path)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            steps.setdefault(value.tag, []).append(event.step)
    assert set(steps) == {"dictionary/members", "suspects/worst", "test/confusion"}
    assert all(found == [*range(2, 25, 2), 25] for found in steps.values())


def test_methods_without_tables_have_the_matrix_alone(tmp_path):
    callback = pictures(tmp_path)
    callback.model.dictionary = callback.model.scores = None
    assert set(callback.pictures()) == {"test/confusion"}
