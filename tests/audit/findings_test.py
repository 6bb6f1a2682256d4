"""Findings of four examples, by hand."""

import csv

import numpy as np

from ieg_fsr.audit.findings import Findings, mixed_up_classes, write_findings


def findings(**changes):
    values = {
        "example_ids": np.array([0, 1, 2, 3]),
        "source_ids": np.array([10, 11, 12, 13]),
        "names": np.array(["", 'a,"b".png', "", ""], object),
        "given_labels": np.array([0, 1, 1, 0]),
        "suggested_labels": np.array([1, 0, 1, 1]),
        "confidences": np.array([0.9, 0.8, 0.7, 0.6]),
        "weights": np.array([0.0, 0.5, 2.0, 1.5]),
        "scores": np.array([-1.0, -3.0, -9.0, -2.0]),
        "suspects": np.array([True, True, False, False]),
        "true_labels": None,
        "class_names": ("cät", "dog"),
    }
    return Findings(**(values | changes))


def test_suspects_first_then_by_score():
    ordered = findings().worst_first()
    np.testing.assert_array_equal(ordered.example_ids, [1, 0, 2, 3])
    np.testing.assert_array_equal(ordered.source_ids, [11, 10, 12, 13])
    np.testing.assert_array_equal(ordered.weights, [0.5, 0.0, 2.0, 1.5])
    assert ordered.class_names == ("cät", "dog")


def test_what_has_no_label_is_not_audited():
    ordered = findings(given_labels=np.array([0, -1, 1, 0])).worst_first()
    np.testing.assert_array_equal(ordered.example_ids, [0, 2, 3])
    np.testing.assert_array_equal(ordered.suspects, [True, False, False])


def test_the_matrix_moves_suspects_only():
    # Given 0: one suspect (to 1) and one that is contradicted but not suspect. Given 1: one suspect, one agreed.
    np.testing.assert_array_equal(findings().label_matrix(), [[1, 1], [1, 1]])
    np.testing.assert_array_equal(findings(suspects=np.zeros(4, bool)).label_matrix(), [[2, 0], [0, 2]])


def test_csv(tmp_path):
    write_findings(tmp_path / "audit.csv", findings(weights=None).worst_first())
    with open(tmp_path / "audit.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "example_id": "1", "source_id": "11", "file": 'a,"b".png', "given_label": "1", "given_class": "dog",
        "suggested_label": "0", "suggested_class": "cät", "confidence": "0.8", "mean_weight": "", "score": "-3.0",
        "suspect": "1",
    }  # fmt: skip
    assert [row["suspect"] for row in rows] == ["1", "1", "0", "0"]


def test_classes_that_are_mixed_up_with_each_other_stand_out_from_even_noise():
    even = np.full([6, 6], 4) + 90 * np.eye(6, dtype=int)
    assert mixed_up_classes(even) == []
    one_way, both_ways = even.copy(), even.copy()
    one_way[2, 5], one_way[5, 2] = 60, 0
    assert mixed_up_classes(one_way) == []
    both_ways[4, 1], both_ways[1, 4] = 30, 20
    both_ways[0, 3], both_ways[3, 0] = 40, 30
    assert mixed_up_classes(both_ways) == [((0, 3), (40, 30)), ((1, 4), (20, 30))]
    few = np.diag([50, 50, 50])
    few[0, 1] = few[1, 0] = 2
    assert mixed_up_classes(few) == []
    few[0, 1] = 3
    assert mixed_up_classes(few) == [((0, 1), (3, 2))]
