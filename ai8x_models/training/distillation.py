"""Second-level distillation: learn from the ground truth and from a larger network, the teacher.

    loss = (1 - a) * truth + a * teacher (+ b * features)

`a` is `distill.share`; with `decay` it falls linearly to zero over the run, so that the end is
trained on the truth alone. How far an answer is from the teacher's, the task's loss says; the
answers for the training data are computed once and kept. The feature term compares what enters one
layer of both networks and needs the teacher at every step; it is off unless asked for. The loop
itself is unchanged.

Source: [FastPose] share 0.5; [DWPose] falling weights.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ai8x_models.training.batches import Batch
from ai8x_models.training.losses import Loss, Terms, total
from ai8x_models.training.recipe import DistillPlan
from max78000.errors import UnsupportedError


class DistillationObjective(nn.Module):
    """Learn from the truth and from a teacher, both as the task measures them."""

    def __init__(
        self, plan: DistillPlan, loss: Loss[Any], features: "FeatureTerm | None" = None
    ) -> None:
        super().__init__()
        self._plan = plan
        self._measure = loss
        self.features = features

    def forward(self, model: nn.Module, batch: Batch[Any], done: float) -> Terms:
        """Return `loss`, the terms of the truth, `teacher` and, if used, `features`."""
        share = self._plan.share * (1 - done if self._plan.decay else 1)
        answer = model(batch.inputs)
        terms = self._measure.to_truth(answer, batch)
        teacher = total(self._measure.to_teacher(answer, batch))
        loss = (1 - share) * total(terms) + share * teacher
        terms = terms | {"teacher": teacher}
        if self.features is not None:
            terms["features"] = self.features(batch)
            loss = loss + self._plan.feature_weight * terms["features"]
        return {"loss": loss} | terms


class FeatureTerm(nn.Module):
    """Squared distance between the two networks' features, each scaled to length 1 per cell.

    A 1x1 adapter, trained along and then dropped, widens the learner's channels to the teacher's.
    Hooks catch what enters a layer while the networks run.
    """

    def __init__(
        self,
        learner: nn.Module,
        teacher: nn.Module,
        layer: str,
        whole: Callable[[Tensor], Tensor] = lambda share: share,
    ) -> None:
        """Compare what enters the layer of this name; `whole` gathers a batch that is shared.

        Raises:
            UnsupportedError: the networks' task has no such layer.
        """
        super().__init__()
        if not layer:
            why = "these networks have no layer in common that a teacher could teach"
            fix = "leave feature_weight out"
            raise UnsupportedError(why, where="distill.feature_weight", fix=fix)
        networks = {"learner": learner, "teacher": teacher.eval()}
        n_learner, n_teacher = (
            network.get_parameter(f"{layer}.op.weight").shape[1] for network in networks.values()
        )
        self.adapter = nn.Conv2d(n_learner, n_teacher, 1)
        self._whole = whole
        self._caught: dict[str, Tensor] = {}
        for name, network in networks.items():
            hook = partial(_catch, self._caught, name)
            network.get_submodule(layer).register_forward_pre_hook(hook)
        self._ask_teacher = teacher.forward  # the method, so that the teacher is no part of us

    def forward(self, batch: Batch[Any]) -> Tensor:
        """Return the masked mean distance; the learner has just seen the same batch."""
        with torch.no_grad():
            self._ask_teacher(batch.inputs)
        learner = F.normalize(self.adapter(self._whole(self._caught["learner"])).float(), dim=1)
        teacher = F.normalize(self._caught["teacher"].float(), dim=1)
        distance = (learner - teacher).square().sum(dim=1, keepdim=True)
        return (distance * batch.mask).mean()


def _catch(
    caught: dict[str, Tensor], name: str, layer: nn.Module, inputs: tuple[Tensor, ...]
) -> None:
    caught[name] = inputs[0]
