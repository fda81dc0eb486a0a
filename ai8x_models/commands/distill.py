"""`ai8x distill`: as `ai8x train`, for recipes that name a teacher."""

from pathlib import Path

import click

from ai8x_models.commands.options import RECIPE, RESTART, RESUME
from ai8x_models.training.recipe_nodes import read_nodes
from max78000.command import examples
from max78000.errors import InputError


@click.command(epilog=examples("ai8x distill --config ai8x_models/recipes/tiny_qat.yaml"))
@RECIPE
@RESUME
@RESTART
def distill(config: Path, resume: bool, overwrite: bool) -> None:
    """Train a network with a teacher.

    The recipe says how; the results go to runs/NAME.
    """
    read_nodes(config)
    from ai8x_models.commands.run_recipe import run_recipe
    from ai8x_models.training.recipe import Recipe
    from ai8x_models.training.recipe_file import read_recipe

    def plan() -> Recipe:
        recipe = read_recipe(config)
        if recipe.distill is None:
            fix = "add `distill:` with a teacher, or use `ai8x train`"
            raise InputError("the recipe names no teacher", where=str(config), fix=fix)
        return recipe

    run_recipe(plan, resume, overwrite)
