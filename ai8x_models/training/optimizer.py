"""The optimizer, and the rate that it has at every step."""

import math

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from ai8x_models.training.recipe import OptimizerPlan

# One-cycle: it begins at a 25th of the peak, which is reached after 30 % of the run, and ends at a
# ten-thousandth of where it began: the defaults of torch's `OneCycleLR`.
_CYCLE_START, _CYCLE_END, _CYCLE_RISE = 1 / 25, 1 / 25e4, 0.3


def make_optimizer(model: nn.Module, objective: nn.Module, plan: OptimizerPlan) -> Optimizer:
    """Make the optimizer over model and objective; biases and norms do not decay."""
    parameters = [*model.parameters(), *objective.parameters()]
    groups = [
        {"params": [one for one in parameters if one.dim() > 1], "weight_decay": plan.weight_decay},
        {"params": [one for one in parameters if one.dim() <= 1], "weight_decay": 0.0},
    ]
    match plan.kind:
        case "sgd":
            return SGD(groups, lr=plan.peak_rate, momentum=plan.momentum)
        case "adam":
            return Adam(groups, lr=plan.peak_rate)
        case _:
            return AdamW(groups, lr=plan.peak_rate)


def learning_rate(plan: OptimizerPlan, step: int, n_steps: int, epoch: int = 0) -> float:
    """Rate of one step: linear warm-up to the peak, then the schedule; `cosine` ends at zero.

    Args:
        plan: says which schedule; that of `epochs` has no warm-up but its own.
        step: from 0, in the whole run.
        n_steps: of the run.
        epoch: that the step is in, for `epochs`.
    """
    if plan.schedule == "epochs":
        return plan.rates[max(first for first in plan.rates if first <= epoch)]
    if plan.schedule == "one-cycle":
        return plan.peak_rate * _one_cycle(step / max(n_steps - 1, 1))
    n_warmup = plan.warmup_share * n_steps
    if step < n_warmup:
        return plan.peak_rate * (step + 1) / (n_warmup + 1)
    if plan.schedule == "constant":
        return plan.peak_rate
    if plan.schedule == "steps":
        n_drops = sum(step >= share * n_steps for share in plan.drops)
        return plan.peak_rate * plan.drop_factor**n_drops
    return plan.peak_rate * 0.5 * (1 + math.cos(math.pi * (step - n_warmup) / (n_steps - n_warmup)))


def _one_cycle(done: float) -> float:
    """Share of the peak, in two halves of a cosine."""
    if done < _CYCLE_RISE:
        return _between(_CYCLE_START, 1.0, done / _CYCLE_RISE)
    return _between(1.0, _CYCLE_END, (done - _CYCLE_RISE) / (1 - _CYCLE_RISE))


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * share))
