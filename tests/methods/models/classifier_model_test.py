"""Tests of what surrounds training: evaluation, prediction, saving, against the plain classifier."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ieg_fsr
from ieg_fsr.errors import UserError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 5)), np.arange(20) % 3


def classifier():
    dropped = [keras.layers.Dense(8, activation="relu"), keras.layers.Dropout(0.5), keras.layers.Dense(3)]
    return keras.Sequential([keras.Input((5,)), *dropped])


@pytest.fixture(scope="module")
def model():
    made = ieg_fsr.Supervised(classifier())
    made.compile("adam", metrics=["accuracy"])
    return made


def logits_of(model):
    return model.classifier(X.astype(np.float32), training=False).numpy()


@pytest.mark.parametrize("form", ["arrays", "column", "float labels", "examples", "dataset", "dataset of columns"])
def test_every_form_of_evaluation_gives_the_same(model, form):
    forms = {
        "arrays": (X, Y),
        "column": (X, Y[:, np.newaxis]),
        "float labels": (X.tolist(), Y.astype(float)),
        "examples": (ieg_fsr.examples(X, Y, 7),),
        "dataset": (tf.data.Dataset.from_tensor_slices((X, Y)).batch(6),),
        "dataset of columns": (tf.data.Dataset.from_tensor_slices((X, Y[:, np.newaxis])).batch(6),),
    }
    received = model.evaluate(*forms[form], verbose=0, return_dict=True)
    logits = logits_of(model)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert received["accuracy"] == pytest.approx((logits.argmax(axis=1) == Y).mean())
    assert received["loss"] == pytest.approx(-np.log(probabilities[np.arange(20), Y]).mean(), abs=1e-5)


def test_predictions_are_logits_in_order(model):
    for form in (X, ieg_fsr.examples(X, Y, 7)):
        np.testing.assert_allclose(model.predict(form, verbose=0), logits_of(model), atol=1e-6)


def test_one_hot_labels_are_refused_in_any_form(model):
    one_hot = np.eye(3)[Y]
    with pytest.raises(UserError, match=r"y.argmax\(axis=1\)"):
        model.evaluate(X, one_hot)
    with pytest.raises(UserError, match=r"argmax of one-hot labels"):
        model.evaluate(tf.data.Dataset.from_tensor_slices((X, one_hot)).batch(6), verbose=0)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_labels_of_a_dataset_that_have_no_logit_are_refused(jit_compile):
    """Their one-hot rows are zeros, and their loss is 0."""
    made = ieg_fsr.Supervised(classifier())
    made.compile("adam", jit_compile=jit_compile)
    sound, wrong = (tf.data.Dataset.from_tensor_slices((X, y)).batch(6) for y in (Y, Y + 5))
    message = r"^y must be class numbers from 0\.\.2, the classifier's 3 logits\. Received: 5$"
    for data in ({"x": wrong}, {"x": sound, "validation_data": wrong}, {"x": ieg_fsr.examples(X, Y + 5, 7)}):
        with pytest.raises(UserError, match=message):
            made.fit(**data, verbose=0)
    with pytest.raises(UserError, match=message):
        made.evaluate(wrong, verbose=0)
    made.fit(sound, verbose=0)


def test_weights_are_refused(model):
    with pytest.raises(UserError, match=r"sample_weight must not be given"):
        model.evaluate(X, Y, sample_weight=np.ones(20))
    with pytest.raises(UserError, match=r"class_weight must not be given"):
        model.fit(X, Y, class_weight={0: 1.0})
    weighted = tf.data.Dataset.from_tensor_slices((X, Y, np.ones(20, np.float32))).batch(5)
    message = r"third part of batches must be example ids, .*\(x, y, example_id, loss_factor\)\. Received: float32$"
    with pytest.raises(UserError, match=message):
        model.fit(weighted)


def test_what_is_saved_is_the_classifier(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded) is keras.Sequential
    np.testing.assert_array_equal(loaded(X.astype(np.float32)), logits_of(model))
    model.save_weights(tmp_path / "model.weights.h5")
    for other in (ieg_fsr.Supervised(classifier()), classifier()):
        other.load_weights(tmp_path / "model.weights.h5")
        np.testing.assert_array_equal(other(X.astype(np.float32)), logits_of(model))
    model.export(tmp_path / "exported", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "exported"))
    np.testing.assert_allclose(served.serve(tf.constant(X, tf.float32)), logits_of(model), atol=1e-6)


def test_a_loss_is_refused_and_compile_wanted():
    made = ieg_fsr.Supervised(classifier())
    with pytest.raises(UserError, match=r"compile must come first: model.compile\(optimizer\)"):
        made.fit(X, Y)
    for arguments in (("adam", "mse"), ("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))):
        with pytest.raises(UserError, match=r"loss must not be given: .*cross-entropy of logits"):
            made.compile(*arguments)
    with pytest.raises(UserError, match=r"loss_weights must not be given: there is one loss\. Received: \[1\]"):
        made.compile("adam", loss_weights=[1])


def test_several_inputs_are_refused():
    one, other = keras.Input((5,)), keras.Input((2,))
    both = keras.Model([one, other], keras.layers.Dense(3)(keras.layers.Concatenate()([one, other])))
    with pytest.raises(UserError, match=r"classifier must have one input"):
        ieg_fsr.Supervised(both)
