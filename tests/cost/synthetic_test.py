"""Random images: any number of examples from few images, with the ids and the order of real ones."""

import numpy as np

from ieg_fsr.configuration.resolve import resolve
from ieg_fsr.cost.synthetic import RepeatedExamples, RepeatedImages, synthetic_data
from ieg_fsr.data.pipeline.examples import Examples
from ieg_fsr.data.sources.image_source import ArraySource


def pool(size=6):
    rng = np.random.default_rng(0)
    return ArraySource(rng.integers(0, 256, (size, 3, 4, 2), np.uint8), np.arange(size) % 4)


def config(**settings):
    return resolve({"train_examples": 50, "image_size": 8, "dictionary_size": 10} | settings)


def test_images_come_round_again():
    images = RepeatedImages(pool(), 20)
    assert (len(images), images.image_shape) == (20, (3, 4, 2))
    np.testing.assert_array_equal(images.images([1, 7, 19]), pool().images([1, 1, 1]))
    np.testing.assert_array_equal(images.labels[[0, 5, 6, 17]], [0, 1, 0, 1])
    np.testing.assert_array_equal(images.take([8, 3]).images([0, 1]), pool().images([2, 3]))


def test_batches_are_those_of_an_array_of_all_images():
    images = RepeatedImages(pool(), 20)
    repeated = RepeatedExamples(images, images.labels, 5, seed=3)
    whole = Examples(images, images.labels, 5, seed=3)
    ids = np.array([3, 7, 8, 11, 14, 19])
    parts = [data.visiting(ids, 1 / (1 + ids)) for data in (repeated, whole)]
    for one_set, other_set in [(repeated, whole), parts]:
        for received, expected in zip(one_set.batches(2, 9), other_set.batches(2, 9), strict=True):
            for one, other in zip(received, expected, strict=True):
                np.testing.assert_array_equal(one, other)


def test_data_have_what_the_method_needs():
    whole, repeated = (synthetic_data(config(), repeat) for repeat in (False, True))
    assert type(whole.train) is ArraySource
    assert (len(whole.train), len(repeated.train), whole.num_classes) == (50, 50, 10)
    assert whole.train.image_shape == repeated.train.image_shape == (8, 8, 3)
    assert whole.holdout is None
    held_out = synthetic_data(config(method="l2r", noise=0.4, clean_per_class=3), True).holdout
    np.testing.assert_array_equal(np.bincount(held_out.labels), np.full(10, 3))


def test_memory_holds_the_pool_only():
    assert len(synthetic_data(config(train_examples=10**6), True).train.pool) == 200
