"""Do what a command line of the vendor's trainer asks for, and leave what its users expect."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from ai8x_models.describe.stored import load_network
from ai8x_models.training.logs import Console
from ai8x_models.training.loop import Numbers, Watch, train
from ai8x_models.training.processes import ALONE, Team
from ai8x_models.training.recipe import Recipe
from ai8x_models.training.run import Run
from ai8x_models.training.task import Examples
from ai8x_models.training.vendor.evaluate import confusion_text, open_test, scores_of
from ai8x_models.training.vendor.files import Checkpoints, link_latest
from ai8x_models.training.vendor.tensorboard import write_curves, write_embedding, write_histograms


@dataclass(frozen=True, slots=True)
class Display:
    """What is shown beside the scores."""

    has_confusion: bool = False
    has_histograms: bool = False
    has_curves: bool = False
    has_embedding: bool = False


@dataclass(frozen=True, slots=True)
class Tested:
    """A trained network and the samples that it was tested on."""

    model: nn.Module
    examples: Examples
    path: Path


def train_and_test(
    recipe: Recipe,
    prefix: str,
    display: Display,
    console: Console,
    resume: bool = False,
    team: Team = ALONE,
) -> Tested | None:
    """Train, with the vendor's files beside our own, and test the best epoch.

    Args:
        recipe: with a folder of its own.
        prefix: of the checkpoints' names.
        display: what is shown beside the scores.
        console: for people.
        resume: go on with what is in the folder.
        team: the processes that share the run; the first one tests.

    Returns:
        What was tested; None in the other processes.

    Raises:
        InputError: as `train`, or something cannot be shown of such answers.
    """
    folder = recipe.run_folder
    watches: list[Watch] = [Checkpoints(folder, prefix)]
    if display.has_histograms:
        watches.append(write_histograms)
    path = train(recipe, console, resume, watch=_together(watches), team=team)
    if not team.is_first:
        return None
    examples, model = open_test(recipe, console), load_network(path)
    show_test(recipe, model, examples, display, console)
    if display.has_curves:
        write_curves(folder, model, examples, recipe.epochs)
    if display.has_embedding:
        write_embedding(folder, model, examples, recipe.epochs)
    return Tested(model, examples, path)


def show_test(
    recipe: Recipe, model: nn.Module, examples: Examples, display: Display, console: Console
) -> None:
    """Test a network, and say how good it is."""
    scores = scores_of(recipe, model, examples, console)
    if display.has_confusion:
        console.line(f"confusion of the test examples:\n{confusion_text(scores)}")


def copy_folder(folder: Path, target: Path) -> None:
    """Copy a run's folder."""
    shutil.copytree(folder, target, dirs_exist_ok=True)


def _together(watches: Sequence[Watch]) -> Watch:
    def watch(run: Run, numbers: Numbers) -> None:
        link_latest(run.recipe.run_folder)
        for one in watches:
            one(run, numbers)

    return watch
