"""The 8x8 handwritten digits that ship with scikit-learn: the data set that needs no file and no network."""

import numpy as np

from ieg_fsr.data.sources.image_source import ArraySource, DataSet

TRAIN_EXAMPLES = 1437  # 80 % of 1,797.
_SPLIT_SEED = 123


def load_digits() -> DataSet:
    """Loads the digits: train [1437, 8, 8, 1], test [360, 8, 8, 1], always the same split.

    The data set counts the ink of a pixel from 0 to 16; it is scaled to 0..255 and rounded down.
    """
    import sklearn.datasets

    digits = sklearn.datasets.load_digits()
    whole = ArraySource((digits.images * (255 / 16)).astype(np.uint8), digits.target)
    order = np.random.default_rng(_SPLIT_SEED).permutation(len(whole))
    class_names = tuple(str(name) for name in digits.target_names)
    return DataSet("digits", whole.take(order[:TRAIN_EXAMPLES]), whole.take(order[TRAIN_EXAMPLES:]), class_names)
