"""Figures of an epoch that need the true labels, which only monitoring sees. NumPy only."""

import numpy as np


def weight_statistics(weights: np.ndarray, right: np.ndarray) -> dict[str, float | None]:
    """How the weights of right and wrong labels differ.

    Args:
        weights: [N], relative to uniform (1 = uniform).
        right: [N], bool, given label = true label.

    Returns:
        zero_weight_ratio: share of samples whose weight is zero.
        weight_clean, weight_noisy: mean weight of right and of wrong labels; None where there are none.
    """
    return {
        "zero_weight_ratio": float(np.mean(weights <= 0.0)),
        "weight_clean": _mean_or_none(weights[right]),
        "weight_noisy": _mean_or_none(weights[~right]),
    }


def loss_statistics(losses: np.ndarray, right: np.ndarray) -> dict[str, float | None]:
    """Mean own-label losses around the lookahead, of right and of wrong labels (paper, Figure 5).

    Args:
        losses: [N, 2], before and after the lookahead at the last visit; NaN for an example never visited.
        right: [N], bool, given label = true label.

    Returns:
        loss_before_clean, loss_after_clean, loss_before_noisy, loss_after_noisy; None where there are no such labels.
    """
    visited = ~np.isnan(losses[:, 0])
    return {
        f"loss_{when}_{kind}": _mean_or_none(losses[visited & chosen, column])
        for kind, chosen in (("clean", right), ("noisy", ~right))
        for column, when in enumerate(("before", "after"))
    }


def dictionary_purity(member_ids: np.ndarray, right: np.ndarray) -> float:
    """Share of dictionary members [M] whose given label is right. Args: right: [N], bool."""
    return float(np.mean(right[member_ids]))


def _mean_or_none(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
