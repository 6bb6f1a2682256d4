"""What any model tells of its training, and what a plain one does not."""

import keras
import numpy as np
import pytest

import ieg_fsr
from ieg_fsr.errors import UserError


def supervised():
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    # Logits 10 x: class 0 for (1, 0), class 1 for (0, 1).
    network.set_weights([10 * np.eye(2), np.zeros(2)])
    model = ieg_fsr.Supervised(network)
    model.compile(keras.optimizers.SGD(0.0))
    return model


X = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
Y = np.array([0, 1, 1])


def test_labels_are_judged_by_the_trained_classifier():
    model = supervised()
    model.fit(ieg_fsr.examples(X, Y, batch_size=3), verbose=0)
    report = model.label_report()
    wrong, right = -np.log1p(np.exp(10.0)), -np.log1p(np.exp(-10.0))
    np.testing.assert_allclose(report.score, [right, right, wrong], atol=1e-6, rtol=1e-6)
    assert report.suspect.tolist() == [0, 0, 1]
    assert report.pseudo_label.tolist() == [0, 1, 0]
    assert report.weight.tolist() == [1, 1, 1]


@pytest.mark.parametrize("fits", [[], [(X, Y)], [(ieg_fsr.examples(X, Y, 3),), (X, Y)]])
def test_there_is_no_report_of_examples_that_are_not_known(fits):
    model = supervised()
    for data in fits:
        model.fit(*data, verbose=0)
    with pytest.raises(UserError, match=r"^fit must come first, of ieg_fsr\.examples.* Received: Supervised model"):
        model.label_report()


def test_a_plain_model_adds_nothing_to_what_every_run_has():
    model = supervised()
    assert model.declared_figures == ()
    assert model.figures(np.array([True, True, False])) == {}
    assert model.histograms() == model.example_grids() == {}
