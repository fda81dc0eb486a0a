"""The z-buffer, beside plain reasoning about triangles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai8x_models.tasks.pose.bodies.raster import rasterize

SIZE = 32
ONE = np.array([[0, 1, 2]])


def clockwise(points):
    first, second = points[1] - points[0], points[2] - points[0]
    return points if first[0] * second[1] > first[1] * second[0] else points[::-1]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_a_pixel_shows_what_is_nearest_there(seed):
    rng = np.random.default_rng(seed)
    points = np.concatenate([clockwise(rng.uniform(-10, 42, (3, 2))) for _ in range(4)])
    depth = rng.uniform(1, 9, 12)
    faces = np.arange(12).reshape(4, 3)
    seen = rasterize(points, depth, faces, SIZE)
    wanted = np.full((SIZE, SIZE), np.inf)
    y, x = np.indices((SIZE, SIZE))
    places = np.stack((x.ravel(), y.ravel(), np.ones(SIZE**2)))
    for corners in faces:
        system = np.stack((*points[corners].T, np.ones(3)))
        shares = np.linalg.solve(system, places)
        is_inside = (shares.min(0) >= 1e-9).reshape(SIZE, SIZE)
        here = 1 / ((1 / depth[corners]) @ shares).reshape(SIZE, SIZE)
        wanted[is_inside] = np.minimum(wanted, here)[is_inside]
    is_close = np.isclose(seen.depth, wanted)
    is_close |= np.isinf(seen.depth) & np.isinf(wanted)
    assert is_close.mean() > 0.995  # pixels on an edge may fall to either side
    assert np.isfinite(seen.depth).sum() == len(seen.pixels)


def test_shares_undo_perspective():
    """A point between corners in space is seen where it projects to."""
    space = np.array([[-1.0, -1, 2], [1, -0.8, 6], [-0.5, 1, 3]])
    points = 16 * space[:, :2] / space[:, 2:] + 16
    seen = rasterize(points, space[:, 2], ONE, SIZE)
    assert len(seen.pixels) > 40
    np.testing.assert_allclose(seen.shares.sum(1), 1)
    found = seen.shares @ space
    projected = 16 * found[:, :2] / found[:, 2:] + 16
    where = np.stack((seen.pixels % SIZE, seen.pixels // SIZE), axis=1)
    np.testing.assert_allclose(projected, where, atol=1e-9)
    np.testing.assert_allclose(found[:, 2], seen.depth.ravel()[seen.pixels])


def test_backs_are_not_drawn():
    points, depth = np.array([[2.0, 2], [20, 2], [2, 20]]), np.ones(3)
    assert len(rasterize(points, depth, ONE, SIZE).pixels) > 100
    assert len(rasterize(points[::-1], depth, ONE, SIZE).pixels) == 0


@pytest.mark.parametrize("size", [1, 3, 7, 12, 30, 60, 250])
def test_triangles_of_every_size_are_whole(size):
    points = np.array([[0.0, 0], [size, 0], [0, size]])
    seen = rasterize(points, np.ones(3), ONE, 256)
    assert len(seen.pixels) == (size + 1) * (size + 2) // 2


def test_of_nothing_nothing_is_seen():
    seen = rasterize(np.zeros((3, 2)) - 50, np.ones(3), ONE, SIZE)
    assert len(seen.pixels) == 0
    assert np.isinf(seen.depth).all()
