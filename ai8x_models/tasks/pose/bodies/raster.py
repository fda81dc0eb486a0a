"""A z-buffer in NumPy: which triangle is seen in each pixel, and where on it.

Knows nothing of bodies or colours. Pixel i has its centre at i. Triangles are taken by the size of
the square around them, all of a size at once, so that no pixel is looked at alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from max78000.apps.pose.arrays import Array, Bools, Floats, Indexes

_SIDES = (2, 4, 8, 16, 32, 64, 128, 256, 512)  # of the squares, pixels
_AT_ONCE = 1 << 21  # pixels of squares that are looked at together


@dataclass(frozen=True, slots=True)
class Seen:
    """What a z-buffer shows.

    Args:
        pixels: (n,) of the pixels in which there is something: row * size + column.
        face: (n,) the triangle seen there.
        shares: (n, 3) how much of each of its corners, perspective being undone.
        depth: (size, size) of what is seen, infinite where there is nothing.
    """

    pixels: Indexes
    face: Indexes
    shares: Floats
    depth: Floats


def rasterize(points: Array, depth: Array, faces: Array, size: int) -> Seen:
    """Draw triangles into a square z-buffer.

    Args:
        points: (V, 2) x, y in pixels.
        depth: (V,) distances from the camera along its axis, above 0.
        faces: (F, 3) corners; those that run clockwise on the screen are seen, others are backs.
        size: pixels of a side.
    """
    corners, near = points[faces], 1 / depth[faces]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    doubled = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    low = np.ceil(corners.min(1)).clip(0, size).astype(int)
    high = np.floor(corners.max(1)).clip(-1, size - 1).astype(int)
    shown = np.flatnonzero((doubled > 1e-9) & (high >= low).all(1))

    buffer = np.zeros(size * size)
    found: list[tuple[Indexes, Indexes, Floats]] = []
    for chosen, side in _by_size(shown, (high - low).max(1) + 1):
        part = _inside(corners[chosen], near[chosen], low[chosen], side, size)
        found.append((part[0], chosen[part[1]], part[2]))
        np.maximum.at(buffer, part[0], part[2])
    pixels, face, nearness = (
        np.concatenate([one[k] for one in found]) if found else np.zeros(0, int) for k in range(3)
    )
    wins = nearness >= buffer[pixels]
    winner = np.full(size * size, -1)
    winner[pixels[wins]] = face[wins]
    seen = np.flatnonzero(winner >= 0)
    with np.errstate(divide="ignore"):
        distance = (1 / buffer).reshape(size, size)
    own = winner[seen]
    parts = _shares(corners[own], (seen % size)[:, None], (seen // size)[:, None])
    shares = np.concatenate(parts, axis=1) * near[own]
    return Seen(seen, own, shares / shares.sum(1, keepdims=True), distance)


def _by_size(shown: Indexes, sides: Array) -> Iterator[tuple[Indexes, int]]:
    """Triangles whose squares are alike, not too many at once, and the side of these squares."""
    below = 0
    for side in _SIDES:
        chosen = shown[(sides[shown] > below) & (sides[shown] <= side)]
        step = max(_AT_ONCE // side**2, 1)
        for start in range(0, len(chosen), step):
            yield chosen[start : start + step], side
        below = side


def _inside(
    corners: Floats, near: Floats, low: Array, side: int, size: int
) -> tuple[Indexes, Indexes, Floats]:
    """Pixels inside of triangles: their numbers, which triangle, and 1 / depth."""
    rows, columns = np.divmod(np.arange(side * side), side)
    x, y = low[:, :1] + columns, low[:, 1:] + rows  # (F, side * side)
    shares = _shares(corners, x, y)
    is_inside: Bools = (x < size) & (y < size)
    for share in shares:
        is_inside &= share >= 0
    triangle, pixel = np.nonzero(is_inside)
    nearness = np.zeros(len(triangle))
    for k, share in enumerate(shares):
        nearness += share[triangle, pixel] * near[triangle, k]
    return y[triangle, pixel] * size + x[triangle, pixel], triangle, nearness


def _shares(corners: Array, x: Array, y: Array) -> list[Floats]:
    """Barycentric coordinates, one for each corner, of pixels (F, n) in triangles (F, 3, 2)."""
    columns, rows = corners[..., 0, None], corners[..., 1, None]  # (F, 3, 1)
    shares = []
    for k in range(3):
        b, c = (k + 1) % 3, (k + 2) % 3
        right, down = columns[:, c] - columns[:, b], rows[:, c] - rows[:, b]
        area = right * (rows[:, k] - rows[:, b]) - down * (columns[:, k] - columns[:, b])
        shares.append((right * (y - rows[:, b]) - down * (x - columns[:, b])) / area)
    return shares
