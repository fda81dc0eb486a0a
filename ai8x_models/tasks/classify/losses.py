"""What a network that tells classes apart is asked to minimise: cross entropy."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ai8x_models.tasks.classify.recipe import LossPlan
from ai8x_models.training.batches import Batch
from ai8x_models.training.losses import Loss, Terms
from max78000.errors import InputError, raise_all


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


def class_weights(plan: LossPlan, classes: Sequence[str], targets: NDArray[np.int64]) -> Tensor:
    """What each class counts, (K,); their mean over the training examples is 1 if they balance.

    Raises:
        InputError: a weight for a class that does not exist.
    """
    raise_all(
        InputError(
            f"there is no class {name!r}",
            where="loss.class_weights",
            fix=f"classes are {', '.join(classes)}",
        )
        for name in plan.class_weights
        if name not in classes
    )
    given = torch.tensor([float(plan.class_weights.get(name, 1.0)) for name in classes])
    if not plan.balance:
        return given
    counts = torch.from_numpy(np.bincount(targets, minlength=len(classes)).clip(1))
    return given * len(targets) / (len(classes) * counts.float())
