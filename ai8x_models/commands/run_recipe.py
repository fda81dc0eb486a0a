"""A recipe is trained, by this process or by several, or its learning rate or widths are sought."""

import io
import sys
from collections.abc import Callable
from dataclasses import replace

import click

from ai8x_models.training.logs import Console
from ai8x_models.training.loop import train
from ai8x_models.training.processes import OtherProcessError, Team, join_team
from ai8x_models.training.range_test import draw_rates, find_rate, table
from ai8x_models.training.recipe import Recipe
from ai8x_models.training.search.figures import find_compiler
from ai8x_models.training.width_test import find_widths
from max78000.command.ending import leave


def run_recipe(read: Callable[[], Recipe], resume: bool, overwrite: bool) -> None:
    """Read a recipe, train by it and print where the result is.

    Of several processes the first one speaks; if one fails, only that one does.
    """

    def run(team: Team) -> None:
        console = Console(sys.stderr if team.is_first else io.StringIO())
        path = train(read(), console, resume, overwrite, team=team)
        if team.is_first:
            click.echo(str(path))

    in_team(run)


def in_team(act: Callable[[Team], None]) -> None:
    """Act in this process, as one of those that `torchrun` started, if it did."""
    try:
        with join_team() as team:
            act(team)
    except OtherProcessError as error:
        raise click.exceptions.Exit(error.exit_code) from error
    if team.size > 1:
        leave()  # a thread of torch's that outlives the interpreter aborts it at times


def suggest_rate(recipe: Recipe) -> None:
    """Print loss by learning rate and a rate to train with; draw it beside the run's folder."""
    found = find_rate(replace(recipe, average=None), Console(sys.stderr))
    picture = recipe.run_folder.with_name(f"{recipe.run_folder.name}-rates.svg")
    draw_rates(picture, found)
    click.echo("\n".join(["     rate  loss", *table(found)]))
    click.echo(f"optimizer.peak_rate: {found.suggestion:.1e}   ({picture})")


def suggest_widths(recipe: Recipe) -> None:
    """Print what narrow weights of each layer cost, and which it takes for the chip."""
    click.echo(find_widths(recipe, find_compiler(), Console(sys.stderr)).to_text())
