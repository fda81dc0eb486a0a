"""The training loop: a recipe in, a trained checkpoint out.

Read top to bottom: `train` prepares a run (`run.py`), repeats epochs, writes what is left
(`result.py`). The network's task gives data, loss and scores (`task.py`); what is minimised is in
`losses.py` and `distillation.py`. The loop knows neither what is learned nor from whom. After every
epoch the whole state is on disk (`state.py`), so a killed run continues with `resume` and ends with
the same weights as if nothing had happened.
"""

import math
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ai8x_models.training.batches import Batch
from ai8x_models.training.curves import draw_curves
from ai8x_models.training.determinism import deterministic, seed_torch
from ai8x_models.training.logs import Console, RunLog
from ai8x_models.training.losses import Terms, total
from ai8x_models.training.optimizer import learning_rate
from ai8x_models.training.processes import ALONE, Team
from ai8x_models.training.progress import Progress, no_progress
from ai8x_models.training.recipe import Recipe
from ai8x_models.training.result import write_result
from ai8x_models.training.run import Run, begin_qat, prepare
from ai8x_models.training.state import check_folder, has_state, load_state, new_folder, save_state
from max78000.errors import ToolError

SMALL = 1e-3  # numbers below it are shown with their exponent
Numbers = dict[str, float]
# Sees a run at the end of an epoch, before its state is on disk, and the numbers of that epoch.
Watch = Callable[[Run, Numbers], None]


def unwatched(_run: Run, _numbers: Numbers) -> None:
    """Nobody looks."""


def train(
    recipe: Recipe,
    console: Console,
    resume: bool = False,
    overwrite: bool = False,
    watch: Watch = unwatched,
    team: Team = ALONE,
) -> Path:
    """Do what the recipe says.

    Args:
        resume: continue after the last finished epoch of an interrupted run, or begin if it had
            finished none.
        overwrite: throw an earlier run of this name away.
        watch: sees every epoch, for files that others expect; it changes nothing.
        team: the processes that share it; see `processes.py`.

    Returns:
        The checkpoint, `NAME.pth.tar` in the run's folder: weights only, float or
        quantization-aware. Beside it lie `recipe.yaml`, `log.csv`, `curves.svg`, `tensorboard/` and
        `metrics.json`; and, if the best epoch is kept, `NAME-last.pth.tar`.

    Raises:
        InputError: the run exists already, or a file it needs is missing or does not fit.
        ToolError: the loss is no longer a number.
    """
    team.together(lambda: check_folder(recipe, resume, overwrite))
    with deterministic(recipe.deterministic):
        torch.manual_seed(recipe.seed)
        run = team.one_by_one(lambda: prepare(recipe, console, team))
        if team.together(lambda: resume and has_state(recipe)):
            load_state(run)
        else:
            team.together(lambda: new_folder(recipe))
        _repeat_epochs(run, console, watch)
        return team.together(lambda: write_result(run, console))


def _repeat_epochs(run: Run, console: Console, watch: Watch) -> None:
    """Train to the end. The first of several processes closes the epochs."""
    recipe, team = run.recipe, run.team
    log = RunLog(recipe.run_folder, run.epoch) if team.is_first else None

    def close(label: str, numbers: Numbers) -> None:
        assert log is not None
        numbers = numbers | {"validation": validation_loss(run)} | _score(run)
        log.add(run.epoch, numbers)
        watch(run, numbers)
        save_state(run)  # the last thing on disk
        shown = "  ".join(f"{name} {_rounded(number)}" for name, number in numbers.items())
        console.line(f"{label}: {shown}")

    while not team.together(lambda: run.is_over):
        if run.qat is not None and run.epoch == run.qat.start_epoch:
            begin_qat(run, run.qat, console)
        team.equalize(run.model, run.objective)
        label = f"epoch {run.epoch + 1} of {recipe.epochs}"
        with console.progress(label, quiet=True) as progress:
            numbers = _train_epoch(run, progress)
        team.together(partial(close, label, numbers))
        run.epoch += 1
    if log is not None:
        draw_curves(recipe.run_folder / "curves.svg", log.rows)


def _train_epoch(run: Run, progress: Progress) -> Numbers:
    """One pass over the data; returns the mean of every term, and the rate at the end."""
    recipe, n_steps = run.recipe, run.n_steps
    run.model.train()
    seed_torch(recipe.seed, run.epoch, run.team.index)
    rate = 0.0
    sums: Numbers = defaultdict(float)
    batches = run.data.shuffled(recipe.batch_size, recipe.seed, run.epoch, recipe.augment)
    for index, batch in enumerate(batches):
        step = run.epoch * n_steps + index
        rate = learning_rate(recipe.optimizer, step, n_steps * recipe.epochs, run.epoch)
        mixed = run.loss.mixed(batch, (recipe.seed, step))
        terms = move_weights(run, mixed, rate, step / (n_steps * recipe.epochs))
        for name, term in terms.items():
            sums[name] += term.item() / n_steps
        if not math.isfinite(sums["loss"]):
            fix = f"lower optimizer.peak_rate, now {recipe.optimizer.peak_rate:g}"
            raise ToolError(
                f"the loss is no longer a number at step {step}", where=recipe.name, fix=fix
            )
        progress(index + 1, n_steps)
    return dict(sums) | {"rate": rate}


def move_weights(run: Run, batch: Batch[Any], rate: float, done: float) -> Terms:
    """Take one step; `done` is the share of the run before it. Returns the terms before it."""
    recipe, optimizer = run.recipe, run.optimizer
    for group in optimizer.param_groups:
        group["lr"] = rate
    is_short = recipe.precision == "bfloat16"
    with torch.autocast(run.device.type, torch.bfloat16, enabled=is_short):
        terms: Terms = run.objective(run.network, run.on_device(batch), done)
    optimizer.zero_grad()
    terms["loss"].backward()  # type: ignore[no-untyped-call]
    run.team.sum_gradients(run.model)
    if recipe.optimizer.clip_norm:
        nn.utils.clip_grad_norm_(run.model.parameters(), recipe.optimizer.clip_norm)
    optimizer.step()
    if run.average is not None:
        run.average.see(run.model)
    return terms


def validation_loss(run: Run) -> float:
    """The plain, unaugmented loss against the truth on the validation split."""
    run.result.eval()
    sum_of_all = 0.0
    with torch.no_grad():
        for batch in map(run.on_device, run.validation.in_order(run.recipe.batch_size)):
            terms = run.loss.to_truth(run.result(batch.inputs), batch)
            sum_of_all += total(terms).item() * len(batch)
    return sum_of_all / len(run.validation)


def _score(run: Run) -> Numbers:
    """Score the network on the validation data, where the recipe decides by that."""
    if not run.recipe.scores_epochs:
        return {}
    name = next(iter(run.task.shown_scores.values()))
    score = run.task.score(run.scored, run.validation, no_progress)[name]
    if score is not None and run.counts:
        run.best.see(score, run.epoch, run.result)
    return {} if score is None else {name: score}


def _rounded(number: float) -> str:
    return f"{number:.1e}" if 0 < abs(number) < SMALL else f"{number:.4f}"
