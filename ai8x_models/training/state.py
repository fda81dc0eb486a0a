"""A run on disk: what it keeps of itself after every epoch, and continues from.

The state is one file, which appears whole or not at all, and is the last that an epoch writes. So
whenever a run is killed, `resume` begins at the end of an epoch, and does again what came after it.
"""

import shutil
from pathlib import Path
from typing import Any

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.describe.stored import arch_of_word
from ai8x_models.layers.qat import enter_qat
from ai8x_models.training.recipe import Recipe
from ai8x_models.training.recipe_text import recipe_text
from ai8x_models.training.run import BEST_NAME, Run
from max78000.errors import InputError
from max78000.files import make_folder, write_whole

STATE_NAME, RECIPE_NAME = "state.pth.tar", "recipe.yaml"
# What a run that was killed in its first epoch can have left.
_FIRST_NAMES = (RECIPE_NAME, "log.csv", "tensorboard", BEST_NAME)


def check_folder(recipe: Recipe, resume: bool, overwrite: bool) -> None:
    """Refuse to touch an earlier run, to resume what is not there, or to destroy a beginning.

    Raises:
        InputError: the run exists, or does not, or holds what the recipe begins with.
    """
    folder = recipe.run_folder
    if resume and not (has_state(recipe) or _has_begun(folder)):
        raise InputError(
            "holds no interrupted run", where=str(folder), fix="start it without --resume"
        )
    if folder.exists() and not (resume or overwrite):
        fix = "--resume continues it, --overwrite starts again, or change the recipe's name"
        raise InputError("holds an earlier run already", where=str(folder), fix=fix)
    if not resume:
        _keep_start(recipe)


def _keep_start(recipe: Recipe) -> None:
    """Refuse to throw away, with an earlier run, what this one begins with."""
    teacher = recipe.distill.teacher if recipe.distill else None
    for name, path in (("start_from", recipe.start_from), ("teacher", teacher)):
        if path is not None and path.resolve().is_relative_to(recipe.run_folder.resolve()):
            why = f"is `{name}` of the recipe, and lies in the run that --overwrite throws away"
            raise InputError(why, where=str(path), fix="move it, or change the recipe's name")


def has_state(recipe: Recipe) -> bool:
    """True if an epoch of the run is done."""
    return (recipe.run_folder / STATE_NAME).exists()


def _has_begun(folder: Path) -> bool:
    """True if this is a run without a whole epoch, and nothing else."""
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else None
    return names is not None and all(
        name in _FIRST_NAMES or name.endswith(".tmp") for name in names
    )


def new_folder(recipe: Recipe) -> None:
    """Make the folder of a run, with the whole recipe and nothing else in it."""
    shutil.rmtree(recipe.run_folder, ignore_errors=True)
    make_folder(recipe.run_folder)
    write_whole(recipe.run_folder / RECIPE_NAME, recipe_text(recipe).encode())


def save_state(run: Run) -> None:
    """Put everything that the next epoch depends on on disk, at the end of this one."""
    extras: dict[str, Any] = {
        "recipe": repr(run.recipe),
        "objective": dict(run.objective.state_dict()),
    }
    if run.average is not None:
        extras["average"] = run.average.state()
    if run.best.epoch is not None:
        extras |= {"best": [run.best.epoch, run.best.score]}
    state, optimizer = dict(run.model.state_dict()), run.optimizer.state_dict()
    checkpoint = Checkpoint(arch_of_word(run.recipe.model), run.epoch + 1, state, extras, optimizer)
    save_checkpoint(run.recipe.run_folder / STATE_NAME, checkpoint)


def load_state(run: Run) -> None:
    """Continue where `save_state` stood.

    Raises:
        InputError: it was the state of another run.
    """
    path = run.recipe.run_folder / STATE_NAME
    for cut in path.parent.glob("*.tmp"):  # what was being written when it was killed
        cut.unlink(missing_ok=True)
    checkpoint = load_checkpoint(path)
    if checkpoint.extras.get("recipe") != repr(run.recipe):
        fix = "put the recipe back, or start again with --overwrite"
        raise InputError("was written by a run with another recipe", where=str(path), fix=fix)
    run.epoch = checkpoint.epoch
    if run.qat is not None and run.epoch > run.qat.start_epoch:
        enter_qat(run.model, run.qat)  # ranges come with the state
        run.renew()
    run.model.load_state_dict(checkpoint.state_dict)
    run.objective.load_state_dict(checkpoint.extras["objective"])
    run.optimizer.load_state_dict(dict(checkpoint.optimizer))
    if run.average is not None:
        run.average.load(checkpoint.extras["average"])
    if "best" in checkpoint.extras:
        run.best.epoch, run.best.score = checkpoint.extras["best"]
