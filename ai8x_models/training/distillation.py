"""Second-level distillation: learn from the ground truth and from a larger network, the teacher.

    loss = (1 - a) * truth + a * teacher (+ b * features)

`a` is `distill.share`; with `decay` it falls linearly to zero over the run, so that the end is
trained on the truth alone. How far an answer is from the teacher's, the task's loss says; the
answers for the training data are computed once and kept. The feature term compares what enters one
layer of both networks and needs the teacher at every step; it is off unless asked for. The loop
itself is unchanged.

Source: [FastPose] share 0.5; [DWPose] falling weights.
"""

from typing import Any

from torch import nn

from ai8x_models.training.batches import Batch
from ai8x_models.training.features import FeatureTerm
from ai8x_models.training.losses import Loss, Terms, total
from ai8x_models.training.recipe import DistillPlan


class DistillationObjective(nn.Module):
    """Learn from the truth and from a teacher, both as the task measures them."""

    def __init__(
        self, plan: DistillPlan, loss: Loss[Any], features: FeatureTerm | None = None
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
