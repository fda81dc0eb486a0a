"""Shapes, drawn: pictures on which a network can be tried before there are real ones.

Replace it by your own: a data set has a length and items (picture, boxes).
"""

import numpy as np
from numpy.typing import NDArray

SIDE = 48  # pixels
MOST = 3  # things in a picture
CLASSES = ("disc", "square", "triangle")
NO_BOX = -1  # class of a row without a box

Item = tuple[NDArray[np.uint8], NDArray[np.float32]]


class Pictures(list[Item]):
    """Pictures (48, 48), and boxes (3, 5): x0, y0, x1, y1 as shares of the picture, class."""

    classes = CLASSES


def shapes() -> dict[str, Pictures]:
    """The splits: what `data.source` names."""
    counts = {"train": 1200, "validation": 200, "test": 300}
    return {
        split: Pictures(drawn(np.random.default_rng((seed, index))) for index in range(count))
        for seed, (split, count) in enumerate(counts.items())
    }


def drawn(rng: np.random.Generator) -> Item:
    """One picture: noise, and a few things that do not touch."""
    picture = rng.normal(110 + rng.uniform(-30, 30), 14, (SIDE, SIDE))
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    boxes = np.full((MOST, 5), NO_BOX, np.float32)
    for row in boxes[: rng.integers(1, MOST, endpoint=True)]:
        high = rng.uniform(5, 10)
        wide = high * rng.uniform(0.8, 1.25)
        middle = np.array([rng.uniform(wide, SIDE - wide), rng.uniform(high, SIDE - high)])
        half = np.array([wide, high])
        box = np.concatenate((middle - half, middle + half)) / SIDE
        others = boxes[boxes[:, 4] != NO_BOX]
        is_left = np.minimum(box[2:], others[:, 2:4]) <= np.maximum(box[:2], others[:, :2])
        if not is_left.any(axis=1).all():
            continue
        u, v, number = (x - middle[0]) / wide, (y - middle[1]) / high, int(rng.integers(3))
        inside = (u**2 + v**2 <= 1, abs(u) + 0 * v <= 1, v >= 2 * abs(u) - 1)[number]
        picture[inside & (abs(v) <= 1)] += rng.choice((-1, 1)) * rng.uniform(50, 90)
        row[:] = *box, number
    return picture.clip(0, 255).astype(np.uint8), boxes
