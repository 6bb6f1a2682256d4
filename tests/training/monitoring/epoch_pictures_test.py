"""Pictures, taken apart again."""

import numpy as np
import tensorflow as tf

from ieg_fsr.data.sources.image_source import ArraySource, DataSet
from ieg_fsr.figures import ExampleGrid
from ieg_fsr.training.monitoring.epoch_pictures import EpochPictures, confusion_image


class Stub:
    """A model as far as pictures look at it: classes by the brightness of an image."""

    def __init__(self):
        self.classifier = lambda images, training: tf.one_hot(tf.cast(images[:, 0, 0, 0] // 100, tf.int32), 2)

    def example_grids(self):
        return {
            "some/members": ExampleGrid(np.array([3, 1, -1, 4]), 3, "Three."),
            "some/worst": ExampleGrid(np.array([2, 4, 0]), 2, "The worst", labels_told=True),
        }


def pictures(tmp_path):
    images = np.arange(1, 6, dtype=np.uint8).reshape(5, 1, 1, 1) * np.ones((5, 2, 2, 1), np.uint8)
    test = np.array([50, 150, 150], np.uint8).reshape(3, 1, 1, 1) * np.ones((3, 2, 2, 1), np.uint8)
    data = DataSet("two", ArraySource(images, [0] * 5), ArraySource(test, [0, 0, 1]), ("a", "b"))
    callback = EpochPictures(tmp_path, data, np.array([0, 0, 1, 0, 1]), 25)
    callback.set_model(Stub())
    # As of the rest of an epoch that was interrupted: Keras is asked for that epoch alone.
    callback.set_params({"epochs": 3})
    return callback


def test_examples_stand_where_the_model_puts_them(tmp_path):
    made = pictures(tmp_path).pictures()
    grid, text = made["some/members"]
    # Pixels are the number of the example plus one; images are two pixels wide, with a gap of one.
    assert grid[::3, ::3, 0].tolist() == [[4, 2, 0], [5, 0, 0]]
    assert text == "Three."
    worst, text = made["some/worst"]
    assert worst[::3, ::3, 0].tolist() == [[3, 5], [1, 0]]
    assert text == "The worst: given labels b, b, a"


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
    assert set(steps) == {"some/members", "some/worst", "test/confusion"}
    assert all(found == [*range(2, 25, 2), 25] for found in steps.values())


def test_methods_with_nothing_to_show_have_the_matrix_alone(tmp_path):
    callback = pictures(tmp_path)
    callback.model.example_grids = dict
    assert set(callback.pictures()) == {"test/confusion"}
