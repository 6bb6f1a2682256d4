"""Label noise that depends on the image: which label an example gets instead is a matter of its pixels.

Xia et al., Part-dependent Label Noise: Towards Instance-dependent Label Noise, NeurIPS 2020, Algorithm 2. NumPy only,
seeded; images are read in batches.
"""

import functools
import math
import statistics
from collections.abc import Callable, Iterator

import numpy as np

from ieg_fsr.errors import UserError
from ieg_fsr.unlabelled import labelled

STANDARD_DEVIATION = 0.1  # of the rates of single examples, before truncation
LARGEST_CLASSES = 1000  # numbers are drawn for each pair of classes and each pixel
_LARGEST_SIDE = 32  # of what is projected, in pixels; larger images are averaged over blocks
_CHUNK = 250  # images read together
_STREAM = 4  # of the seed; 1 chooses the subset, 2 the long tail, 3 the hold-out
_LOWEST_LOCATION = -3.0  # a normal that far below 0 has its tail in [0, 1] still within the reach of double precision
_NORMAL = statistics.NormalDist()

# Images uint8 [n, H, W, channels] of some ids [n].
Images = Callable[[np.ndarray], np.ndarray]


def instance_labels(
    images: Images, ids: np.ndarray, true_labels: np.ndarray, num_classes: int, noise: float, seed: int
) -> np.ndarray:
    """Given labels [N], int32. Example i is mislabelled with its own rate q_i, as class j with q_i times
    softmax_j(x_i W_y), j not y: x_i are its pixels in [0, 1], y is its true label, and W_y, [pixels, C], is standard
    normal, one for each true class.

    The rates are drawn from a normal of standard deviation 0.1, truncated to [0, 1], whose mean *after* truncation is
    `noise`. (The paper centres the normal at the rate, which makes 13 % of 10 %; from 30 % to 70 % there is no
    difference in three digits.) Images of more than 32 pixels a side are averaged over blocks first.

    Example i always consumes the i-th numbers of the seeded streams, and a class has its projection whatever the
    others: the result depends on `seed`, i, image and true label alone.

    Args:
        images: reads a batch.
        ids: [N], what it is to read.
        true_labels: [N], int in [0, C), or -1: that one stays.
        num_classes: C.
        noise: expected share of wrong labels, in [0, 1].
        seed: non-negative.

    Raises:
        UserError: more than 1000 classes.
    """
    if num_classes > LARGEST_CLASSES:
        raise UserError(
            f"--noise_type must be another than instance for more than {LARGEST_CLASSES} classes. "
            f"Received: instance, {num_classes} classes"
        )
    given_labels = np.array(true_labels, np.int32)
    if not noise:
        return given_labels
    rates = flip_rates(np.random.default_rng([seed, _STREAM, 0]).random(len(ids)), noise)
    draws = np.random.default_rng(seed).random(len(ids))
    flipped = labelled(true_labels) & (draws < rates)
    for label in np.unique(true_labels[flipped]):
        projection = None
        for places in _chunks(np.flatnonzero(flipped & (true_labels == label))):
            pixels = _pixels(images(ids[places]))
            if projection is None:
                rng = np.random.default_rng([seed, _STREAM, 1, label])
                projection = rng.standard_normal([pixels.shape[1], num_classes])
            bounds = np.cumsum(_probabilities(pixels @ projection, label), axis=1)[:, :-1]
            # A flipped example's draw is uniform below its rate.
            shares = draws[places] / rates[places]
            given_labels[places] = (shares[:, np.newaxis] >= bounds).sum(axis=1)
    return given_labels


def flip_rates(draws: np.ndarray, mean: float) -> np.ndarray:
    """Rates [N] of that mean from uniform `draws` [N]: the quantiles of the truncated normal. Args: mean: in (0, 1]."""
    if mean > 0.5:
        return 1.0 - flip_rates(draws, 1.0 - mean) if mean < 1.0 else np.ones(len(draws))
    location, reached = _location(mean)
    low, high = _tails(location)
    # By upper tails, which keep their digits where the normal lies far below 0.
    quantiles = map(_NORMAL.inv_cdf, high + (1.0 - draws) * (low - high))
    rates = location - STANDARD_DEVIATION * np.fromiter(quantiles, np.float64, len(draws))
    return np.clip(rates, 0.0, 1.0) * (mean / reached)


@functools.cache
def _location(mean: float) -> tuple[float, float]:
    """Location of the normal whose truncation to [0, 1] has that mean, by halving, and the mean that it has."""
    low, high = _LOWEST_LOCATION, mean
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _truncated_mean(middle) < mean else (low, middle)
    return high, _truncated_mean(high)


def _truncated_mean(location: float) -> float:
    """mu + sigma (phi(a) - phi(b)) / (Phi(b) - Phi(a)) for the ends a, b of [0, 1] in standard units."""
    low, high = _tails(location)
    density = _NORMAL.pdf(-location / STANDARD_DEVIATION) - _NORMAL.pdf((1.0 - location) / STANDARD_DEVIATION)
    return location + STANDARD_DEVIATION * density / (low - high)


def _tails(location: float) -> tuple[float, float]:
    """What of the normal lies above 0, and above 1."""
    low, high = ((end - location) / STANDARD_DEVIATION / math.sqrt(2) for end in (0.0, 1.0))
    return math.erfc(low) / 2, math.erfc(high) / 2


def _probabilities(logits: np.ndarray, label: int) -> np.ndarray:
    """Softmax [n, C] over the classes but `label`."""
    logits[:, label] = -np.inf
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _pixels(images: np.ndarray) -> np.ndarray:
    """Pixels [n, F] in [0, 1], of images [n, H, W, channels] averaged over blocks so that no side is over 32."""
    count, height, width, channels = images.shape
    tall, wide = -(-height // _LARGEST_SIDE), -(-width // _LARGEST_SIDE)
    rows, columns = height // tall, width // wide
    blocks = images[:, : rows * tall, : columns * wide].reshape(count, rows, tall, columns, wide, channels)
    return blocks.mean(axis=(2, 4)).reshape(count, -1) / 255.0


def _chunks(places: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(places), _CHUNK):
        yield places[start : start + _CHUNK]
