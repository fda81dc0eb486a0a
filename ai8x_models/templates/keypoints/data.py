"""Arrowheads, drawn: pictures on which a network can be tried before there are real ones.

Replace it by your own: a data set has a length and items (picture, points).
"""

import numpy as np
from numpy.typing import NDArray

SIDE = 48  # pixels
POINTS = ("tip", "left", "right")  # left and right as seen from behind
VISIBLE = 2  # 1: there, but hidden; 0: not in the picture

Item = tuple[NDArray[np.uint8], NDArray[np.float32]]


class Pictures(list[Item]):
    """Pictures (48, 48), and points (3, 3): x, y as shares of the picture, whether it is there."""

    classes = POINTS


def arrows() -> dict[str, Pictures]:
    """The splits: what `data.source` names."""
    counts = {"train": 1200, "validation": 200, "test": 300}
    return {
        split: Pictures(drawn(np.random.default_rng((seed, index))) for index in range(count))
        for seed, (split, count) in enumerate(counts.items())
    }


def drawn(rng: np.random.Generator) -> Item:
    """One picture: noise, and an arrowhead that points anywhere."""
    picture = rng.normal(110 + rng.uniform(-30, 30), 14, (SIDE, SIDE))
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    long = rng.uniform(9, 15)
    angle, wide = rng.uniform(0, 2 * np.pi), long * rng.uniform(0.45, 0.6)
    ahead = np.array([np.cos(angle), np.sin(angle)])
    aside = np.array([ahead[1], -ahead[0]])  # to the left, for y points down
    middle = rng.uniform(long + 1, SIDE - long - 1, 2)
    along = (x - middle[0]) * ahead[0] + (y - middle[1]) * ahead[1]
    across = (x - middle[0]) * aside[0] + (y - middle[1]) * aside[1]
    width = wide * (long - along) / (2 * long)  # of the half, from the tip to the tail
    notch = -long + 0.6 * (wide - abs(across))
    inside = (abs(across) <= width) & (along <= long) & (along >= notch)
    picture[inside] += rng.choice((-1, 1)) * rng.uniform(50, 90)
    tail = middle - long * ahead
    places = np.stack((middle + long * ahead, tail + wide * aside, tail - wide * aside)) / SIDE
    points = np.concatenate((places, np.full((3, 1), VISIBLE)), axis=1)
    return picture.clip(0, 255).astype(np.uint8), points.astype(np.float32)
