"""Which examples an epoch visits, where each is to be visited in a given share of the epochs. NumPy only."""

import numpy as np


def draw_visits(
    rates: np.ndarray, labels: np.ndarray, batch_size: int, fewest: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A systematic draw: places [M], ascending, and the probabilities [M] that they were drawn with.

    The probabilities are the rates, raised evenly where a class would have fewer visits than it must, and then evenly
    over all up to whole batches, so that what is drawn fills them. Each class has as many visits as its probabilities
    sum up to, rounded up or down. Where a batch more than the sum is more than there is, all are drawn.

    Args: rates: [N], in (0, 1]. labels: [N]. batch_size: B. fewest: visits of a class, or all if it has fewer.
    """
    raised: np.ndarray = rates.astype(np.float64)
    order = np.lexsort((rng.random(len(rates)), labels))
    for label in np.unique(labels):
        members = labels == label
        # One more in the mean, as the sum may be rounded down.
        raised[members] = _raised_to(raised[members], fewest + 1)
    wanted = int(np.ceil(raised.sum() / batch_size - 1e-9)) * batch_size
    if wanted >= len(raised):
        return np.arange(len(raised)), np.ones(len(raised))
    raised = _raised_to(raised, wanted)
    ends = np.cumsum(raised[order])
    points = (rng.random() + np.arange(wanted)) * (ends[-1] / wanted)
    places = np.sort(order[np.unique(np.searchsorted(ends, points, side="right"))])
    return places, raised[places]


def _raised_to(rates: np.ndarray, total: float) -> np.ndarray:
    """Rates of at least `total` in sum, or all 1: each keeps the same part of what it lacks of 1."""
    lacking, missing = len(rates) - rates.sum(), total - rates.sum()
    if missing <= 0 or lacking <= 0:
        return rates
    return rates + (1.0 - rates) * min(missing / lacking, 1.0)
