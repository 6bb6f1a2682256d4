"""Figures of an epoch that need the true labels, which only monitoring sees. NumPy only."""

import numpy as np


def weight_statistics(weights: np.ndarray, clean: np.ndarray) -> dict[str, float | None]:
    """How the weights of right and wrong labels differ.

    Args:
        weights: [N], relative to uniform (1 = uniform).
        clean: [N], bool, given label = true label.

    Returns:
        zero_weight_ratio: share of samples whose weight is zero.
        weight_clean, weight_noisy: mean weight of right and of wrong labels; None where there are none.
    """
    return {
        "zero_weight_ratio": float(np.mean(weights <= 0.0)),
        "weight_clean": _mean_or_none(weights[clean]),
        "weight_noisy": _mean_or_none(weights[~clean]),
    }


def dictionary_purity(member_ids: np.ndarray, clean: np.ndarray) -> float:
    """Share of dictionary members [M] whose given label is right. Args: clean: [N], bool."""
    return float(np.mean(clean[member_ids]))


def _mean_or_none(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
