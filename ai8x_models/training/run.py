"""A training run as a value: networks, data, loss, optimizer, and how far it has come.

`prepare` makes it from a recipe, `begin_qat` takes it over to quantized numbers. What happens in
its epochs is in `loop.py`, what is on disk while it lasts in `state.py`, what it leaves in
`result.py`.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import has_measured_ranges, start_qat
from ai8x_models.training.average import Average
from ai8x_models.training.batches import Batch, map_tensors
from ai8x_models.training.best import Best
from ai8x_models.training.device import CPU, chosen_device, facing_cpu
from ai8x_models.training.distillation import DistillationObjective
from ai8x_models.training.features import FeatureTerm
from ai8x_models.training.logs import Console
from ai8x_models.training.losses import Loss, Objective
from ai8x_models.training.measured_qat import find_topology, start_measured_qat
from ai8x_models.training.optimizer import make_optimizer
from ai8x_models.training.processes import Team
from ai8x_models.training.recipe import Recipe
from ai8x_models.training.start import keep_scale, load_teacher, settled_policy, starting_model
from ai8x_models.training.task import Examples, Task, task_of
from ai8x_models.zoo.load import channels_last
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError

BEST_NAME = "best-state.pth.tar"


@dataclass(slots=True)
class Run:
    """Everything a run consists of.

    Args:
        model: what is trained.
        network: the same, for whole batches; see `processes.py`.
        qat: with its ranges settled; None if the run stays in float.
        average: of the model's weights, if the recipe wants one.
        epoch: the next one to do.
    """

    recipe: Recipe
    task: Task[Any, Any]
    data: Examples
    validation: Examples
    model: nn.Module
    network: nn.Module
    loss: Loss[Any]
    objective: nn.Module
    optimizer: Optimizer
    qat: QatPolicy | None
    best: Best
    device: torch.device
    team: Team
    average: Average | None = None
    epoch: int = 0

    @property
    def n_steps(self) -> int:
        """Of an epoch; whole batches only: the examples left over come up in another one."""
        return len(self.data) // self.recipe.batch_size

    @property
    def counts(self) -> bool:
        """True if scores are those of what the run is to end with."""
        return self.qat is None or self.epoch >= self.qat.start_epoch

    @property
    def is_over(self) -> bool:
        """True after the last epoch, and when nothing has become better for long enough."""
        recipe = self.recipe
        return self.epoch >= recipe.epochs or self.best.is_over(recipe.patience, self.epoch)

    @property
    def result(self) -> nn.Module:
        """The network that is scored and kept: as trained, or with averaged weights."""
        return self.model if self.average is None else self.average.model

    @property
    def scored(self) -> nn.Module:
        """The same, for who has data on the CPU."""
        return facing_cpu(self.result, self.device)

    def on_device(self, batch: Batch[Any]) -> Batch[Any]:
        """A batch where the model is."""
        if self.device == CPU:
            return batch
        moved: Batch[Any] = map_tensors(batch, lambda one: one.to(self.device))
        return moved

    def renew(self) -> None:
        """Make anew what remembers parameters, after those have become others."""
        self.optimizer = make_optimizer(self.model, self.objective, self.recipe.optimizer)
        if self.recipe.average is not None:
            self.average = Average(self.model, self.recipe.average.decay)


def prepare(recipe: Recipe, console: Console, team: Team) -> Run:
    """Load or make everything a run needs: networks, data, teacher's answers, optimizer."""
    task, plan = task_of(recipe.model, recipe.task), recipe.distill

    @cache  # opened once, and not before somebody asks
    def validation() -> Examples:
        found: Examples = task.open_examples(recipe, "validation", console)
        return found

    def shape() -> Shape:
        return tuple(next(validation().in_order(1)).inputs.shape[1:])

    device = chosen_device(recipe.device)
    team.check(recipe.batch_size)
    model = channels_last(starting_model(recipe, shape))
    if task.keeps_scale:
        model = keep_scale(model)
    teacher = None if plan is None else channels_last(load_teacher(plan.teacher))
    data = task.open_examples(recipe, "train", console)
    if len(data) < recipe.batch_size:
        why = f"batch_size {recipe.batch_size} is more than the {len(data)} examples"
        raise InputError(why, where=recipe.name, fix="make the batch smaller")
    loss = task.make_loss(recipe, data)
    objective: nn.Module = Objective(loss)
    if plan is not None and teacher is not None:
        data = data.with_teacher(facing_cpu(teacher.to(device), device), plan.teacher, console)
        features = None
        if plan.feature_weight:
            example = next(validation().in_order(1)).inputs.to(device)
            features = FeatureTerm(
                model, teacher, plan.pairs(task.feature_layer), example, team.whole
            )
        objective = DistillationObjective(plan, loss, features)
    qat = recipe.qat and settled_policy(recipe.qat, model, recipe.start_from)
    if qat is not None and qat.measures and not has_measured_ranges(model):
        # Refuse now what cannot be measured, not after epochs in float.
        find_topology(model, next(validation().in_order(1)).inputs)
    optimizer = make_optimizer(model.to(device), objective.to(device), recipe.optimizer)
    best = Best(recipe.run_folder / BEST_NAME)
    run = Run(
        *(recipe, task, data, validation(), model, team.shared(model), loss, objective),
        *(optimizer, qat, best, device, team),
    )
    run.renew()
    return run


def begin_qat(run: Run, policy: QatPolicy, console: Console) -> None:
    """Go over to quantized numbers; ranges that the starting point has stay as they are.

    With averaged weights it begins with those, and the average begins anew.
    """
    run.model.load_state_dict(run.result.state_dict())
    run.model.to(CPU)  # where the data are that ranges are measured on
    if policy.measures and not has_measured_ranges(run.model):
        inputs = (batch.inputs for batch in run.data.in_order(run.recipe.batch_size))
        with console.progress("measuring ranges") as progress:
            start_measured_qat(
                run.model, policy, inputs, lambda count: progress(count, len(run.data))
            )
    else:
        start_qat(run.model, policy)
    run.model.to(run.device)
    run.renew()  # batch norm is folded: other parameters
