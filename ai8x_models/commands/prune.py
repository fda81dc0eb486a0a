"""`ai8x prune`: a trained network in, a narrower one out."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ai8x_models.training.first_look import look_at
from ai8x_models.training.recipe_nodes import read_nodes
from max78000.command import FILE, INPUT_FILE, JSON, OVERWRITE, examples
from max78000.command.table import print_table
from max78000.files import refuse_existing

if TYPE_CHECKING:
    from ai8x_models.training.prune.prune import Pruned


@click.command(
    epilog=examples(
        "ai8x prune checkpoints/pose_student.pth.tar --like TinyStudentModel --out pruned",
        "ai8x prune net.pth.tar --weights 100000 --config recipe.yaml --out pruned",
        "ai8x train pruned/recipe.yaml",
    )
)
@click.argument("checkpoint", type=INPUT_FILE)
@click.option("--weights", type=click.IntRange(1), help="That may be left, without biases.")
@click.option("--like", metavar="MODEL", help="As many weights as this network has.")
@click.option("--config", type=INPUT_FILE, help="Recipe by which it is to be trained on.")
@click.option("--out", type=FILE, required=True, help="Folder to write to.")
@OVERWRITE
@JSON
def prune(
    *,
    checkpoint: Path,
    weights: int | None,
    like: str | None,
    config: Path | None,
    out: Path,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Take the least important channels out of a trained network.

    CHECKPOINT is one of float training. Writes a model file, a checkpoint from which `ai8x train`
    goes on, and with --config the recipe that does. Answers keep all their channels.
    """
    if (weights is None) == (like is None):
        raise click.UsageError("give --weights or --like")
    refuse_existing(out, overwrite)
    look_at(checkpoints=[checkpoint])
    if config is not None:
        read_nodes(config)
    from ai8x_models.training.prune import prune as pruning
    from ai8x_models.training.recipe_file import read_recipe

    recipe = None if config is None else read_recipe(config)
    subject = pruning.Subject.load(checkpoint)
    if weights is None:
        weights = pruning.count_weights(str(like), subject.shape)
    found = pruning.prune(subject, weights, out, recipe)
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2))
    else:
        _show(found)


def _show(found: "Pruned") -> None:
    rows = [(one.layer, str(one.before), str(one.after)) for one in found.widths]
    total = ("weights", f"{found.n_before:,}", f"{found.n_after:,}")
    print_table(("layer", ">channels", ">now"), [*rows, total])
    train = f"ai8x train {found.recipe}" if found.recipe else "ai8x train, with `start_from`"
    click.echo(f"{found.model}, {found.checkpoint}: {train}", err=True)
