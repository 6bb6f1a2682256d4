"""The rows of audit.csv: what is known of each given label, worst first. NumPy only."""

import dataclasses
import os
from typing import Any, NamedTuple

import numpy as np

from ieg_fsr.files import write_columns
from ieg_fsr.unlabelled import labelled

# Suspects of a pair of classes that are mixed up: so many, and so many times the mean of all pairs.
_FEWEST_MIXED_UP, _MIXED_UP_RATIO = 5, 3.0


@dataclasses.dataclass(frozen=True)
class Findings:
    """One entry per example, worst first: the suspects, then the others, each by rising score."""

    example_ids: np.ndarray  # [N], dense ids of the run
    source_ids: np.ndarray  # [N], ids in the whole training part of the data set
    names: np.ndarray  # [N], path of the image's file, "" where the data have none
    given_labels: np.ndarray  # [N], int in [0, C)
    suggested_labels: np.ndarray  # [N], int in [0, C)
    confidences: np.ndarray  # [N], probability of the suggested label
    weights: np.ndarray | None  # [N], mean sample weight, 1 = uniform; None where nothing was re-weighted
    scores: np.ndarray  # [N], higher = label more likely right
    suspects: np.ndarray  # [N], bool
    true_labels: np.ndarray | None  # [N], None where they are not known
    class_names: tuple[str, ...]  # C names

    def __len__(self) -> int:
        return len(self.example_ids)

    def worst_first(self) -> "Findings":
        """The same, in the order of the class; equal scores by example id. What has no given label is left out."""
        order = np.lexsort((self.example_ids, self.scores, ~self.suspects))
        return self.chosen(order[labelled(self.given_labels[order])])

    def chosen(self, places: np.ndarray) -> "Findings":
        """Those at `places` [n], in that order."""
        arrays = {name: value[places] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return dataclasses.replace(self, **arrays)

    def label_matrix(self) -> np.ndarray:
        """Counts [C, C], int: row = given label, column = suggested label where suspect, else the given one."""
        believed = np.where(self.suspects, self.suggested_labels, self.given_labels)
        classes = len(self.class_names)
        return np.bincount(self.given_labels * classes + believed, minlength=classes**2).reshape(classes, classes)


class MixedUp(NamedTuple):
    """Two classes, and how many suspects of each have the other suggested."""

    classes: tuple[int, int]
    suspects: tuple[int, int]


def mixed_up_classes(label_matrix: np.ndarray) -> list[MixedUp]:
    """Pairs of classes that are mixed up with each other more than others are, most suspects first.

    There are suspects both ways, 5 or more in all, and 3 times as many as in the mean of all pairs: wrong labels that
    are spread evenly over the classes make none. Args: label_matrix: [C, C], see `Findings.label_matrix`.
    """
    rows, columns = np.triu_indices(len(label_matrix), 1)
    there, back = label_matrix[rows, columns], label_matrix[columns, rows]
    both = there + back
    chosen = np.flatnonzero((there > 0) & (back > 0) & (both >= max(_FEWEST_MIXED_UP, _MIXED_UP_RATIO * both.mean())))
    chosen = chosen[np.argsort(-both[chosen], kind="stable")]
    return [MixedUp((int(rows[i]), int(columns[i])), (int(there[i]), int(back[i]))) for i in chosen]


def write_findings(path: str | os.PathLike, findings: Findings) -> None:
    """Writes audit.csv: a row per example in the order of `findings`, classes by number and by name.

    Columns: example_id, source_id, file, given_label, given_class, suggested_label, suggested_class, confidence,
    mean_weight, score, suspect. Empty: a file that is none, a weight that is not known.
    """
    weights: Any = [""] * len(findings) if findings.weights is None else findings.weights
    class_names = np.array(findings.class_names, object)
    columns = {
        "example_id": findings.example_ids,
        "source_id": findings.source_ids,
        "file": findings.names,
        "given_label": findings.given_labels,
        "given_class": class_names[findings.given_labels],
        "suggested_label": findings.suggested_labels,
        "suggested_class": class_names[findings.suggested_labels],
        "confidence": findings.confidences,
        "mean_weight": weights,
        "score": findings.scores,
        "suspect": findings.suspects.astype(int),
    }
    write_columns(path, list(columns), list(columns.values()))
