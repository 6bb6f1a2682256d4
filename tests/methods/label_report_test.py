"""The label report of four examples, by hand."""

import numpy as np

from ieg_fsr.methods.label_report import label_report


def test_report_by_hand():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.5, 0.25, 0.25]])
    report = label_report(
        np.array([0, 2, 2, 1]), np.array([3.0, 1.0, 2.0, 0.0]), np.array([1, 0, 2, 0.5]), probabilities
    )
    np.testing.assert_array_equal(report.example_id, [0, 1, 2, 3])
    np.testing.assert_array_equal(report.pseudo_label, [0, 1, 2, 0])
    np.testing.assert_array_equal(report.confidence, [0.7, 0.8, 0.4, 0.5])
    np.testing.assert_array_equal(report.suspect, [0, 1, 0, 1])
    np.testing.assert_array_equal(report.score, [3, 1, 2, 0])
