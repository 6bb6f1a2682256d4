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
_OF_ALL, _OF_RECENT = {True: 0.2, False: 0.5}, 0.8
_RECENT = 0.25  # of the training
_MEMORISED_TO_WEIGH = 0.6
_SETTLED_ABOVE = 0.2
_SHARE_TO_FADE, _FASTER = 0.3, 4.0  # of the training for the strength; the reward's share fades so many times faster


class Evidence(NamedTuple):
    """What is known after an epoch, probabilities and shares.

    Attributes:
        memorised, generalised: see the module.
        error: standard error of both, by the monitors.
        lead: how much more of the monitors' given labels the plain layer predicts than the network.
        lead_error: its standard error.
        contradicted: number of contradicted monitors.
        earlier: a slow mean of what was generalised.
        falling: whether the learning rate is still to fall, by half at least: then more will be memorised than so far.
    """

    memorised: float = 0.0
    generalised: float = 0.0
    error: float = 0.0
    lead: float = 0.0
    lead_error: float = 0.0
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


def next_reward_limit(limit: float, evidence: Evidence) -> float:
    """What the plain layer's lead leaves of the reward loss's share, for good. Args: limit: after the epoch before."""
    return min(limit, 1.0 - _clipped(evidence.lead / max(evidence.lead_error, 1e-9) - 1.5))


def next_reward_share(reward_share: float, limit: float, evidence: Evidence, epochs: int) -> float:
    """The share of the next epoch of the weights by the reward loss.

    Args: reward_share: of the last. limit: by `next_reward_limit`. epochs: T.
    """
    wanted = 0.0
    if evidence.enough:
        learned = evidence.tolerable if evidence.falling else evidence.generalised
        excess = learned - _MEMORISED_TO_WEIGH * max(evidence.memorised, 0.0)
        wanted = 1.0 - _clipped(excess / evidence.error)
    return min(limit, max(wanted, reward_share - _FASTER / (_SHARE_TO_FADE * epochs), 0.0))


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


def measured(
    given: np.ndarray,
    baseline: np.ndarray,
    lead: np.ndarray,
    monitors: np.ndarray,
    earlier: float = 0.0,
    falling: bool = False,
) -> Evidence:
    """The evidence of an epoch.

    Args:
        given: [N], probabilities of the given labels; their signs do not matter.
        baseline: [N], the same after the first epochs, negative where the network contradicted the label.
        lead: [N], of monitors how much oftener the plain layer than the network predicted the given label.
        monitors: [N], above 0 for monitors.
        earlier, falling: see `Evidence`.
    """
    held, contradicted = monitors > 0, np.signbit(baseline)
    rise = np.abs(given) - np.abs(baseline)
    of_monitors, of_trained = rise[contradicted & held], rise[contradicted & ~held]
    if not len(of_monitors) or not len(of_trained):
        return Evidence()
    leads = lead[held]
    return Evidence(
        memorised=float(of_trained.mean() - of_monitors.mean()),
        generalised=float(of_monitors.mean()),
        error=float(of_monitors.std() / math.sqrt(len(of_monitors))),
        lead=float(leads.mean()),
        lead_error=float(leads.std() / math.sqrt(len(leads))),
        contradicted=len(of_monitors),
        earlier=earlier,
        falling=falling,
    )


def _clipped(value: float) -> float:
    return min(max(value, 0.0), 1.0)
