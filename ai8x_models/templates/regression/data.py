"""A disc, drawn: pictures on which a network can be tried before there are real ones.

Replace it by your own: a data set has a length and items (picture, numbers).
"""

import numpy as np
from numpy.typing import NDArray

SIDE = 32  # pixels

Item = tuple[NDArray[np.uint8], NDArray[np.float32]]


def disc() -> dict[str, list[Item]]:
    """What `data.source` names: pictures (32, 32), and x, y and radius of a disc in pixels."""
    counts = {"train": 1500, "validation": 200, "test": 300}
    return {
        split: [drawn(np.random.default_rng((seed, index))) for index in range(count)]
        for seed, (split, count) in enumerate(counts.items())
    }


def drawn(rng: np.random.Generator) -> Item:
    """One picture: noise, and a brighter disc."""
    radius = rng.uniform(3, 7)
    middle = rng.uniform(radius, SIDE - radius, 2)
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    inside = (radius - np.hypot(x - middle[0], y - middle[1]) + 0.5).clip(0, 1)
    picture = rng.normal(rng.uniform(40, 90), 8, (SIDE, SIDE)) + inside * rng.uniform(70, 150)
    return picture.clip(0, 255).astype(np.uint8), np.array((*middle, radius), np.float32)
