"""Tests of what may be passed to `fit` and `evaluate`, each complaint in one line."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ieg_fsr.data.pipeline.examples import examples
from ieg_fsr.errors import UserError
from ieg_fsr.methods.models.fit_arguments import (
    checked_callbacks,
    checked_labels,
    class_numbers,
    evaluation_data,
    labels_in_one_line,
    refuse,
    training_data,
)

X, Y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"class_weight": {0: 2.0}}, r"class_weight must not be given: .*shift.*Received: \{0: 2\.0\}"),
        (
            {"sample_weight": np.ones(6)},
            r"sample_weight must not be given: .*finds the weights,.*loss_factor\)\. Received: ndarray",
        ),
        ({"validation_split": 0.2}, r"validation_split must not be given: pass validation_data=\(x, y\).*: 0\.2"),
        ({"y": Y}, "y must not be given: it is in examples. Received: ndarray"),
        ({"batch_size": 32}, "batch_size must not be given: it is in examples. Received: 32"),
        ({"steps_per_epoch": 3}, "steps_per_epoch must not be given: an epoch is a pass"),
        ({"shuffle": False}, r"shuffle must not be given: ieg_fsr.examples\(x, y, seed=0\) shuffles.*Received: False"),
    ],
)
def test_what_has_no_meaning_is_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        refuse(True, arguments)


def test_what_keras_passes_by_default_is_no_complaint():
    refuse(True, {"y": None, "batch_size": None, "validation_split": 0.0, "class_weight": None, "shuffle": True})
    refuse(False, {"y": Y, "batch_size": 32, "validation_split": 0.2, "steps_per_epoch": 3})


def test_training_data_have_ids_and_fit_the_model():
    data = examples(X, Y, 2)
    assert training_data(data, 6, 3) is data
    assert len(training_data(tf.data.Dataset.from_tensor_slices((X, Y, range(6))).batch(4), 6, 3).source) == 6
    with pytest.raises(UserError, match=r"ieg_fsr.examples\(x, y, batch_size\).*Received: ndarray"):
        training_data(X, 6, 3)
    with pytest.raises(UserError, match=r"num_examples must be that of the data, 6. Received: 5"):
        training_data(data, 5, 3)
    with pytest.raises(UserError, match=r"from 0..1, the classifier's 2 logits. Received: 2"):
        training_data(data, 6, 2)


def test_evaluation_takes_what_keras_takes():
    assert evaluation_data(None, 3) is None
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(2)
    for (x, y), (same_x, same_y) in zip(dataset, evaluation_data(dataset, 3), strict=True):
        np.testing.assert_array_equal(x, same_x)
        np.testing.assert_array_equal(y, same_y)
    for pair in ((X, Y), [X.tolist(), Y[:, np.newaxis]]):
        x, y = evaluation_data(pair, 3)
        assert (x.dtype, y.dtype, y.shape) == (np.float32, np.int32, (6,))
    [(x, y)] = evaluation_data(examples(X, Y, 2), 3).as_numpy_iterator()
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)
    texts, _ = evaluation_data((["a", "b"], [0, 1]), 3)
    assert texts.dtype == tf.string
    assert evaluation_data((texts, [0, 1]), 3)[0] is texts


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((X, Y, np.ones(6)), r"validation_data must be \(x, y\), without weights. Received: 3 parts"),
        ((X, Y[:5]), "x and y of validation_data must have the same length. Received: 6 and 5"),
        ((X, np.eye(3)[Y]), "one-hot"),
        ((X, Y + 1), "0..2, the classifier's 3 logits. Received: 3"),
        ((X * np.nan, Y), "NaN"),
    ],
)
def test_evaluation_data_that_cannot_be_right(data, message):
    with pytest.raises(UserError, match=message):
        evaluation_data(data, 3)


def test_labels_of_a_batch():
    for labels in ([2, 0], [[2], [0]], [2.0, 0.0]):
        received = class_numbers(tf.constant(labels))
        assert received.dtype == tf.int32
        assert received.numpy().tolist() == [2, 0]
    with pytest.raises(UserError, match=r"argmax of one-hot"):
        class_numbers(tf.one_hot([2, 0], 3))


@pytest.mark.parametrize("kind", [np.int32, np.uint8, np.int64, np.float32])
@pytest.mark.parametrize("column", [False, True])
def test_sound_labels_of_a_dataset_pass_as_they_are(kind, column):
    y = Y.astype(kind)[:, np.newaxis] if column else Y.astype(kind)
    for parts in ((X, y), (X, y, np.arange(6))):
        dataset = tf.data.Dataset.from_tensor_slices(parts).batch(4)
        received = checked_labels(dataset, 3)
        assert received.element_spec == dataset.element_spec
        assert received.cardinality() == 2
        for batch, same in zip(dataset, received, strict=True):
            for part, same_part in zip(batch, same, strict=True):
                np.testing.assert_array_equal(part, same_part)


@pytest.mark.parametrize(
    ("labels", "bad"), [(Y + 5, "5"), (Y - 1, "-1"), (Y / 2, "0.5"), (Y + 2**32, "4294967296"), (Y * np.nan, "nan")]
)
def test_a_label_of_a_dataset_without_a_logit_ends_it_with_one_line(labels, bad):
    rule = r"^y must be class numbers from 0\.\.2, the classifier's 3 logits\. Received: "
    with pytest.raises(UserError, match=f"{rule}{bad}$"), labels_in_one_line():
        list(checked_labels(tf.data.Dataset.from_tensor_slices((X, labels)).batch(3), 3))


def test_what_is_no_dataset_of_labels_is_left_to_keras():
    inputs = tf.data.Dataset.from_tensor_slices(X).batch(2)
    for data in (None, X, inputs):
        assert checked_labels(data, 3) is data
    with pytest.raises(UserError, match=r"the classifier's 2 logits. Received: 2"):
        checked_labels(examples(X, Y, 2), 2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="another"), labels_in_one_line():
        tf.debugging.Assert(False, ["another"])


def test_callbacks_in_any_number():
    stop = keras.callbacks.TerminateOnNaN()
    assert checked_callbacks(None) == []
    assert checked_callbacks(stop) == checked_callbacks([stop]) == [stop]
    with pytest.raises(UserError, match=r"checkpoint_parts.*Received: BackupAndRestore"):
        checked_callbacks([stop, keras.callbacks.BackupAndRestore("backup")])
