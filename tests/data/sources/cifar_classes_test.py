"""Tests of the lists of mistakes: the classes by name, and CIFAR-100's superclasses against its own coarse labels."""

import numpy as np

from ieg_fsr.data.sources.cifar_classes import (
    CIFAR10_CLASS_NAMES,
    CIFAR100_SUPERCLASSES,
    cifar10_mistakes,
    cifar100_mistakes,
)

# The coarse label of each fine label 0..99, as the published files have it.
COARSE_LABELS = [
    4, 1, 14, 8, 0, 6, 7, 7, 18, 3, 3, 14, 9, 18, 7, 11, 3, 9, 7, 11, 6, 11, 5, 10, 7, 6, 13, 15, 3, 15, 0, 11, 1, 10,
    12, 14, 16, 9, 11, 5, 5, 19, 8, 8, 15, 13, 14, 17, 18, 10, 16, 4, 17, 4, 2, 0, 17, 4, 18, 17, 10, 3, 2, 12, 12, 16,
    12, 1, 9, 19, 2, 10, 0, 1, 16, 12, 9, 13, 15, 13, 16, 19, 2, 4, 6, 19, 5, 5, 8, 19, 18, 1, 2, 15, 6, 0, 17, 8, 14,
    13,
]  # fmt: skip


def test_cifar10_by_name():
    names = {CIFAR10_CLASS_NAMES[a]: CIFAR10_CLASS_NAMES[b] for a, b in enumerate(cifar10_mistakes()) if a != b}
    assert names == {"truck": "automobile", "bird": "airplane", "cat": "dog", "dog": "cat", "deer": "horse"}


def test_cifar100_superclasses_are_the_published_ones():
    fine_names = sorted(name for names in CIFAR100_SUPERCLASSES.values() for name in names.split())
    assert len(set(fine_names)) == 100
    coarse_of = {name: coarse for coarse, names in enumerate(CIFAR100_SUPERCLASSES.values()) for name in names.split()}
    assert [coarse_of[name] for name in fine_names] == COARSE_LABELS


def test_cifar100_goes_round_in_each_superclass():
    coarse, mistakes = np.array(COARSE_LABELS), cifar100_mistakes()
    for label in range(100):
        mates = np.flatnonzero(coarse == coarse[label])
        later = mates[mates > label]
        assert mistakes[label] == (later[0] if len(later) else mates[0])
    assert sorted(mistakes) == list(range(100))
