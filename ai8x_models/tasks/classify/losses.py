"""What a network that tells classes apart is asked to minimise: cross entropy."""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ai8x_models.layers.qat import DATA_GRID, fake_quantize
from ai8x_models.tasks.classify.recipe import LossPlan
from ai8x_models.training.batches import Batch
from ai8x_models.training.losses import Loss, Terms
from max78000.errors import InputError


class ClassLoss(Loss[Tensor]):
    """Cross entropy against the classes; against a teacher, the divergence of softened answers.

    Answers are scores (N, K) or (N, K, 1, 1), before any soft-max.

    The divergence is multiplied by the square of the temperature: so its gradients keep their size.
    """

    class_weights: Tensor  # (K,)

    def __init__(self, plan: LossPlan, class_weights: Tensor) -> None:
        super().__init__()
        self._smoothing, self._temperature = plan.label_smoothing, plan.temperature
        self._mix_up = plan.mix_up
        self.register_buffer("class_weights", class_weights, persistent=False)

    def mixed(self, batch: Batch[Tensor], seed: tuple[int, ...]) -> Batch[Tensor]:
        """Lay another example of the batch over each, and its class beside the other.

        After Zhang et al., mixup, 2018. What is laid over is rounded to the chip's bytes again.

        Raises:
            InputError: a teacher was asked about the examples as they are.
        """
        if not self._mix_up:
            return batch
        if batch.teacher is not None:
            why = "a teacher was asked about single examples, not about mixtures"
            raise InputError(why, where="loss.mix_up", fix="leave it out, or the teacher")
        rng = np.random.default_rng(seed)
        share = float(rng.beta(self._mix_up, self._mix_up))
        order = torch.from_numpy(rng.permutation(len(batch)))
        inputs = fake_quantize(torch.lerp(batch.inputs[order], batch.inputs, share), DATA_GRID)
        truth = F.one_hot(batch.truth, len(self.class_weights)).float()
        return replace(batch, inputs=inputs, truth=torch.lerp(truth[order], truth, share))

    def to_truth(self, answer: Tensor, batch: Batch[Tensor]) -> Terms:
        """Return the term `entropy`.

        Raises:
            InputError: the network gives another number of scores than there are classes.
        """
        scores, n_classes = answer.flatten(1).float(), len(self.class_weights)
        if scores.shape[1] != n_classes:
            why = f"gives {scores.shape[1]} scores for {n_classes} classes"
            fix = f"let its last layer have {n_classes} outputs, or see if all classes are there"
            raise InputError(why, where="model", fix=fix)
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
