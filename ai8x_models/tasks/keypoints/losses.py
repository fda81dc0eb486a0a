"""What a network that finds points is asked to minimise."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ai8x_models.tasks.keypoints.heatmaps import HIDDEN, VISIBLE, heat_of
from ai8x_models.tasks.keypoints.recipe import LossPlan
from ai8x_models.training.batches import Batch
from ai8x_models.training.losses import Loss, Terms
from max78000.errors import InputError

_CLOSE = 0.05  # distance, as a share of the picture, from which the loss grows in a straight line


class KeypointLoss(Loss[Tensor]):
    """Cross entropy of heat maps (N, K, h, w); smooth L1 of coordinates (N, 2 K).

    A point counts if it is there; those that are hidden count less if the recipe says so.
    """

    def __init__(self, plan: LossPlan) -> None:
        super().__init__()
        self._plan = plan

    def to_truth(self, answer: Tensor, batch: Batch[Tensor]) -> Terms:
        """Return the term `heat` or `distance`; the truth is (N, K, 3): x, y, visible.

        Raises:
            InputError: the network answers for another number of points.
        """
        check_points(answer, batch.truth.shape[1])
        points, visible = batch.truth[..., :2], batch.truth[..., 2]
        weights = (visible == VISIBLE) + self._plan.hidden_weight * (visible == HIDDEN)
        if are_heatmaps(answer):
            wanted = heat_of(points, (answer.shape[2], answer.shape[3]), self._plan.spread)
            found = answer.float().flatten(2).log_softmax(dim=2)
            # The entropy of the bumps themselves is no fault of the network's.
            apart = F.kl_div(found, wanted.flatten(2), reduction="none").sum(2)
            return {"heat": _mean(apart, weights)}
        found = coordinates_of(answer.float())
        apart = F.smooth_l1_loss(found, points, reduction="none", beta=_CLOSE).sum(2)
        return {"distance": _mean(apart, weights)}

    def to_teacher(self, answer: Tensor, batch: Batch[Tensor]) -> Terms:
        """Return the term `divergence`, or `distance`; all points count."""
        assert batch.teacher is not None
        if not are_heatmaps(answer):
            pair = coordinates_of(answer.float()), coordinates_of(batch.teacher)
            return {"distance": F.smooth_l1_loss(*pair, beta=_CLOSE)}
        temperature = self._plan.temperature
        ours, theirs = (
            F.log_softmax(one.float().flatten(2) / temperature, dim=2)
            for one in (answer, batch.teacher)
        )
        apart = F.kl_div(ours, theirs, log_target=True, reduction="none").sum(2)
        return {"divergence": apart.mean() * temperature**2}


def are_heatmaps(answer: Tensor) -> bool:
    """True for (N, K, h, w); coordinates have no places."""
    return answer.dim() == 4 and answer.shape[2] * answer.shape[3] > 1


def check_points(answer: Tensor, n_points: int) -> None:
    """Refuse what is neither a heat map nor a pair of coordinates for every point.

    Raises:
        InputError: with the shape.
    """
    is_right = answer.shape[1] == n_points if are_heatmaps(answer) else (
        answer[0].numel() == 2 * n_points
    )  # fmt: skip
    if not is_right:
        found = "x".join(map(str, answer.shape[1:]))
        why = f"the network answers with {found}, for {n_points} points"
        fix = f"give {n_points} heat maps, or {2 * n_points} coordinates"
        raise InputError(why, fix=fix)


def coordinates_of(answer: Tensor) -> Tensor:
    """(N, 2 K), within the accelerator's -1..1 -> (N, K, 2): x, y as shares of the picture."""
    return (answer.reshape(len(answer), -1, 2) + 1) / 2


def _mean(apart: Tensor, weights: Tensor) -> Tensor:
    total = weights.sum()
    return (apart * weights).sum() / torch.clamp(total, min=1e-6)
