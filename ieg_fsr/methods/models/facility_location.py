"""Facility location: a few points of which each other one has a near one, chosen by lazy greedy. NumPy only."""

import heapq

import numpy as np


def squared_distances(points: np.ndarray) -> np.ndarray:
    """Squares of the Euclidean distances [n, n], float64, of points [n, D]."""
    points = np.asarray(points, np.float64)
    squares = np.sum(points**2, axis=1)
    squared = np.maximum(squares[:, None] + squares - 2.0 * points @ points.T, 0.0)
    np.fill_diagonal(squared, 0.0)
    return squared


def distances(points: np.ndarray) -> np.ndarray:
    """Euclidean distances [n, n], float32, of points [n, D]."""
    return np.sqrt(squared_distances(points)).astype(np.float32)


def lazy_greedy(similarities: np.ndarray, count: int) -> np.ndarray:
    """The points that greedy adds one by one to S, each raising F(S) = sum_i max_{j in S} s_ij most, [count].

    F is monotone and submodular: what a point adds never grows, so that one whose gain, worked out anew, is still ahead
    of what the others once added is the best (Minoux 1978). F(S) is at least 1 - 1/e of the best there is for the size.

    Args: similarities: s >= 0, [n, n]. count: 1..n. Of equal gains the first point's counts.
    """
    best: np.ndarray = np.zeros(len(similarities))  # max_{j in S} s_ij
    heap = [(-gain, point) for point, gain in enumerate(similarities.sum(axis=0, dtype=np.float64).tolist())]
    heapq.heapify(heap)
    chosen: list[int] = []
    while len(chosen) < count:
        _, point = heapq.heappop(heap)
        gain = float(np.maximum(similarities[:, point] - best, 0.0).sum())
        if heap and (-gain, point) > heap[0]:
            heapq.heappush(heap, (-gain, point))
            continue
        chosen.append(point)
        np.maximum(best, similarities[:, point], out=best)
    return np.array(chosen)


def cluster_sizes(similarities: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """How many of the n points have each chosen one [k] as their most similar, [k]; of equal ones the first."""
    return np.bincount(similarities[:, chosen].argmax(axis=1), minlength=len(chosen))


def numbers_within(apart: np.ndarray, chosen: np.ndarray, radius: float) -> np.ndarray:
    """How many of the n points are within a radius of each chosen one [k], itself among them, [k].

    Args: apart: distances [n, n].
    """
    return np.sum(apart[:, chosen] <= radius, axis=0)
