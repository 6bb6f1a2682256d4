"""Local intrinsic dimension against data whose dimension is known, by hand, and where there is none."""

import numpy as np
import pytest

from ieg_fsr.methods.models.intrinsic_dimension import is_turning_point, local_intrinsic_dimensions

DIMENSIONS = [2, 5, 10]
K = 20


def directions(rng, count, dimension):
    """Points on the unit sphere in `dimension` coordinates."""
    normal = rng.normal(size=(count, dimension))
    return normal / np.linalg.norm(normal, axis=1, keepdims=True)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_at_the_centre_of_a_uniform_ball(dimension):
    """Exactly: r_i / r_k are uniform to the power 1 / d, so that the mean of the estimates is d k / (k - 2)."""
    rng = np.random.default_rng(dimension)
    found = []
    for _ in range(1000):
        ball = directions(rng, 127, dimension) * rng.uniform(size=(127, 1)) ** (1 / dimension)
        points = np.concatenate([np.zeros((1, dimension)), ball])
        found.append(local_intrinsic_dimensions(points, K)[0])
    assert np.mean(found) == pytest.approx(dimension, rel=0.15)
    assert np.mean(found) == pytest.approx(dimension * K / (K - 2), rel=0.03)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_everywhere_on_a_surface_without_an_edge(dimension):
    """A sphere of that dimension, turned in 30 coordinates."""
    rng = np.random.default_rng(dimension)
    turn, _ = np.linalg.qr(rng.normal(size=(30, 30)))
    points = directions(rng, 2000, dimension + 1) @ turn[: dimension + 1]
    assert np.mean(local_intrinsic_dimensions(points, K)) == pytest.approx(dimension, rel=0.15)


def test_by_hand():
    """Points 0, 1, 4 on a line, two neighbours: distances 1, 4; 1, 3; 3, 4."""
    found = local_intrinsic_dimensions(np.array([[0.0], [1.0], [4.0]]), 2)
    expected = [2 / np.log(4), 2 / np.log(3), 2 / np.log(4 / 3)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_scale_and_place_do_not_matter():
    points = np.random.default_rng(0).normal(size=(50, 6))
    moved = local_intrinsic_dimensions(1e-3 * points + 5.0, K)
    np.testing.assert_allclose(moved, local_intrinsic_dimensions(points, K), rtol=1e-5)


def test_points_at_one_place():
    """One twin leaves an estimate; as many as there are neighbours leave none, without a warning."""
    points = np.random.default_rng(0).normal(size=(30, 4))
    points[1] = points[0]
    assert np.isfinite(local_intrinsic_dimensions(points, 5)).all()
    points[:6] = points[0]
    assert np.isnan(local_intrinsic_dimensions(points, 5)[:6]).all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # Mean 2, deviation 1: more than 4 is beyond.
        ([1.0, 3.0, 4.1], True),
        ([1.0, 3.0, 4.0], False),
        ([2.0, 2.0, 2.1], True),
        ([2.0, 2.0, 2.0], False),
        ([3.0, 2.0, 1.0], False),
    ],
)
def test_a_turning_point(values, expected):
    assert is_turning_point(np.array(values)) == expected
