"""`ai8x train`: a recipe in, a trained checkpoint out."""

import sys
from pathlib import Path

import click

from ai8x_models.commands.options import RECIPE, RESTART, RESUME
from max78000.command import examples


@click.command(epilog=examples("ai8x train --config ai8x_models/recipes/tiny_float.yaml"))
@RECIPE
@RESUME
@RESTART
def train(config: Path, resume: bool, overwrite: bool) -> None:
    """Train a network.

    The recipe says how; the results go to runs/NAME.
    """
    from ai8x_models.training.logs import Console
    from ai8x_models.training.loop import train as run
    from ai8x_models.training.recipe_file import read_recipe

    click.echo(str(run(read_recipe(config), Console(sys.stderr), resume, overwrite)))
