"""What a pose network is asked to minimise: masked, weighted squared errors of its maps.

An objective is a module that the training loop calls with (model, batch, share of the run done) and
that returns named terms; the one called `loss` is differentiated. This file holds the ground-truth
objective; `distill.py` builds the teacher's on top of it. No data, no optimizer.
"""

from typing import Protocol

import torch
from torch import Tensor, nn

from ai8x_models.training.batches import Batch, Maps
from ai8x_models.training.recipe import LossPlan
from max78000.apps.pose.skeleton import LIMBS, N_HEATMAPS, N_PAF

# Elbows and wrists lag behind the other parts in training: measured when the losses were chosen.
ARM_PARTS = frozenset((3, 4, 6, 7))
N_CELLS = 16 * 16

Terms = dict[str, Tensor]


class Objective(Protocol):
    """Anything the training loop can minimise."""

    def __call__(self, model: nn.Module, batch: Batch, done: float) -> Terms:
        """Return the terms of this batch; `done` runs from 0 to 1 over the whole run."""
        ...


class PoseLoss(nn.Module):
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

    def forward(self, model: nn.Module, batch: Batch, done: float) -> Terms:
        """Return the terms `heat`, `paf` and their sum `loss`."""
        heat, paf = self.errors(Maps(*model(batch.images)), batch.truth, batch)
        return {"loss": heat + paf, "heat": heat, "paf": paf}

    def errors(self, maps: Maps, goal: Maps, batch: Batch) -> tuple[Tensor, Tensor]:
        """Weighted errors of `maps` against `goal`; cells are weighted by the drawn targets.

        Args:
            maps: what the network answers, (N, 19, 16, 16) and (N, 38, 16, 16).
            goal: the drawn targets or a teacher's maps, same shapes.
            batch: gives the targets and the mask, (N, 1, 16, 16) in 0..1; masked cells have zero
                gradient whatever the goal.
        """
        heat = self._error(maps.heat, goal.heat, batch.truth.heat, self.heat_weight * batch.mask)
        paf = self._error(maps.paf, goal.paf, batch.truth.paf, self.paf_weight * batch.mask)
        return heat, paf

    def _error(self, answer: Tensor, goal: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        cell_weight = weight * (1 + self._positive_weight * target.abs())
        return (cell_weight * (answer.float() - goal).square()).sum() / (len(answer) * N_CELLS)
