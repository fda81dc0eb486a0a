"""What a network that answers with numbers is asked to minimise: a distance."""

import torch.nn.functional as F
from torch import Tensor

from ai8x_models.tasks.regression.recipe import LossPlan
from ai8x_models.training.batches import Batch
from ai8x_models.training.losses import Loss, Terms
from max78000.errors import InputError


class DistanceLoss(Loss[Tensor]):
    """Mean distance of all numbers; answers may have other axes than targets, with as many numbers.

    Targets are in halves of their range, as the chip's bytes are.
    """

    def __init__(self, plan: LossPlan) -> None:
        super().__init__()
        self._plan = plan

    def to_truth(self, answer: Tensor, batch: Batch[Tensor]) -> Terms:
        """Return the term `distance`."""
        return {"distance": self._distance(answer, batch.truth)}

    def to_teacher(self, answer: Tensor, batch: Batch[Tensor]) -> Terms:
        """Return the term `distance`, to what the teacher says."""
        assert batch.teacher is not None
        return {"distance": self._distance(answer, batch.teacher)}

    def _distance(self, answer: Tensor, wanted: Tensor) -> Tensor:
        ours, theirs = (one.reshape(len(one), -1).float() for one in (answer, wanted))
        if ours.shape != theirs.shape:
            why = f"the network gives {ours.shape[1]} numbers, a target has {theirs.shape[1]}"
            raise InputError(why, fix=f"let its last layer give {theirs.shape[1]}")
        match self._plan.kind:
            case "l1":
                return F.l1_loss(ours, theirs)
            case "huber":
                delta = self._plan.delta
                return F.huber_loss(ours, theirs, delta=delta) / delta  # as steep as l1, far away
            case _:
                return F.mse_loss(ours, theirs)
