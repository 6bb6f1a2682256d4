"""Gaussians of classes with one covariance, estimated from labels that are partly wrong, and what weighs several of
them (Lee et al., Robust Inference via Generative Classifiers for Handling Noisy Labels, ICML 2019). NumPy only."""

from typing import NamedTuple

import numpy as np

# Of each class this share is kept (section 3.2): the others may be wrong.
KEPT_SHARE = 0.7
_EM_STEPS = 200


class Gaussians(NamedTuple):
    """One Gaussian a class."""

    means: np.ndarray  # [C, D]
    covariance: np.ndarray  # [D, D]
    precision: np.ndarray  # [D, D], its inverse, of what of it is not singular

    def distances(self, features: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Squared Mahalanobis distances [n] of features [n, D] from the means of their labels [n]."""
        centred = features - self.means[labels]
        return np.einsum("nd,nd->n", centred @ self.precision, centred)

    def linear(self) -> tuple[np.ndarray, np.ndarray]:
        """Kernel [D, C] and bias [C] of the Bayes rule for balanced classes, whose logits are log-densities but for a
        constant: linear discriminant analysis. Taken around the middle of the means, for their digits.
        """
        middle = self.means.mean(axis=0)
        centred = self.means - middle
        kernel = self.precision @ centred.T
        return kernel, -0.5 * np.einsum("cd,dc->c", centred, kernel) - middle @ kernel


def robust_gaussians(
    features: np.ndarray, labels: np.ndarray, num_classes: int, rng: np.random.Generator, share: float = KEPT_SHARE
) -> Gaussians:
    """An approximate minimum covariance determinant for each class, with a tied covariance (section 3.2).

    Starts with a random share of each class and takes one C-step: those that are nearest to the mean of their label,
    the same share of each class, give means and covariance anew. The covariance is too small by the part that was left
    out, which changes no comparison.

    Args: features: [n, D]. labels: [n], each of C classes at least twice. share: in (0, 1]; 1 keeps all.
    """
    features = np.asarray(features, np.float64)
    start = gaussians_of(features, labels, num_classes, _smallest(rng.random(len(labels)), labels, num_classes, share))
    near = _smallest(start.distances(features, labels), labels, num_classes, share)
    return gaussians_of(features, labels, num_classes, near)


def gaussians_of(features: np.ndarray, labels: np.ndarray, num_classes: int, ids: np.ndarray) -> Gaussians:
    """Means and pooled covariance of some of the examples. Args: ids: [m], each class among them."""
    x, y = features[ids], labels[ids]
    means = np.stack([x[y == label].mean(axis=0) for label in range(num_classes)])
    centred = x - means[y]
    covariance = centred.T @ centred / len(x)
    # What does not vary within classes, to the digits of float32, is left out: silent units, more units than examples.
    tolerance = max(covariance.shape) * float(np.finfo(np.float32).eps)
    return Gaussians(means, covariance, np.linalg.pinv(covariance, rcond=tolerance, hermitian=True))


def _smallest(values: np.ndarray, labels: np.ndarray, num_classes: int, share: float) -> np.ndarray:
    """Ids of a share of each class, rounded up, those with the smallest values [n]."""
    chosen = []
    for label in range(num_classes):
        [ids] = np.nonzero(labels == label)
        chosen.append(ids[np.argsort(values[ids], kind="stable")[: int(np.ceil(share * len(ids)))]])
    return np.concatenate(chosen)


def mixture_weights(probabilities: np.ndarray) -> np.ndarray:
    """Weights a [L], of sum 1, that make sum_l a_l p_l likeliest: p [L, n] are what L models say of the same labels.

    The likelihood has one maximum; expectation maximisation climbs to it. (The paper takes 200 steps of Adam towards
    it, section 3.3.)
    """
    weights = np.full(len(probabilities), 1.0 / len(probabilities))
    for _ in range(_EM_STEPS):
        joint = weights[:, np.newaxis] * probabilities
        weights = (joint / joint.sum(axis=0)).mean(axis=1)
    return weights
