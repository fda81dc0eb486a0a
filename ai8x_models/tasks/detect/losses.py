"""What a detector is asked to minimise: the multi-box loss, with hard negatives.

Nearly all priors of a picture answer for nothing. Only those that are wrong most count, a few for
each that answers for an object: that is what single-shot detectors are published with, and there is
nothing to balance by hand. Focal loss, the other way, counts all and needs two numbers that depend
on how many there are; it is made for a hundred thousand of them, a network here has hundreds.
After Liu et al., SSD, 2016, section 2.2; Lin et al., Focal Loss for Dense Object Detection, 2017.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ai8x_models.tasks.detect.boxes import offsets
from ai8x_models.tasks.detect.heads import check_parts
from ai8x_models.tasks.detect.matching import NOTHING, match
from ai8x_models.tasks.detect.recipe import LossPlan
from ai8x_models.training.batches import Batch
from ai8x_models.training.losses import Loss, Terms

Answer = tuple[Tensor, Tensor]  # locations (N, P, 4), class scores (N, P, 1 + classes)
_LEAST = 1e-3  # side of a box, as a share; what is smaller has no logarithm to learn
_SOME = 3  # negatives that count in a picture without objects


class DetectionLoss(Loss[Answer]):
    """Smooth L1 of the offsets where there is an object, cross entropy of the classes.

    Both are sums over a batch, divided by its number of priors that answer for an object.
    """

    priors: Tensor  # (P, 4): centres and sizes

    def __init__(self, plan: LossPlan, priors: Tensor, n_classes: int) -> None:
        super().__init__()
        self._plan, self._n_classes = plan, n_classes
        self.register_buffer("priors", priors, persistent=False)

    def to_truth(self, answer: Answer, batch: Batch[Any]) -> Terms:
        """Return the terms `location` and `classes`; the truth is (N, M, 5), see `match`.

        Raises:
            InputError: the network is no detector of these priors and classes.
        """
        check_parts([one.shape for one in answer], len(self.priors), self._n_classes)
        locations, scores = (one.float() for one in answer)
        wanted = match(batch.truth, self.priors, self._plan.least_overlap)
        is_object = wanted.classes != NOTHING
        n_objects = max(1, int(is_object.sum()))
        entropy = F.cross_entropy(scores.flatten(0, 1), wanted.classes.flatten(), reduction="none")
        counts = is_object | self._hard(entropy.detach().view_as(is_object), is_object)
        classes = (entropy.view_as(counts) * counts).sum() / n_objects
        boxes = _with_area(wanted.boxes[is_object])
        priors = self.priors.expand(len(locations), -1, -1)[is_object]
        location = F.smooth_l1_loss(
            locations[is_object], offsets(boxes, priors), reduction="sum"
        )  # fmt: skip
        return {
            "location": self._plan.location_weight * location / n_objects,
            "classes": classes,
        }

    def to_teacher(self, answer: Answer, batch: Batch[Any]) -> Terms:
        """Return the terms `location`, where the teacher sees something, and `divergence`.

        Priors count as much as the teacher believes that there is an object.
        """
        assert batch.teacher is not None
        temperature = self._plan.temperature
        locations, scores = (one.float() for one in answer)
        belief = 1 - batch.teacher[1].softmax(dim=2)[..., NOTHING]
        total = belief.sum().clamp(min=1)
        apart = F.smooth_l1_loss(locations, batch.teacher[0], reduction="none").sum(2)
        ours, theirs = (
            F.log_softmax(one / temperature, dim=2) for one in (scores, batch.teacher[1])
        )
        divergence = F.kl_div(ours, theirs, log_target=True, reduction="none").sum(2)
        return {
            "location": self._plan.location_weight * (apart * belief).sum() / total,
            "divergence": divergence.sum() / total * temperature**2,
        }

    def _hard(self, entropy: Tensor, is_object: Tensor) -> Tensor:
        """Of the priors that answer for nothing, in each picture, those that are wrong most."""
        wrong = entropy.masked_fill(is_object, -1.0)
        rank = wrong.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
        n_wanted = (is_object.sum(1, keepdim=True) * self._plan.negatives).clamp(min=_SOME)
        return (rank < n_wanted) & ~is_object


def _with_area(corners: Tensor) -> Tensor:
    """Boxes whose sides have a length."""
    low = corners[..., :2]
    return torch.cat((low, torch.maximum(corners[..., 2:], low + _LEAST)), dim=-1)
