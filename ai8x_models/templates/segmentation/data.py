"""Shapes, drawn: pictures on which a network can be tried before there are real ones.

Replace it by your own: a data set has a length and items (picture, mask).
"""

import numpy as np
from numpy.typing import NDArray

SIDE = 48  # pixels
CLASSES = ("ground", "disc", "square")

Item = tuple[NDArray[np.uint8], NDArray[np.uint8]]


class Pictures(list[Item]):
    """Pictures (48, 48, 3), and masks (48, 48) of the numbers of the classes."""

    classes = CLASSES


def shapes() -> dict[str, Pictures]:
    """The splits: what `data.source` names."""
    counts = {"train": 600, "validation": 100, "test": 150}
    return {
        split: Pictures(drawn(np.random.default_rng((seed, index))) for index in range(count))
        for seed, (split, count) in enumerate(counts.items())
    }


def drawn(rng: np.random.Generator) -> Item:
    """One picture: dark noise, and on it a disc and a square of any colour."""
    picture, mask = rng.normal(50, 10, (SIDE, SIDE, 3)), np.zeros((SIDE, SIDE), np.uint8)
    for number in rng.permutation(2):
        radius = rng.uniform(7, 11)
        y, x = np.mgrid[:SIDE, :SIDE] + 0.5 - rng.uniform(radius, SIDE - radius, (2, 1, 1))
        inside = (np.hypot(x, y), np.maximum(abs(x), abs(y)))[number] < radius
        picture[inside] = rng.uniform(100, 240, 3) + rng.normal(0, 8, (inside.sum(), 3))
        mask[inside] = number + 1
    return picture.clip(0, 255).astype(np.uint8), mask
