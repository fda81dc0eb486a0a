"""Which prior answers for which object: what every prior of a network should say."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ai8x_models.tasks.detect.boxes import cornered, overlaps

NOTHING = 0  # class of priors that answer for no object; those of objects begin at 1
_TAKEN = -1.0  # overlap of what cannot be chosen


@dataclass(frozen=True, slots=True)
class Matches:
    """What N pictures ask of P priors.

    Args:
        classes: (N, P) int64: `NOTHING`, or 1 + the object's class.
        boxes: (N, P, 4): corners of the object, where there is one.
    """

    classes: Tensor
    boxes: Tensor


def match(truth: Tensor, priors: Tensor, least_overlap: float) -> Matches:
    """Give objects to priors.

    First every object gets a prior of its own, the pairs that overlap most coming first, so that no
    object goes unseen; then every other prior gets the object that it overlaps most, if that is
    enough. After Liu et al., SSD, 2016, section 2.2, "matching strategy".

    Args:
        truth: (N, M, 5): corners and class; rows of class -1 are no objects.
        priors: (P, 4): centres and sizes.
        least_overlap: intersection over union that is enough.
    """
    is_object = truth[..., 4] >= 0
    truth = truth[:, : max(1, int(is_object.sum(1).max()))] if _are_first(is_object) else truth
    is_object = truth[..., 4] >= 0
    shared = overlaps(cornered(priors), truth[..., :4])  # (N, P, M)
    shared = shared.masked_fill(~is_object[:, None], _TAKEN)
    best, owner = shared.max(dim=2)
    best, owner = best.clone(), owner.clone()
    left = shared.clone()
    pictures = torch.arange(len(truth))
    for _ in range(min(truth.shape[1], len(priors))):
        flat = left.flatten(1)
        value, place = flat.max(dim=1)
        prior, item = place // truth.shape[1], place % truth.shape[1]
        counts = value > _TAKEN
        rows, prior, item = pictures[counts], prior[counts], item[counts]
        owner[rows, prior], best[rows, prior] = item, 1.0
        left[rows, prior], left[rows, :, item] = _TAKEN, _TAKEN
    chosen = truth.gather(1, owner[..., None].expand(-1, -1, 5))
    classes = chosen[..., 4].long() + 1
    classes = classes.masked_fill(best < least_overlap, NOTHING)
    return Matches(classes, chosen[..., :4])


def _are_first(is_object: Tensor) -> bool:
    """True if rows without an object stand behind all that have one."""
    return bool((is_object[:, 1:] <= is_object[:, :-1]).all())
