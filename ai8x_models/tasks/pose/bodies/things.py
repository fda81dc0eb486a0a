"""Things among the people: boxes, posts and balls, lit and patterned as clothes are.

They stand before people and behind them, and stop a network from calling every bar an arm: some
are as long and as thin, and have the colour of skin.
"""

import math
from dataclasses import dataclass

import numpy as np

from ai8x_models.tasks.pose.bodies.clothes import Cloth, draw_cloth
from ai8x_models.tasks.pose.figures.body import turn_x, turn_y, turn_z
from ai8x_models.tasks.pose.figures.person import SKINS
from max78000.apps.pose.arrays import Array, Floats, Int32s

_SIDES = 12  # of posts, and of balls around
_RINGS = 6  # of balls, from pole to pole
_LIMB_SHARE, _FLOATING_SHARE, _SKIN_SHARE = 0.35, 0.3, 0.4
# Metres, smallest and largest: boxes, posts' radius and height, balls' radius, limbs.
_BOX, _POST_RADIUS, _POST_HEIGHT = (0.15, 1.5), (0.03, 0.3), (0.4, 2.4)
_BALL_RADIUS, _LIMB_RADIUS, _LIMB_LENGTH = (0.08, 0.4), (0.03, 0.08), (0.25, 0.9)


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing: vertices (V, 3) in its own axes and in place, faces (F, 3), and what covers it."""

    local: Floats
    vertices: Floats
    faces: Int32s
    cloth: Cloth

    def colours(self, corners: Array, shares: Array) -> Floats:
        """Colours (n, 3) of points inside of triangles: vertices (n, 3), and shares (n, 3)."""
        return self.cloth.colours(np.einsum("nk,nkx->nx", shares, self.local[corners]))


def draw_thing(rng: np.random.Generator, place: Floats) -> Thing:
    """Draw a thing that stands at a place (3,) on the ground, y down, or floats above it."""
    is_limb = rng.random() < _LIMB_SHARE
    if is_limb:
        radius, length = rng.uniform(*_LIMB_RADIUS), rng.uniform(*_LIMB_LENGTH)
        local, faces = _post(radius, length, rng.uniform(0.5, 1.0))
        turn = turn_z(rng.uniform(-180, 180)) @ turn_x(rng.uniform(-60, 60))
    else:
        local, faces = _standing(rng)
        turn = turn_y(rng.uniform(-180, 180)) @ turn_z(rng.normal(0, 4))
    cloth = draw_cloth(rng)
    if is_limb and rng.random() < _SKIN_SHARE:
        skin = np.array(SKINS[rng.integers(len(SKINS))], float)
        cloth = Cloth(skin, skin, 0, cloth.period, cloth.texture)
    turned = local @ turn.T
    lift = turned[:, 1].max()
    if is_limb or rng.random() < _FLOATING_SHARE:
        lift += rng.uniform(0, 1.8)
    return Thing(local, turned + place - (0, lift, 0), faces, cloth)


def _standing(rng: np.random.Generator) -> tuple[Floats, Int32s]:
    """A box, a post or a ball."""
    kind = int(rng.integers(3))
    if kind == 0:
        least, greatest = map(math.log, _BOX)
        size = np.exp(rng.uniform(least, greatest, 3))
        corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
        quads = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
        return outwards(corners * size / 2, _triangles(quads))
    if kind == 1:
        return _post(rng.uniform(*_POST_RADIUS), rng.uniform(*_POST_HEIGHT), rng.uniform(0.6, 1.0))
    latitudes = np.linspace(0, math.pi, _RINGS + 1)
    ring = _ring(_SIDES)
    points = np.concatenate(
        [np.insert(math.sin(one) * ring, 1, -math.cos(one), axis=1) for one in latitudes]
    )
    return outwards(points * rng.uniform(*_BALL_RADIUS), _between_rings(_RINGS, _SIDES))


def _post(radius: float, height: float, taper: float) -> tuple[Floats, Int32s]:
    """A round post from y = 0 down to its height, with lids."""
    ring = _ring(_SIDES)
    rings = ((0.0, 0.0), (radius * taper, 0.0), (radius, height), (0.0, height))
    points = np.concatenate([np.insert(size * ring, 1, y, axis=1) for size, y in rings])
    return outwards(points, _between_rings(3, _SIDES))


def outwards(points: Floats, faces: Array) -> tuple[Floats, Int32s]:
    """A convex mesh whose faces run clockwise as seen from outside; those without area go."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    normals = np.cross(c - a, b - a)
    is_out = np.einsum("fx,fx->f", normals, (a + b + c) / 3 - points.mean(0)) > 0
    turned = np.where(is_out[:, None], faces, faces[:, ::-1])
    return points, turned[np.linalg.norm(normals, axis=1) > 1e-9].astype(np.int32)


def _ring(n: int) -> Floats:
    angles = np.linspace(0, 2 * math.pi, n, endpoint=False)
    return np.stack((np.cos(angles), np.sin(angles)), axis=1)


def _between_rings(n_bands: int, n: int) -> Int32s:
    """Triangles between rings of n points."""
    k = np.arange(n)
    after = (k + 1) % n
    quads = [np.stack((k, after, after + n, k + n), axis=1) + band * n for band in range(n_bands)]
    return _triangles(np.concatenate(quads))


def _triangles(quads: Array | tuple[tuple[int, ...], ...]) -> Int32s:
    corners = np.asarray(quads, np.int32)
    return np.concatenate((corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]))
