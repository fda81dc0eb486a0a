"""The optimizer, and the rate that it has at every step."""

import math

from torch import nn
from torch.optim import AdamW, Optimizer

from ai8x_models.training.recipe import OptimizerPlan


def make_optimizer(model: nn.Module, objective: nn.Module, plan: OptimizerPlan) -> Optimizer:
    """Make AdamW over model and objective; biases and norms do not decay."""
    parameters = [*model.parameters(), *objective.parameters()]
    groups = [
        {"params": [one for one in parameters if one.dim() > 1], "weight_decay": plan.weight_decay},
        {"params": [one for one in parameters if one.dim() <= 1], "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=plan.peak_rate)


def learning_rate(plan: OptimizerPlan, step: int, n_steps: int) -> float:
    """Rate of one step: linear warm-up to the peak, then half a cosine down to zero."""
    n_warmup = plan.warmup_share * n_steps
    if step < n_warmup:
        return plan.peak_rate * (step + 1) / (n_warmup + 1)
    return plan.peak_rate * 0.5 * (1 + math.cos(math.pi * (step - n_warmup) / (n_steps - n_warmup)))
