"""Boxes of a detector's answers: soft-max, offsets from priors, non-maximum suppression.

The arithmetic of `ai8x_models/tasks/detect`, on arrays; a test holds the two equal.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CENTRE_VARIANCE, SIZE_VARIANCE = 0.1, 0.2
_LARGEST = 10.0  # size offset beyond which a box is larger than any picture
Box = tuple[list[float], int, float]  # corners as shares of the picture, class, probability


def found_in(
    locations: Floats, scores: Floats, priors: Floats, plan: Mapping[str, Any]
) -> list[Box]:
    """Read the answers of one picture, the most probable box first.

    Args:
        locations: offsets (P, 4).
        scores: (P, 1 + classes), before a soft-max; the first one says: nothing here.
        priors: centres and sizes (P, 4).
        plan: min_score, max_overlap and top_k, as in the trainer's section `nms`.
    """
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    corners = _corners(locations, priors).clip(0, 1)
    found: list[Box] = []
    for column in range(1, shares.shape[1]):
        chosen = np.flatnonzero(shares[:, column] >= plan["min_score"])
        for one in _kept(corners[chosen], shares[chosen, column], plan["max_overlap"]):
            index = chosen[one]
            found.append((corners[index].tolist(), column - 1, float(shares[index, column])))
    found.sort(key=lambda box: -box[2])
    return found[: plan["top_k"]]


def _corners(locations: Floats, priors: Floats) -> Floats:
    centre = priors[:, :2] + locations[:, :2] * CENTRE_VARIANCE * priors[:, 2:]
    size = priors[:, 2:] * np.exp((locations[:, 2:] * SIZE_VARIANCE).clip(max=_LARGEST))
    return np.concatenate((centre - size / 2, centre + size / 2), axis=1)


def _kept(corners: Floats, scores: Floats, max_overlap: float) -> Iterator[int]:
    """Indexes of the boxes that are left, when each has removed those that it overlaps."""
    order = np.argsort(-scores, kind="stable")
    is_left = np.ones(len(order), bool)
    for place, index in enumerate(order):
        if is_left[place]:
            yield int(index)
            rest = corners[order[place + 1 :]]
            is_left[place + 1 :] &= _overlaps(corners[index], rest) <= max_overlap


def _overlaps(box: Floats, others: Floats) -> Floats:
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    common = (high - low).clip(0).prod(axis=1)
    union = _area(box[None]) + _area(others) - common
    shares: Floats = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return shares


def _area(corners: Floats) -> Floats:
    areas: Floats = (corners[:, 2:] - corners[:, :2]).clip(0).prod(axis=1)
    return areas
