"""The draw of an epoch's visits: probabilities against counts of many draws, the mean of a gradient, whole batches."""

import numpy as np

from ieg_fsr.reweighting.visit_draw import draw_visits

RATES = np.array([1.0, 0.25, 0.5, 0.25, 0.25, 0.5, 1.0, 0.5, 0.25, 0.25, 0.5, 0.5])
LABELS = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2])


def draws(rates, labels, batch_size, fewest, count):
    """How often each is drawn, by which probabilities [N], and the smallest number of visits of a class."""
    found, probabilities, smallest = np.zeros(len(rates)), np.zeros(len(rates)), len(rates)
    for seed in range(count):
        places, drawn_by = draw_visits(rates, labels, batch_size, fewest, np.random.default_rng(seed))
        assert len(places) % batch_size == 0
        assert np.all(np.diff(places) > 0)
        found[places] += 1
        probabilities[places] = drawn_by
        smallest = min(smallest, np.bincount(labels[places]).min())
    return found / count, probabilities, smallest


def test_examples_are_drawn_as_often_as_it_says():
    often, probabilities, _ = draws(RATES, LABELS, 2, 0, 10_000)
    np.testing.assert_array_less(np.abs(often - probabilities), 4 * np.sqrt(0.25 / 10_000))
    assert np.all(probabilities >= RATES)
    # 5.75 in sum, and a class's sum never rises by what another lacks but in proportion: 6 at last.
    assert probabilities.sum() == 6


def test_a_class_keeps_its_fewest_visits():
    rates, labels = np.full(60, 0.1), np.repeat([0, 1, 2], [50, 8, 2])
    often, _, smallest = draws(rates, labels, 5, 3, 300)
    assert smallest == 2
    np.testing.assert_array_equal(often[58:], 1)
    assert all(
        np.sum(draw_visits(rates, labels, 5, 3, np.random.default_rng(seed))[0] // 50 == 1) >= 5 for seed in range(50)
    )


def test_all_are_drawn_where_batches_need_them():
    places, probabilities = draw_visits(np.full(7, 0.9), np.zeros(7, int), 5, 1, np.random.default_rng(0))
    np.testing.assert_array_equal(places, np.arange(7))
    np.testing.assert_array_equal(probabilities, 1)


def test_the_mean_of_the_gradient_stays():
    """Of a logistic regression of 200 examples, 10,000 draws: within 3 standard errors of that of all examples."""
    rng = np.random.default_rng(1)
    x, labels, parameters = rng.normal(size=(200, 4)), rng.integers(0, 2, 200), rng.normal(size=4)
    gradients = (1 / (1 + np.exp(-x @ parameters)) - labels)[:, None] * x
    rates = rng.choice([0.25, 0.5, 1.0], 200)
    sums = []
    for seed in range(10_000):
        places, probabilities = draw_visits(rates, labels, 10, 10, np.random.default_rng(seed))
        sums.append((gradients[places] / probabilities[:, None]).sum(axis=0))
    error = np.std(sums, axis=0) / np.sqrt(len(sums))
    np.testing.assert_array_less(np.abs(np.mean(sums, axis=0) - gradients.sum(axis=0)), 3 * error)
