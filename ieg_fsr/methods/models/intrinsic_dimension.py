"""Local intrinsic dimension: how fast the number of neighbours grows with the distance. NumPy only."""

import numpy as np

from ieg_fsr.methods.models.facility_location import squared_distances

# Keeps the logarithm finite where a neighbour is at distance 0.
_SMALLEST_RATIO = 1e-8


def local_intrinsic_dimensions(points: np.ndarray, neighbours: int) -> np.ndarray:
    """LID at each of some points, from the distances r_1 <= ... <= r_k to its nearest others (Ma et al. 2018, Eq. 3).

    -1 / mean_i log(r_i / r_k), the maximum-likelihood estimate of Amsaleg et al. (2015). Where d is the dimension, the
    mean over many points tends to d k / (k - 2).

    Args: points: [n, D], n > k. neighbours: k >= 2. Returns: [n], float64; NaN where k others are at the same place.
    """
    squared = squared_distances(points)
    np.fill_diagonal(squared, np.inf)  # a point is not its own neighbour
    nearest = np.sqrt(np.sort(np.partition(squared, neighbours - 1, axis=1)[:, :neighbours], axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return -1.0 / np.mean(np.log(nearest / nearest[:, -1:] + _SMALLEST_RATIO), axis=1)


def is_turning_point(values: np.ndarray) -> bool:
    """Whether the last of some values [w + 1] exceeds the mean of the w before it by more than two deviations."""
    before = values[:-1]
    return bool(values[-1] - np.mean(before) > 2.0 * np.std(before))
