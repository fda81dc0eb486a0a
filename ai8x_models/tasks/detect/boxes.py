"""Arithmetic of boxes, in tensors of any leading shape: forms, overlaps, offsets from priors.

A box is (..., 4): its corners x0, y0, x1, y1, or its centre and size cx, cy, w, h, all as shares of
the picture. Networks of the SSD kind answer with offsets of boxes from priors, which is the form
of Liu et al., SSD: Single Shot MultiBox Detector, 2016, equation 2; divided by the variances that
their published code has, and all others since.
"""

import torch
from torch import Tensor

CENTRE_VARIANCE, SIZE_VARIANCE = 0.1, 0.2
_LARGEST = 10.0  # size offset beyond which a box is larger than any picture; keeps exp finite


def centred(corners: Tensor) -> Tensor:
    """Corners -> centre and size."""
    low, high = corners[..., :2], corners[..., 2:]
    return torch.cat(((low + high) / 2, high - low), dim=-1)


def cornered(centres: Tensor) -> Tensor:
    """Centre and size -> corners."""
    middle, half = centres[..., :2], centres[..., 2:] / 2
    return torch.cat((middle - half, middle + half), dim=-1)


def areas(corners: Tensor) -> Tensor:
    """(..., 4) -> (...); a box turned inside out has none."""
    sides = (corners[..., 2:] - corners[..., :2]).clamp(min=0)
    return sides[..., 0] * sides[..., 1]


def overlaps(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of each of some boxes with each of others.

    Args:
        first: corners (..., A, 4).
        second: corners (..., B, 4).

    Returns:
        (..., A, B), 0 where both boxes are empty.
    """
    one, other = first.unsqueeze(-2), second.unsqueeze(-3)
    low = torch.maximum(one[..., :2], other[..., :2])
    high = torch.minimum(one[..., 2:], other[..., 2:])
    common = areas(torch.cat((low, high), dim=-1))
    union = areas(one) + areas(other) - common
    return torch.where(union > 0, common / union, torch.zeros_like(union))


def offsets(corners: Tensor, priors: Tensor) -> Tensor:
    """What a network has to answer to say these boxes.

    Args:
        corners: boxes with an area, (..., P, 4).
        priors: centres and sizes, (P, 4).
    """
    boxes = centred(corners)
    centre = (boxes[..., :2] - priors[..., :2]) / priors[..., 2:] / CENTRE_VARIANCE
    size = (boxes[..., 2:] / priors[..., 2:]).log() / SIZE_VARIANCE
    return torch.cat((centre, size), dim=-1)


def boxes_at(answers: Tensor, priors: Tensor) -> Tensor:
    """What a network has said: offsets (..., P, 4) -> corners (..., P, 4)."""
    centre = priors[..., :2] + answers[..., :2] * CENTRE_VARIANCE * priors[..., 2:]
    size = priors[..., 2:] * (answers[..., 2:] * SIZE_VARIANCE).clamp(max=_LARGEST).exp()
    return cornered(torch.cat((centre, size), dim=-1))
