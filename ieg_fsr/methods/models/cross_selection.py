"""Selection by cross-validation: what predictions of a network that has not seen a label say of it. NumPy only.

Chen et al., ICML 2019: a network that learns labels of which a share e is wrong predicts like them. Where both its
predictions and the labels of other examples are wrong by e, they agree with probability (1 - e)^2 if both are right,
and e^2 / (C - 1) if both have the same one of C - 1 wrong classes.
"""

from typing import NamedTuple

import numpy as np


class Choice(NamedTuple):
    """What becomes of examples, by their places: bool [M] each, never both. The rest stay candidates."""

    selected: np.ndarray
    removed: np.ndarray


def estimated_noise_rate(agreement: float, num_classes: int) -> float:
    """The smallest e with (1 - e)^2 + e^2 / (C - 1) = a: the share of wrong labels, in [0, 1 - 1/C].

    a is never below 1 / C, where e is 1 - 1/C; less agreement than that is taken for it.

    Args:
        agreement: a, share of labels that predictions agree with, in [0, 1].
        num_classes: C; 2 where the wrong labels of a class are all of one other class.
    """
    most = 1.0 - 1.0 / num_classes
    return most * (1.0 - float(np.sqrt(max(1.0 - (1.0 - agreement) / most, 0.0))))


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
