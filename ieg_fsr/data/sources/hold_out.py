"""A test part for data that come without one. NumPy only."""

from typing import Any

import numpy as np

from ieg_fsr.errors import UserError

SHARE = 0.1
# Fixed: runs with different --seed are tested on the same images, and an evaluation later never sees training images.
_SEED = 123


def hold_out(source: Any, dataset: str) -> tuple[Any, Any, str]:
    """Splits an `ImageSource` into a training and a test part, both in its order, and says in a line what was done.

    A tenth of each class, rounded, is for testing; so a class with fewer than five images is not in the test part.

    Raises:
      UserError: no class has five images. It names `dataset`, the value of --dataset.
    """
    rng = np.random.default_rng(_SEED)
    held_out: np.ndarray = np.zeros(len(source), bool)
    for label in range(source.labels.max() + 1 if len(source) else 0):
        ids = rng.permutation(np.flatnonzero(source.labels == label))
        held_out[ids[: int(len(ids) * SHARE + 0.5)]] = True
    if not held_out.any():
        raise UserError(f"--dataset={dataset} must have a test split, or a class with 5 images to hold some out. "
                        f"Received: {len(source)} images without a test split")  # fmt: skip
    note = (
        f"--dataset={dataset} has no test split: a seeded {SHARE:.0%} of each class, {held_out.sum()} of "
        f"{len(source)} images, is held out for testing"
    )
    return source.take(np.flatnonzero(~held_out)), source.take(np.flatnonzero(held_out)), note
