"""How good a list of suspect labels is, where the true labels are known. NumPy only."""

import numpy as np

FIGURES = ("detection_precision", "detection_recall", "detection_f1", "detection_average_precision")


def detection_figures(wrong: np.ndarray, suspect: np.ndarray, scores: np.ndarray) -> dict[str, float | None]:
    """Measures suspects and their ranking against the truth.

    Args:
        wrong: [N], bool, given label is not the true label.
        suspect: [N], bool or 0/1.
        scores: [N], higher = cleaner.

    Returns:
        The values of `FIGURES`: share of the suspects that are wrong, share of the wrong labels that are suspects,
        harmonic mean of the two, average precision of the ranking by score, lowest first. None where no label is wrong;
        precision and F1 are 0 where nothing is suspect.
    """
    wrong, suspect = np.asarray(wrong, bool), np.asarray(suspect, bool)
    if not wrong.any():
        return dict.fromkeys(FIGURES)
    hits = int(np.sum(wrong & suspect))
    values = (
        hits / max(int(suspect.sum()), 1),
        hits / int(wrong.sum()),
        2 * hits / (int(suspect.sum()) + int(wrong.sum())),
        average_precision(wrong, scores),
    )
    return dict(zip(FIGURES, values, strict=True))


def average_precision(wrong: np.ndarray, scores: np.ndarray) -> float:
    """Mean, over the wrong labels, of the precision at the place where each is found, lowest score first.

    Examples with one score are found together: the order among them does not matter. (The area under the
    precision-recall curve as a step function, without interpolation.)

    Args:
        wrong: [N], bool; at least one.
        scores: [N], higher = cleaner; -inf comes first.
    """
    order = np.argsort(scores, kind="stable")
    found = np.cumsum(np.asarray(wrong, bool)[order])
    in_order = np.asarray(scores)[order]
    last_of_equals: np.ndarray = np.append(in_order[1:] != in_order[:-1], True)
    examined: np.ndarray = np.flatnonzero(last_of_equals) + 1
    found = found[last_of_equals]
    return float(np.sum(np.diff(found, prepend=0) * (found / examined)) / found[-1])
