"""`ai8x train`: a recipe in, a trained checkpoint out."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ai8x_models.commands.options import DETERMINISTIC, DEVICE, RESTART, RESUME
from max78000.command import FILE, examples


@click.command(
    epilog=examples(
        "ai8x train ai8x_models/recipes/tiny_float.yaml",
        "ai8x train --model net.py:Net --data pictures --task classification --epochs 30",
        "ai8x train --model DigitNet --data sklearn:digits --epochs 9 --weight-bits 8",
    )
)
@click.argument("recipe", required=False, type=FILE)
@click.option("--config", type=FILE, help="The same as RECIPE.")
@click.option("--model", help="Without a recipe: name of `ai8x list`, or FILE.py:NAME.")
@click.option("--data", help="FILE.py:NAME, folder, FILE.npz, toy:NAME, sklearn:digits.")
@click.option("--task", help="What it is to learn.  [default: that of `ai8x list`]")
@click.option("--epochs", type=click.IntRange(1), help="How often all examples are seen.")
@click.option("--name", help="Of the run and its folder.  [default: the model's]")
@click.option("--batch-size", type=int, help="Examples in a batch.  [default: 32]")
@click.option("--lr", "peak_rate", type=float, help="Highest learning rate.  [default: 0.004]")
@click.option("--qat-policy", "policy", type=FILE, help="QAT as this file says.")
@click.option("--weight-bits", type=int, help="QAT of this width for the last third of the run.")
@DEVICE
@DETERMINISTIC
@RESUME
@RESTART
def train(
    *,
    recipe: Path | None,
    config: Path | None,
    device: str | None,
    deterministic: bool,
    resume: bool,
    overwrite: bool,
    **words: Any,
) -> None:
    """Train a network.

    RECIPE says how, or options do; the results go to runs/NAME, with the whole recipe.
    """
    path = recipe or config
    given = {name: word for name, word in words.items() if word is not None}
    if recipe is not None and config is not None:
        raise click.UsageError("RECIPE and --config are the same: give one of them")
    if path is not None and given:
        raise click.UsageError("options that say how to train are for runs without a recipe")
    if path is None:
        lacking = [f"--{name}" for name in ("model", "data", "epochs") if name not in given]
        if lacking:
            raise click.UsageError(f"give a recipe, or {', '.join(lacking)}")
    from ai8x_models.training.logs import Console
    from ai8x_models.training.loop import train as run
    from ai8x_models.training.recipe_file import read_recipe
    from ai8x_models.training.recipe_options import RecipeWords

    plan = read_recipe(path) if path is not None else RecipeWords(**given).recipe()
    plan = replace(
        plan,
        device=device or plan.device,
        deterministic=deterministic or plan.deterministic,
    )
    click.echo(str(run(plan, Console(sys.stderr), resume, overwrite)))
