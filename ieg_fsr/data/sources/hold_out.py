"""A test part for data that come without one. NumPy only."""

from typing import Any

import numpy as np

from ieg_fsr.errors import UserError

SHARE = 0.1
# Fixed: runs with different --seed are tested on the same images, and an evaluation later never sees training images.
_SEED = 123


def hold_out(source: Any, dataset: str) -> tuple[Any, Any, str]:
    """Splits a source into a training and a test part, with the same share of each class.

    A tenth of each class, rounded; so a class with fewer than five images is not in the test part.

    Args:
      source: an `ImageSource`.
      dataset: value of --dataset, for the messages.

    Returns:
      The training part, the test part, both in the order of the source, and a line that says what was done.

    Raises:
      UserError: no class has five images.
    """
    rng = np.random.default_rng(_SEED)
    held_out: np.ndarray = np.zeros(len(source), bool)
    for label in range(source.labels.max() + 1 if len(source) else 0):
        ids = rng.permutation(np.flatnonzero(source.labels == label))
        held_out[ids[: int(len(ids) * SHARE + 0.5)]] = True
    if not held_out.any():
        raise UserError(
            f"--dataset={dataset} must have a test split, or a class with 5 images to hold some out. "
            f"Received: {len(source)} images without a test split"
        )
    note = (
        f"--dataset={dataset} has no test split: a seeded {SHARE:.0%} of each class, {held_out.sum()} of "
        f"{len(source)} images, is held out for testing"
    )
    return source.take(np.flatnonzero(~held_out)), source.take(np.flatnonzero(held_out)), note
