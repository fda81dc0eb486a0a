"""From a network's answers to the things found: soft-max, decoding, non-maximum suppression."""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ai8x_models.tasks.detect.boxes import boxes_at, overlaps
from ai8x_models.tasks.detect.matching import NOTHING
from ai8x_models.training.sections import within

Floats = NDArray[np.float64]
CLASS, SCORE = 4, 5  # columns of what was found, behind the corners
N_COLUMNS = 6


@dataclass(frozen=True, slots=True)
class Suppression:
    """Which of a network's boxes are said.

    Args:
        min_score: probability below which a box is not said; low, for average precision ranks
            everything.
        max_overlap: intersection over union above which the less probable box of a class is
            taken for the same thing again.
        top_k: boxes that are said at most, of all classes together.
        shown_score: probability from which a box is worth a person's time.
    """

    min_score: float = field(default=0.05, metadata=within(0.0, 1.0))
    max_overlap: float = field(default=0.45, metadata=within(0.0, 1.0))
    top_k: int = field(default=100, metadata=within(1, 1000))
    shown_score: float = field(default=0.3, metadata=within(0.0, 1.0))


def found_in(locations: Tensor, scores: Tensor, priors: Tensor, plan: Suppression) -> Floats:
    """Read the answers of one picture.

    Args:
        locations: offsets (P, 4).
        scores: (P, 1 + classes), before a soft-max; the first one says: nothing here.
        priors: centres and sizes (P, 4).
        plan: which boxes are said.

    Returns:
        (top_k, 6): corners within the picture, class, probability, the most probable first; the
        class of rows without a box is -1.
    """
    shares = scores.double().softmax(dim=1)
    corners = boxes_at(locations.double(), priors.double()).clamp(0, 1)
    found = []
    for column in range(NOTHING + 1, shares.shape[1]):
        chosen = (shares[:, column] >= plan.min_score).nonzero()[:, 0]
        kept = chosen[kept_of(corners[chosen], shares[chosen, column], plan.max_overlap)]
        classes = torch.full((len(kept), 1), column - 1.0)
        found.append(torch.cat((corners[kept], classes, shares[kept, column, None]), dim=1))
    rows = torch.cat(found)
    rows = rows[rows[:, SCORE].argsort(descending=True, stable=True)][: plan.top_k]
    packed = np.zeros((plan.top_k, N_COLUMNS))
    packed[:, CLASS] = -1
    packed[: len(rows)] = rows.numpy()
    return packed


def kept_of(corners: Tensor, scores: Tensor, max_overlap: float) -> Tensor:
    """Which boxes are left when each has removed those that it overlaps and that score less.

    Args:
        corners: (D, 4).
        scores: (D,); of equal ones the first counts as the higher.
        max_overlap: intersection over union that is not yet too much.

    Returns:
        Indexes (K,), the highest score first.
    """
    order = scores.argsort(descending=True, stable=True)
    collides = (overlaps(corners[order], corners[order]) > max_overlap).numpy()
    left = np.ones(len(order), bool)
    for place in range(len(order)):
        if left[place]:
            left[place + 1 :] &= ~collides[place, place + 1 :]
    return order[torch.from_numpy(left)]


def rows_of(boxes: Floats) -> Floats:
    """The rows of one picture that hold a box; (M, 5) of the truth, or (D, 6) of what was found."""
    rows: Floats = boxes[boxes[:, CLASS] >= 0]
    return rows
