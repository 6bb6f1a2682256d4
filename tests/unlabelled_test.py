import numpy as np

from ieg_fsr.unlabelled import class_counts, labelled, unlabelled_notes


def test_counts_leave_out_what_has_no_label():
    labels = np.array([2, -1, 0, 2, -1])
    assert labelled(labels).tolist() == [True, False, True, True, False]
    assert class_counts(labels, 4).tolist() == [1, 0, 2, 0]
    assert class_counts(np.array([-1, -1]), 2).tolist() == [0, 0]


def test_a_line_says_how_many_there_are():
    assert unlabelled_notes(np.array([2, -1, 0, -1])) == ["2 of 4 training examples have no given label"]
    assert unlabelled_notes(np.array([2, 0])) == []
