"""One recipe is trained, by this process or by several: what `train` and `distill` have alike."""

import io
import sys
from collections.abc import Callable

import click

from ai8x_models.training.logs import Console
from ai8x_models.training.loop import train
from ai8x_models.training.processes import OtherProcessError, join_team
from ai8x_models.training.recipe import Recipe


def run_recipe(read: Callable[[], Recipe], resume: bool, overwrite: bool) -> None:
    """Read a recipe, train by it and print where the result is.

    Of several processes the first one speaks; if one fails, only that one does.
    """
    try:
        with join_team() as team:
            console = Console(sys.stderr if team.is_first else io.StringIO())
            path = train(read(), console, resume, overwrite, team=team)
            if team.is_first:
                click.echo(str(path))
    except OtherProcessError as error:
        raise click.exceptions.Exit(error.exit_code) from error
