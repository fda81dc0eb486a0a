"""What a network that tells classes apart is asked to minimise: cross entropy."""

import torch.nn.functional as F
from torch import Tensor

from ai8x_models.tasks.classify.recipe import LossPlan
from ai8x_models.training.batches import Batch
from ai8x_models.training.losses import Loss, Terms


class ClassLoss(Loss[Tensor]):
    """Cross entropy against the classes; against a teacher, the divergence of softened answers.

    Answers are scores (N, K) or (N, K, 1, 1), before any soft-max.

    The divergence is multiplied by the square of the temperature: so its gradients keep their size.
    """

    class_weights: Tensor  # (K,)

    def __init__(self, plan: LossPlan, class_weights: Tensor) -> None:
        super().__init__()
        self._smoothing, self._temperature = plan.label_smoothing, plan.temperature
        self.register_buffer("class_weights", class_weights, persistent=False)

    def to_truth(self, answer: Tensor, batch: Batch[Tensor]) -> Terms:
        """Return the term `entropy`."""
        scores = answer.flatten(1).float()
        entropy = F.cross_entropy(
            scores, batch.truth, self.class_weights, label_smoothing=self._smoothing
        )
        return {"entropy": entropy}

    def to_teacher(self, answer: Tensor, batch: Batch[Tensor]) -> Terms:
        """Return the term `divergence`, 0 where both give the same probabilities."""
        assert batch.teacher is not None
        ours, theirs = (
            F.log_softmax(scores.flatten(1).float() / self._temperature, dim=1)
            for scores in (answer, batch.teacher)
        )
        divergence = F.kl_div(ours, theirs, log_target=True, reduction="batchmean")
        return {"divergence": divergence * self._temperature**2}
