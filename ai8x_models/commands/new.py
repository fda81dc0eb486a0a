"""`ai8x new`: a folder to begin with."""

from pathlib import Path

import click

from ai8x_models.commands.options import shape_of
from ai8x_models.zoo.registry import Shape
from max78000.command import FILE, examples


@click.command(
    epilog=examples(
        "ai8x new digits --task classification",
        "ai8x new pets --task classification --data pictures --input 3x64x64",
        "ai8x new shapes --task detection",
    )
)
@click.argument("folder", metavar="NAME", type=FILE)
@click.option("--task", default="classification", show_default=True, help="What it is to learn.")
@click.option(
    "--data", "source", default="", help="As `data.source`; else digits, or drawn pictures."
)
@click.option(
    "--input", "shape", metavar="CxHxW", callback=shape_of, help="Shape that pictures get."
)
def new(folder: Path, task: str, source: str, shape: Shape | None) -> None:
    """Make a project: model, recipe, README and Makefile.

    `make` in it goes from data to PASS on the virtual board.
    """
    from ai8x_models.training.data.plan import DataPlan
    from ai8x_models.training.new_project import new_project, tasks_with_templates
    from ai8x_models.training.task import canonical_name

    task, known = canonical_name(task), tasks_with_templates()
    if task not in known:
        raise click.BadParameter(f"there are templates for {', '.join(known)}", param_hint="--task")
    for path in new_project(folder, task, DataPlan(source, shape=shape or ())):
        click.echo(str(path))
