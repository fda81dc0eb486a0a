"""What a pose network is asked to minimise: masked, weighted squared errors of its maps."""

from typing import NamedTuple

import torch
from torch import Tensor

from ai8x_models.tasks.pose.recipe import LossPlan
from ai8x_models.training.batches import Batch
from ai8x_models.training.losses import Loss, Terms
from max78000.apps.pose.skeleton import LIMBS, N_HEATMAPS, N_PAF

# Elbows and wrists lag behind the other parts in training: measured when the losses were chosen.
ARM_PARTS = frozenset((3, 4, 6, 7))
N_CELLS = 16 * 16


class Maps(NamedTuple):
    """Heatmaps (N, 19, 16, 16) and part-affinity maps (N, 38, 16, 16), float32."""

    heat: Tensor
    paf: Tensor


class PoseLoss(Loss[Maps]):
    """Squared error against the drawn targets.

    Every cell counts `mask * channel weight * (1 + positive_weight * |target|)`: few cells hold a
    part, and without the last factor a network first learns to answer zero. The sum over channels
    is averaged over cells and images; the part-affinity term is multiplied by `paf_weight`, because
    its long bands hold more energy than the heatmaps' spots.
    """

    heat_weight: Tensor  # (1, 19, 1, 1)
    paf_weight: Tensor  # (1, 38, 1, 1)

    def __init__(self, plan: LossPlan) -> None:
        super().__init__()
        self._positive_weight = plan.positive_weight
        heat = torch.ones(1, N_HEATMAPS, 1, 1)
        heat[:, sorted(ARM_PARTS)] = plan.arm_weight
        paf = torch.full((1, N_PAF, 1, 1), plan.paf_weight)
        for limb, (_, end) in enumerate(LIMBS):
            if end in ARM_PARTS:
                paf[:, 2 * limb : 2 * limb + 2] *= plan.arm_weight
        self.register_buffer("heat_weight", heat, persistent=False)
        self.register_buffer("paf_weight", paf, persistent=False)

    def to_truth(self, answer: Maps, batch: Batch[Maps]) -> Terms:
        """Return the terms `heat` and `paf` against the drawn targets."""
        return self._errors(answer, batch.truth, batch)

    def to_teacher(self, answer: Maps, batch: Batch[Maps]) -> Terms:
        """Return the same against a teacher's maps, raw: no soft-max, no temperature."""
        assert batch.teacher is not None
        return self._errors(answer, batch.teacher, batch)

    def _errors(self, answer: Maps, goal: Maps, batch: Batch[Maps]) -> Terms:
        """Weighted errors against a goal; masked cells have no gradient, whatever the goal.

        The drawn targets weigh the cells for both goals.
        """
        maps, target = Maps(*answer), batch.truth
        return {
            "heat": self._error(maps.heat, goal.heat, target.heat, self.heat_weight * batch.mask),
            "paf": self._error(maps.paf, goal.paf, target.paf, self.paf_weight * batch.mask),
        }

    def _error(self, answer: Tensor, goal: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        cell_weight = weight * (1 + self._positive_weight * target.abs())
        return (cell_weight * (answer.float() - goal).square()).sum() / (len(answer) * N_CELLS)
