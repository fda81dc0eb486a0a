"""What a network that answers for every pixel is asked to minimise: cross entropy and overlap."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ai8x_models.tasks.segmentation.places import at_size, unfolded
from ai8x_models.tasks.segmentation.recipe import LossPlan
from ai8x_models.training.batches import Batch
from ai8x_models.training.data.source import UNCOUNTED
from ai8x_models.training.losses import Loss, Terms

_ONE_PIXEL = 1.0  # what areas are larger by, so that an empty one is no division by 0


class MaskLoss(Loss[Tensor]):
    """Cross entropy against masks; on request 1 less the overlap of areas, averaged over classes.

    Answers are scores before any soft-max, folded or not, for as many places as they like; pixels
    that are UNCOUNTED count for nothing. Overlap is the Dice coefficient on shares.
    After Milletari et al., V-Net, 2016.
    """

    class_weights: Tensor  # (K,)

    def __init__(self, plan: LossPlan, class_weights: Tensor) -> None:
        super().__init__()
        self._plan = plan
        self.register_buffer("class_weights", class_weights, persistent=False)

    def to_truth(self, answer: Tensor, batch: Batch[Tensor]) -> Terms:
        """Return the terms `entropy` and, if it counts, `overlap`."""
        scores = unfolded(answer.float(), len(self.class_weights))
        masks = at_size(batch.truth, tuple(scores.shape[2:]))
        sums = F.cross_entropy(
            scores, masks, self.class_weights, ignore_index=UNCOUNTED, reduction="none"
        )
        n_counted = (masks != UNCOUNTED).sum().clamp(min=1)
        terms = {"entropy": sums.sum() / n_counted}
        if self._plan.dice:
            terms["overlap"] = self._plan.dice * _not_overlapping(scores, masks)
        return terms

    def to_teacher(self, answer: Tensor, batch: Batch[Tensor]) -> Terms:
        """Return the term `divergence` a pixel, 0 where both give the same probabilities."""
        assert batch.teacher is not None
        temperature, n_classes = self._plan.temperature, len(self.class_weights)
        ours, theirs = (
            F.log_softmax(unfolded(scores.float(), n_classes) / temperature, dim=1)
            for scores in (answer, batch.teacher)
        )
        divergence = F.kl_div(ours, theirs, log_target=True, reduction="none").sum(dim=1)
        return {"divergence": divergence.mean() * temperature**2}


def _not_overlapping(scores: Tensor, masks: Tensor) -> Tensor:
    """1 - Dice of the areas of a batch, averaged over the classes that it has."""
    counts = (masks != UNCOUNTED).unsqueeze(1)
    shares = scores.softmax(dim=1) * counts
    known = torch.where(masks == UNCOUNTED, 0, masks)
    truth = F.one_hot(known, scores.shape[1]).movedim(-1, 1) * counts
    both, all_of_them = ((one).sum(dim=(0, 2, 3)) for one in (shares * truth, shares + truth))
    dice = (2 * both + _ONE_PIXEL) / (all_of_them + _ONE_PIXEL)
    occurs = truth.sum(dim=(0, 2, 3)) > 0
    return 1 - dice[occurs].mean() if occurs.any() else scores.sum() * 0
