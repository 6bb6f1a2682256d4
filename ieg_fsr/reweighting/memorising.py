"""Whether labels are being memorised, and what strength of re-weighting follows from it; see `strength`. NumPy only."""

import math
from typing import NamedTuple

import numpy as np

from ieg_fsr.unlabelled import labelled

# Monitors: so many that the standard error of a share of them is below .016, but a tenth of the examples at most.
_MONITORS, _LARGEST_SHARE = 1000, 0.1
_MONITORS_STREAM = 5  # of the seed
_FEWEST_CONTRADICTED = 5
# How much may be memorised of what was generalised at any time, where the learning rate is still to fall and where not,
# and of what was generalised lately.
_OF_ALL, _OF_RECENT = {True: 0.2, False: 0.3}, 0.8
_RECENT = 0.25  # of the training
_SETTLED_ABOVE = 0.5
_SHARE_TO_FADE = 0.3  # of the training
_PURITY = 4  # how fast the reward set is confined to the most trusted as fewer labels are predicted
# Below this share to draw from (42 % of the labels predicted) an unlikely label says little against a class: each class
# fills its places, or one that training has lost sight of would have no member to be found again by.
FEW_PREDICTED = 0.5


class Evidence(NamedTuple):
    """What is known after an epoch, probabilities and shares.

    Attributes:
        memorised, generalised: see the module.
        error: standard error of both, by the monitors.
        contradicted: number of contradicted monitors.
        earlier: a slow mean of what was generalised.
        falling: whether the learning rate is still to fall, by half at least: then more will be memorised than so far.
    """

    memorised: float = 0.0
    generalised: float = 0.0
    error: float = 0.0
    contradicted: int = 0
    earlier: float = 0.0
    falling: bool = False

    @property
    def tolerable(self) -> float:
        """How much may be memorised beside what is generalised."""
        recent = max(self.generalised - max(self.earlier, 0.0), 0.0)
        return _OF_ALL[bool(self.falling)] * max(self.generalised, 0.0) + _OF_RECENT * recent

    @property
    def enough(self) -> bool:
        """Whether there are contradicted labels to speak of."""
        return self.contradicted >= _FEWEST_CONTRADICTED and self.error > 0


def next_strength(strength: float, evidence: Evidence, epochs: int) -> float:
    """The strength of the next epoch. Args: strength: of the last. epochs: T."""
    wanted = 0.0
    if evidence.enough:
        wanted = _clipped(1.0 + (evidence.memorised - evidence.tolerable) / evidence.error)
    return max(wanted, strength - 1.0 / (_SHARE_TO_FADE * epochs), 0.0)


def share_to_draw_from(agreement: float) -> float:
    """The share of a class, its best-scored, of which the reward set is drawn.

    Where most held-out labels are predicted, a label that training believes is mostly right, and all of the class may
    serve. Where few are, belief says less of a label, and only the best are pure enough.

    Args: agreement: share of the monitors whose given labels the network predicts.
    """
    return min(1.0, 2.0 * agreement) ** _PURITY


def settled_strength(strength: float) -> float:
    """The strength of the last part of the training, in which nothing is measured. Args: strength: at its beginning."""
    return float(strength > _SETTLED_ABOVE)


def next_earlier(earlier: float, evidence: Evidence, epochs: int) -> float:
    """The slow mean, over a quarter of the training, after an epoch. Args: earlier: before it. epochs: T."""
    return earlier + (evidence.generalised - earlier) * min(1.0, 1.0 / (_RECENT * epochs))


def baseline_epochs(epochs: int, warmup_epochs: int) -> int:
    """After how many epochs labels count as contradicted: a tenth of the training, 2 at least, within the warm-up."""
    return max(1, min(warmup_epochs, max(2, round(0.1 * epochs))))


def choose_monitors(given_labels: np.ndarray, num_classes: int, seed: int) -> np.ndarray:
    """Which examples are monitors: a seeded draw from each class in proportion, which leaves two of it at least.

    Args: given_labels: [N], int in [0, C); -1 is none, and no monitor. Returns: [N], bool.
    """
    count = int(np.sum(labelled(given_labels)))
    share = min(_MONITORS, int(_LARGEST_SHARE * count)) / count
    rng = np.random.default_rng([seed, _MONITORS_STREAM])
    monitors: np.ndarray = np.zeros(len(given_labels), bool)
    for label in range(num_classes):
        members = rng.permutation(np.flatnonzero(given_labels == label))
        wanted = math.floor(share * len(members) + rng.random())
        monitors[members[: min(wanted, max(len(members) - 2, 0))]] = True
    return monitors


def most_monitors(num_examples: int, num_classes: int) -> int:
    """How many monitors there can be: each class's share is rounded up or down."""
    return min(_MONITORS, int(_LARGEST_SHARE * num_examples)) + num_classes


def measured(
    given: np.ndarray,
    baseline: np.ndarray,
    monitors: np.ndarray,
    earlier: float = 0.0,
    falling: bool = False,
) -> Evidence:
    """The evidence of an epoch.

    Args:
        given: [N], probabilities of the given labels; their signs do not matter.
        baseline: [N], the same after the first epochs, negative where the network contradicted the label.
        monitors: [N], bool.
        earlier, falling: see `Evidence`.
    """
    held, contradicted = monitors, np.signbit(baseline)
    rise = np.abs(given) - np.abs(baseline)
    of_monitors, of_trained = rise[contradicted & held], rise[contradicted & ~held]
    if not len(of_monitors) or not len(of_trained):
        return Evidence()
    return Evidence(
        memorised=float(of_trained.mean() - of_monitors.mean()),
        generalised=float(of_monitors.mean()),
        error=float(of_monitors.std() / math.sqrt(len(of_monitors))),
        contradicted=len(of_monitors),
        earlier=earlier,
        falling=falling,
    )


def _clipped(value: float) -> float:
    return min(max(value, 0.0), 1.0)
