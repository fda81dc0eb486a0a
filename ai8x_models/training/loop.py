"""The training loop: a recipe in, a trained checkpoint out.

Read top to bottom: `train` prepares a run, repeats epochs, writes what is left. The network's task
gives data, loss and scores (`task.py`); what is minimised is in `losses.py` and `distillation.py`.
The loop knows neither what is learned nor from whom. After every epoch the whole state is on disk,
so a killed run continues with `resume` and ends with the same weights as if nothing had happened.
"""

import json
import math
import shutil
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.describe.stored import arch_of_word, is_of_file, load_network
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import enter_qat, has_measured_ranges, start_qat
from ai8x_models.training.best import Best
from ai8x_models.training.curves import draw_curves
from ai8x_models.training.distillation import DistillationObjective, FeatureTerm
from ai8x_models.training.logs import Console, RunLog
from ai8x_models.training.losses import Loss, Objective, total
from ai8x_models.training.measured_qat import find_topology, start_measured_qat
from ai8x_models.training.optimizer import learning_rate, make_optimizer
from ai8x_models.training.progress import Progress, no_progress
from ai8x_models.training.recipe import Recipe
from ai8x_models.training.recipe_text import recipe_text
from ai8x_models.training.start import settled_policy, starting_model
from ai8x_models.training.task import Examples, Task, task_of
from ai8x_models.zoo.load import channels_last
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError, ToolError
from max78000.files import write_whole

STATE_NAME, BEST_NAME = "state.pth.tar", "best.pth.tar"
Numbers = dict[str, float]


@dataclass(slots=True)
class Run:
    """Everything a run consists of; `epoch` is the next one to do."""

    recipe: Recipe
    task: Task[Any, Any]
    data: Examples
    validation: Examples
    model: nn.Module
    loss: Loss[Any]
    objective: nn.Module
    optimizer: Optimizer
    qat: QatPolicy | None
    best: Best
    epoch: int = 0

    @property
    def n_steps(self) -> int:
        """Of an epoch; whole batches only: the examples left over come up in another one."""
        return len(self.data) // self.recipe.batch_size

    @property
    def counts(self) -> bool:
        """True if scores are those of what the run is to end with."""
        return self.qat is None or self.epoch >= self.qat.start_epoch


def train(recipe: Recipe, console: Console, resume: bool = False, overwrite: bool = False) -> Path:
    """Do what the recipe says.

    Args:
        resume: continue after the last finished epoch of an interrupted run.
        overwrite: throw an earlier run of this name away.

    Returns:
        The checkpoint, `runs/NAME/NAME.pth.tar`: weights only, float or quantization-aware. Beside
        it lie `recipe.yaml`, `log.csv`, `curves.svg`, `tensorboard/` and `metrics.json`; and, if
        the best epoch is kept, `NAME-last.pth.tar`.

    Raises:
        InputError: the run exists already, or a file it needs is missing or does not fit.
        ToolError: the loss is no longer a number.
    """
    _check_folder(recipe.run_folder, resume, overwrite)
    if not resume:
        _keep_start(recipe)
    torch.manual_seed(recipe.seed)
    run = _prepare(recipe, console)
    if resume:
        _load_state(run)
    else:
        shutil.rmtree(recipe.run_folder, ignore_errors=True)
        recipe.run_folder.mkdir(parents=True)
        write_whole(recipe.run_folder / "recipe.yaml", recipe_text(recipe).encode())
    with RunLog(recipe.run_folder, run.epoch) as log:
        while run.epoch < recipe.epochs and not run.best.is_over(recipe.patience, run.epoch):
            if run.qat is not None and run.epoch == run.qat.start_epoch:
                _begin_qat(run, run.qat, console)
            label = f"epoch {run.epoch + 1} of {recipe.epochs}"
            with console.progress(label, quiet=True) as progress:
                numbers = _train_epoch(run, progress)
            numbers |= _validate(run)
            numbers |= _score(run)
            log.add(run.epoch, numbers)
            run.epoch += 1
            _save_state(run)
            shown = "  ".join(f"{name} {number:.4f}" for name, number in numbers.items())
            console.line(f"{label}: {shown}")
        draw_curves(recipe.run_folder / "curves.svg", log.rows)
    return _finish(run, console)


def _begin_qat(run: Run, policy: QatPolicy, console: Console) -> None:
    """Go over to quantized numbers; ranges that the starting point has stay as they are."""
    if policy.measures and not has_measured_ranges(run.model):
        inputs = (batch.inputs for batch in run.data.in_order(run.recipe.batch_size))
        with console.progress("measuring ranges") as progress:
            start_measured_qat(
                run.model, policy, inputs, lambda count: progress(count, len(run.data))
            )
    else:
        start_qat(run.model, policy)
    # Batch norm is folded: other parameters, so a new optimizer.
    run.optimizer = make_optimizer(run.model, run.objective, run.recipe.optimizer)


def _train_epoch(run: Run, progress: Progress) -> Numbers:
    """One pass over the data; returns the mean of every term of the objective."""
    recipe, n_steps = run.recipe, run.n_steps
    run.model.train()
    sums: Numbers = defaultdict(float)
    batches = run.data.shuffled(recipe.batch_size, recipe.seed, run.epoch, recipe.augment)
    for index, batch in enumerate(batches):
        step = run.epoch * n_steps + index
        for group in run.optimizer.param_groups:
            group["lr"] = learning_rate(recipe.optimizer, step, n_steps * recipe.epochs)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            terms = run.objective(run.model, batch, step / (n_steps * recipe.epochs))
        run.optimizer.zero_grad()
        terms["loss"].backward()
        if recipe.optimizer.clip_norm:
            nn.utils.clip_grad_norm_(run.model.parameters(), recipe.optimizer.clip_norm)
        run.optimizer.step()
        for name, term in terms.items():
            sums[name] += term.item() / n_steps
        if not math.isfinite(sums["loss"]):
            fix = f"lower optimizer.peak_rate, now {recipe.optimizer.peak_rate:g}"
            raise ToolError(
                f"the loss is no longer a number at step {step}", where=recipe.name, fix=fix
            )
        progress(index + 1, n_steps)
    return dict(sums)


def _validate(run: Run) -> Numbers:
    """Return the plain, unaugmented loss against the truth on the validation split."""
    run.model.eval()
    sum_of_all = 0.0
    with torch.no_grad():
        for batch in run.validation.in_order(run.recipe.batch_size):
            terms = run.loss.to_truth(run.model(batch.inputs), batch)
            sum_of_all += total(terms).item() * len(batch)
    return {"validation": sum_of_all / len(run.validation)}


def _score(run: Run) -> Numbers:
    """Score the network on the validation data, where the recipe decides by that."""
    if not run.recipe.scores_epochs:
        return {}
    name = next(iter(run.task.shown_scores.values()))
    score = run.task.score(run.model, run.validation, no_progress)[name]
    if score is not None and run.counts:
        run.best.see(score, run.epoch, run.model)
    return {} if score is None else {name: score}


def _keep_start(recipe: Recipe) -> None:
    """Refuse to throw away, with an earlier run, what this one begins with."""
    teacher = recipe.distill.teacher if recipe.distill else None
    for name, path in (("start_from", recipe.start_from), ("teacher", teacher)):
        if path is not None and path.resolve().is_relative_to(recipe.run_folder.resolve()):
            why = f"is `{name}` of the recipe, and lies in the run that --overwrite throws away"
            raise InputError(why, where=str(path), fix="move it, or change the recipe's name")


def _check_folder(folder: Path, resume: bool, overwrite: bool) -> None:
    """Refuse to touch an earlier run, or to resume what is not there."""
    if resume and not (folder / STATE_NAME).exists():
        raise InputError(
            "holds no interrupted run", where=str(folder), fix="start it without --resume"
        )
    if folder.exists() and not (resume or overwrite):
        fix = "--resume continues it, --overwrite starts again, or change the recipe's name"
        raise InputError("holds an earlier run already", where=str(folder), fix=fix)


def _prepare(recipe: Recipe, console: Console) -> Run:
    """Load or make everything a run needs: networks, data, teacher's answers, optimizer."""
    task, plan = task_of(recipe.model, recipe.task), recipe.distill

    @cache  # opened once, and not before somebody asks
    def validation() -> Examples:
        found: Examples = task.open_examples(recipe, "validation", console)
        return found

    def shape() -> Shape:
        return tuple(next(validation().in_order(1)).inputs.shape[1:])

    model = channels_last(starting_model(recipe, shape))
    teacher = None if plan is None else channels_last(load_network(plan.teacher))
    data = task.open_examples(recipe, "train", console)
    if len(data) < recipe.batch_size:
        why = f"batch_size {recipe.batch_size} is more than the {len(data)} examples"
        raise InputError(why, where=recipe.name, fix="make the batch smaller")
    loss = task.make_loss(recipe, data)
    objective: nn.Module = Objective(loss)
    if plan is not None and teacher is not None:
        data = data.with_teacher(teacher, plan.teacher, console)
        features = None
        if plan.feature_weight:
            features = FeatureTerm(model, teacher, task.feature_layer)
        objective = DistillationObjective(plan, loss, features)
    optimizer = make_optimizer(model, objective, recipe.optimizer)
    qat = recipe.qat and settled_policy(recipe.qat, model, recipe.start_from)
    if qat is not None and qat.measures and not has_measured_ranges(model):
        # Refuse now what cannot be measured, not after epochs in float.
        find_topology(model, next(validation().in_order(1)).inputs)
    best = Best(recipe.run_folder / BEST_NAME)
    return Run(recipe, task, data, validation(), model, loss, objective, optimizer, qat, best)


def _save_state(run: Run) -> None:
    """Put everything that the next epoch depends on on disk."""
    extras: dict[str, Any] = {
        "recipe": repr(run.recipe),
        "objective": dict(run.objective.state_dict()),
    }
    if run.best.epoch is not None:
        extras |= {"best": [run.best.epoch, run.best.score]}
    state, optimizer = dict(run.model.state_dict()), run.optimizer.state_dict()
    checkpoint = Checkpoint(arch_of_word(run.recipe.model), run.epoch, state, extras, optimizer)
    save_checkpoint(run.recipe.run_folder / STATE_NAME, checkpoint)


def _load_state(run: Run) -> None:
    """Continue where `_save_state` stood."""
    path = run.recipe.run_folder / STATE_NAME
    checkpoint = load_checkpoint(path)
    if checkpoint.extras.get("recipe") != repr(run.recipe):
        fix = "put the recipe back, or start again with --overwrite"
        raise InputError("was written by a run with another recipe", where=str(path), fix=fix)
    run.epoch = checkpoint.epoch
    if run.qat is not None and run.epoch > run.qat.start_epoch:
        enter_qat(run.model, run.qat)  # ranges come with the state
        run.optimizer = make_optimizer(run.model, run.objective, run.recipe.optimizer)
    run.model.load_state_dict(checkpoint.state_dict)
    run.objective.load_state_dict(checkpoint.extras["objective"])
    run.optimizer.load_state_dict(dict(checkpoint.optimizer))
    if "best" in checkpoint.extras:
        run.best.epoch, run.best.score = checkpoint.extras["best"]


def _finish(run: Run, console: Console) -> Path:
    """Measure the trained model and write it without what only training needs."""
    recipe, folder = run.recipe, run.recipe.run_folder
    path, epoch = folder / f"{recipe.name}.pth.tar", run.epoch
    if recipe.keep == "best" and run.best.epoch is not None:
        _save_result(run, folder / f"{recipe.name}-last.pth.tar", run.epoch, {})
        epoch = run.best.epoch + 1
        console.line(f"best epoch: {epoch}")
        run.model.load_state_dict(run.best.state())
    with console.progress("evaluating", quiet=True) as progress:
        scores = run.task.score(run.model, run.validation, progress)
    shown = (f"{label} {_rounded(scores[name])}" for label, name in run.task.shown_scores.items())
    console.line(f"{len(run.validation)} validation examples: {'  '.join(shown)}")
    write_whole(folder / "metrics.json", json.dumps(scores, indent=2).encode() + b"\n")
    _save_result(run, path, epoch, scores)
    return path


def _save_result(run: Run, path: Path, epoch: int, scores: Mapping[str, Any]) -> None:
    recipe = run.recipe
    extras = {"recipe": recipe.name, "data": recipe.data.name, "metrics": scores}
    if is_of_file(recipe.model):
        first = next(run.validation.in_order(1)).inputs
        extras |= {"model": recipe.model, "shape": tuple(first.shape[1:])}
    extras |= run.task.extras(recipe, run.model, run.validation)
    state = dict(run.model.state_dict())
    save_checkpoint(path, Checkpoint(arch_of_word(recipe.model), epoch, state, extras))


def _rounded(score: float | None) -> str:
    return "-" if score is None else f"{score:.3f}"
