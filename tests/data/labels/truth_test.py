"""What is known of true labels, by where the labels come from."""

import pytest

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.data.labels.truth import CHANGES, KNOWN, truth_of


@pytest.mark.parametrize(
    ("settings", "truth"),
    [
        ({"dataset": "digits"}, KNOWN),
        ({"dataset": "digits", "noise": 0.4}, KNOWN),
        ({"dataset": "digits", "labels_file": "labels.csv"}, KNOWN),
        ({"dataset": "folder:photos"}, None),
        ({"dataset": "npz:data.npz", "imbalance": 10.0}, None),
        ({"dataset": "tfds:mnist"}, None),
        ({"dataset": "folder:photos", "noise": 0.2}, CHANGES),
        ({"dataset": "folder:photos", "noise_matrix": "matrix.csv"}, CHANGES),
        ({"dataset": "npz:data.npz", "labels_file": "labels.csv"}, CHANGES),
        # Labels of the web, in a data set with a name.
        ({"dataset": "webvision_mini", "data_dir": "here"}, None),
        ({"dataset": "webvision_mini", "data_dir": "here", "noise": 0.2}, CHANGES),
    ],
)
def test_what_is_known(settings, truth):
    assert truth_of(resolve(settings)) is truth
