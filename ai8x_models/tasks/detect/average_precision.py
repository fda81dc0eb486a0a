"""Average precision as COCO defines it: boxes ranked by their score, right ones among them.

For every class and every overlap that is asked for, boxes are taken in the order of their scores
over all pictures; each is right if it overlaps an object that no better one has taken. Precision
over recall, made falling, is read at 101 recalls; their mean is the average precision. Equal to
pycocotools on boxes without crowds, of any area, a test says.
After https://cocodataset.org/#detection-eval.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ai8x_models.tasks.detect.boxes import overlaps
from ai8x_models.tasks.detect.suppress import CLASS, SCORE, Floats, rows_of

OVERLAPS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
MAX_FOUND = 100  # boxes of a class and a picture that count
_ALMOST_ONE = 1 - 1e-10

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ranked:
    """The boxes found of one class, in all pictures, the highest score first.

    Args:
        is_right: (T, D) for each of T overlaps.
        scores: (D,).
        n_objects: of this class there are.
    """

    is_right: Bools
    scores: Floats
    n_objects: int

    def precision(self) -> Floats:
        """Average precision (T,); NaN where there is no object."""
        if not self.n_objects:
            return np.full(len(self.is_right), np.nan)
        rows = range(len(self.is_right))
        return np.array([self.precision_at(RECALLS, row).mean() for row in rows])

    def recall(self) -> Floats:
        """Share of the objects that are found at all (T,)."""
        if not self.n_objects:
            return np.full(len(self.is_right), np.nan)
        shares: Floats = self.is_right.sum(axis=1) / self.n_objects
        return shares

    def precision_at(self, recalls: Floats, row: int = 0) -> Floats:
        """Precision at each of some recalls, made falling; 0 where so many are not found.

        Args:
            recalls: shares of the objects, which there are.
            row: of the overlaps.
        """
        right = self.is_right[row].cumsum()
        precision = right / np.arange(1, len(right) + 1)
        falling = np.maximum.accumulate(precision[::-1])[::-1]
        places = np.searchsorted(right / self.n_objects, recalls, side="left")
        read: Floats = np.append(falling, 0.0)[places]
        return read


def ranked(
    found: Sequence[Floats], truth: Sequence[Floats], n_classes: int, at: Floats = OVERLAPS
) -> tuple[Ranked, ...]:
    """Compare boxes with objects, class by class.

    Args:
        found: of each picture (D, 6), as `suppress.found_in` gives them.
        truth: of each picture (M, 5): corners, class.
        n_classes: classes are 0 to this.
        at: overlaps that are enough (T,).
    """
    results = []
    for number in range(n_classes):
        right, scores, n_objects = [], [], 0
        for boxes, objects in zip(found, truth, strict=True):
            of_class = rows_of(boxes)[rows_of(boxes)[:, CLASS] == number]
            wanted = rows_of(objects)[rows_of(objects)[:, CLASS] == number]
            order = np.argsort(-of_class[:, SCORE], kind="stable")[:MAX_FOUND]
            right.append(_assigned(of_class[order], wanted, at))
            scores.append(of_class[order, SCORE])
            n_objects += len(wanted)
        together = np.concatenate(scores)
        order = np.argsort(-together, kind="stable")
        is_right = np.concatenate(right, axis=1)[:, order]
        results.append(Ranked(is_right, together[order], n_objects))
    return tuple(results)


def _assigned(boxes: Floats, objects: Floats, at: Floats) -> Bools:
    """Whether each box takes an object (T, D); every object is taken once."""
    is_right = np.zeros((len(at), len(boxes)), bool)
    if not len(boxes) or not len(objects):
        return is_right
    pairs = torch.from_numpy(boxes[:, :CLASS].copy()), torch.from_numpy(objects[:, :CLASS].copy())
    shared = overlaps(*pairs).double().numpy()
    for row, least in enumerate(at):
        free = np.ones(len(objects), bool)
        for place, of_box in enumerate(shared):
            open_to_it = np.where(free, of_box, -1.0)
            best = len(objects) - 1 - int(open_to_it[::-1].argmax())  # of equal ones the last
            if open_to_it[best] >= min(least, _ALMOST_ONE):
                is_right[row, place], free[best] = True, False
    return is_right
