"""What a run's files are read by is what the models declare."""

import subprocess
import sys

import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.figures import RUN_FIGURES, Figure
from ieg_fsr.methods import METHODS
from ieg_fsr.methods.known_figures import METHOD_FIGURES, figure_of, method_figures
from ieg_fsr.training.build import build
from ieg_fsr.training.inputs import load_training_data


@pytest.mark.parametrize("method", METHODS)
def test_a_method_has_the_figures_that_its_model_declares(method):
    config = resolve({"method": method, "train_examples": 200})
    data, given_labels, _ = load_training_data(config)
    model, _ = build(config, data, given_labels)
    assert model.declared_figures == METHOD_FIGURES.get(method, ())


def test_a_name_has_one_meaning():
    of_methods = method_figures()
    for figures in METHOD_FIGURES.values():
        assert all(of_methods[figure.name] == figure for figure in figures)
    for taken in ("name", "tag", "short", "words"):
        values = [getattr(figure, taken) for figure in (*RUN_FIGURES, *of_methods.values())]
        values = [value for value in values if value]
        assert len(values) == len(set(values)), taken


def test_figures_are_found_by_name():
    assert figure_of("test_accuracy_imagenet_ema").share
    assert figure_of("dictionary_purity").heading == "dictionary right"
    assert figure_of("weight_ratio") == Figure("weight_ratio")


def test_they_are_read_without_tensorflow():
    script = "import sys, ieg_fsr.methods.known_figures; print('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip() == "False"
