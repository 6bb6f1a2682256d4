"""Selection by cross-validation: what predictions of a network that has not seen a label say of it. NumPy only.

Chen et al., ICML 2019: a network that learns labels of which a share e is wrong predicts like them. Where both its
predictions and the labels of other examples are wrong by e, they agree with probability (1 - e)^2 if both are right,
and e^2 / (C - 1) if both have the same one of C - 1 wrong classes.

That is of a network which has memorised its labels. One that has learned the classes and memorised nothing predicts
them rightly, and agrees with probability 1 - e. How far it has come from the one to the other is seen in the labels
that it was trained on: it agrees with all of them in the end, and with no more of them than of others in the beginning.
"""

from typing import NamedTuple

import numpy as np

_LEAST_SURE = 0.1  # share of the examples


class Choice(NamedTuple):
    """What becomes of examples, by their places: bool [M] each, never both. The rest stay candidates."""

    selected: np.ndarray
    removed: np.ndarray


def estimated_noise_rate(agreement: float, num_classes: int, in_training: float = 1.0) -> float:
    """The smallest e with (1 - m) (1 - e) + m ((1 - e)^2 + e^2 / (C - 1)) = a: the share of wrong labels.

    m = (t - a) / (1 - a) is how far the network has memorised its own labels; at 1 this is the paper's equation. Its
    largest e, 1 - 1/C, is returned where there is no solution: agreement below 1/C is taken for that.

    Args:
        agreement: a, share of the labels of other examples that predictions agree with, in [0, 1].
        num_classes: C; 2 where the wrong labels of a class are all of one other class.
        in_training: t, that share of the labels which the network was trained on.
    """
    most, against = 1.0 - 1.0 / num_classes, 1.0 - agreement
    memorised = max(in_training - agreement, 0.0) / max(against, 1e-9)
    linear = 1.0 + memorised  # m / most e^2 - (1 + m) e + 1 - a = 0
    root = np.sqrt(max(linear**2 - 4.0 * memorised * against / most, 0.0))
    return min(2.0 * against / float(linear + root), most)


def agreement_of_sure(log_probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Share of labels that predictions agree with, without the tenth of which a network is least sure.

    What it has not learned of the classes would be taken for wrong labels. Args: [M, C], M > 0, and [M].
    """
    sure = log_probabilities.max(axis=1)
    agrees = log_probabilities.argmax(axis=1) == labels
    return float(np.mean(agrees[sure >= np.quantile(sure, _LEAST_SURE)]))


def noise_rate_of_selected(noise_rate: float, num_classes: int) -> float:
    """Share of wrong labels among those that predictions agree with: e^2 / (e^2 + (C - 1) (1 - e)^2), with e and C."""
    wrong, right = noise_rate**2, (num_classes - 1) * (1.0 - noise_rate) ** 2
    return wrong / (wrong + right)


def choice(agrees: np.ndarray, losses: np.ndarray, noise_rate: float, most_removed: float) -> Choice:
    """Selects what agrees; of the rest, removes what is among the largest losses.

    As many losses count as large as there are selected ones, times min(`most_removed`, e / (1 - e)), rounded down.

    Args:
        agrees: bool [M], whether the prediction is the given label.
        losses: [M], cross-entropy of the given label.
        noise_rate: e, in [0, 1).
        most_removed: in units of the selected; 0 removes none.
    """
    ratio = min(most_removed, noise_rate / (1.0 - noise_rate))
    large: np.ndarray = np.zeros(len(losses), bool)
    large[np.argsort(-losses, kind="stable")[: int(ratio * np.sum(agrees))]] = True
    return Choice(agrees, large & ~agrees)
