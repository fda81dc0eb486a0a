"""What a run leaves: the checkpoint without what only training needs, and its scores."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ai8x_models.checkpoint import Checkpoint, save_checkpoint
from ai8x_models.describe.stored import arch_of_word, is_of_file
from ai8x_models.training.logs import Console
from ai8x_models.training.run import Run
from max78000.files import write_whole


def write_result(run: Run, console: Console) -> Path:
    """Measure the trained network, of the best epoch if that is kept, and write it."""
    recipe, folder = run.recipe, run.recipe.run_folder
    path, epoch = folder / f"{recipe.name}.pth.tar", run.epoch
    if recipe.keep == "best" and run.best.epoch is not None:
        save_checkpoint(folder / f"{recipe.name}-last.pth.tar", trained(run, run.epoch, {}))
        epoch = run.best.epoch + 1
        console.line(f"best epoch: {epoch}")
        run.result.load_state_dict(run.best.state())
    with console.progress("evaluating", quiet=True) as progress:
        scores = run.task.score(run.scored, run.validation, progress)
    shown = (f"{label} {_rounded(scores[name])}" for label, name in run.task.shown_scores.items())
    console.line(f"{len(run.validation)} validation examples: {'  '.join(shown)}")
    write_whole(folder / "metrics.json", json.dumps(scores, indent=2).encode() + b"\n")
    save_checkpoint(path, trained(run, epoch, scores))
    return path


def trained(run: Run, epoch: int, scores: Mapping[str, Any]) -> Checkpoint:
    """The network as it stands, with all that its users need beside the weights.

    Args:
        epoch: how many were trained.
        scores: what is to be told of it.
    """
    recipe = run.recipe
    extras = {"recipe": recipe.name, "data": recipe.data.name, "metrics": scores}
    if is_of_file(recipe.model):
        first = next(run.validation.in_order(1)).inputs
        extras |= {"model": recipe.model, "shape": tuple(first.shape[1:])}
    extras |= run.task.extras(recipe, run.result, run.validation)
    kept = {name: scores.get(name) for name in run.task.kept_scores}
    extras |= {name: score for name, score in kept.items() if score is not None}
    state = dict(run.result.state_dict())
    return Checkpoint(arch_of_word(recipe.model), epoch, state, extras)


def _rounded(score: float | None) -> str:
    return "-" if score is None else f"{score:.3f}"
