"""`ai8x train`: a recipe in, a trained checkpoint out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ai8x_models.commands.options import (
    DETERMINISTIC,
    DEVICE,
    RESTART,
    RESUME,
    shape_of,
    some_epochs,
)
from ai8x_models.layers.policy import read_policy
from ai8x_models.training.recipe_nodes import read_nodes
from max78000.command import FILE, HELP_OPTIONS, INPUT_FILE, examples

VENDOR = "--dataset"  # train.py does nothing without it


class TrainCommand(click.Command):
    """`ai8x train`, and the vendor's trainer: its command lines are known by their --dataset."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Go on as the vendor's trainer if its option is there."""
        if not any(word == VENDOR or word.startswith(f"{VENDOR}=") for word in args):
            return super().make_context(info_name, args, parent, **extra)
        from ai8x_models.commands.train_vendor import train_vendor

        if any(word in HELP_OPTIONS for word in args):
            args = [HELP_OPTIONS[0]]  # and not the name of a data set
        return train_vendor.make_context(info_name, args, parent, **extra)


def _show_options(context: click.Context, _option: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        from ai8x_models.training.vendor.options import options_page

        click.echo(options_page())
        context.exit()


@click.command(
    cls=TrainCommand,
    epilog=examples(
        "ai8x train ai8x_models/recipes/tiny_float.yaml",
        "ai8x train --model net.py:Net --data pictures --input 3x64x64 \\",
        "    --task classification --epochs 30",
        "ai8x train --model DigitNet --data sklearn:digits --epochs 9 --weight-bits 8",
        "",
        "As the vendor's train.py:",
        "ai8x train --model ai85net5 --dataset MNIST --use-bias --confusion",
    ),
)
@click.argument("recipe", required=False, type=INPUT_FILE)
@click.option("--config", type=INPUT_FILE, help="The same as RECIPE.")
@click.option("--model", help="Without a recipe: name of `ai8x list`, or FILE.py:NAME.")
@click.option("--data", help="As `data.source`: FILE.py:NAME, a folder, FILE.csv, toy:NAME, ...")
@click.option(
    "--input",
    "shape",
    metavar="CxHxW",
    callback=shape_of,
    help="Shape that samples get.  [default: the network's, or theirs]",
)
@click.option("--task", help="What it is to learn.  [default: that of `ai8x list`]")
@click.option("--epochs", type=int, callback=some_epochs, help="How often all examples are seen.")
@click.option("--name", help="Of the run and its folder.  [default: the model's]")
@click.option("--batch-size", type=int, help="Examples in a batch.  [default: 32]")
@click.option("--lr", "peak_rate", type=float, help="Highest learning rate.  [default: 0.004]")
@click.option("--qat-policy", "policy", type=FILE, help="QAT as this file says.")
@click.option("--weight-bits", type=int, help="QAT of this width for the last third of the run.")
@click.option("--find-rate", is_flag=True, help="Train nothing: try rates, and suggest one.")
@click.option(
    "--find-widths",
    is_flag=True,
    help="Train nothing: find the layers for 4 bits, so that it fits the chip.",
)
@DEVICE
@DETERMINISTIC
@click.option(
    "--options",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_options,
    help="Print what becomes of each option of the vendor's train.py, known by --dataset.",
)
@RESUME
@RESTART
def train(
    *,
    recipe: Path | None,
    config: Path | None,
    find_rate: bool,
    find_widths: bool,
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
    if find_rate and find_widths:
        raise click.UsageError("--find-rate and --find-widths: one after the other")
    if path is not None and given:
        raise click.UsageError("options that say how to train are for runs without a recipe")
    if path is None:
        lacking = [f"--{name}" for name in ("model", "data", "epochs") if name not in given]
        if lacking:
            raise click.UsageError(f"give a recipe, or {', '.join(lacking)}")
    _look_at(path, given.get("policy"))
    from ai8x_models.commands.run_recipe import run_recipe, suggest_rate, suggest_widths
    from ai8x_models.training.recipe import Recipe
    from ai8x_models.training.recipe_file import read_recipe
    from ai8x_models.training.recipe_options import RecipeWords

    def plan() -> Recipe:
        found = read_recipe(path) if path is not None else RecipeWords(**given).recipe()
        where, exactly = device or found.device, deterministic or found.deterministic
        return replace(found, device=where, deterministic=exactly)

    if find_rate:
        suggest_rate(plan())
    elif find_widths:
        suggest_widths(plan())
    else:
        run_recipe(plan, resume, overwrite)


def _look_at(recipe: Path | None, policy: Path | None) -> None:
    """Refuse files that are none of their kind before PyTorch is loaded."""
    if recipe is not None:
        read_nodes(recipe)
    if policy is not None:
        read_policy(policy)
