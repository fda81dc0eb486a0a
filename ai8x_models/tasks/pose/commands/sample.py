"""`ai8x sample`: a rendered figure as the bytes that the accelerator is given."""

from pathlib import Path

import click

from ai8x_models.tasks.pose.commands.options import PRESET
from max78000.command import FILE, OVERWRITE, examples
from max78000.files import refuse_existing


@click.command(epilog=examples("ai8x sample pose_tiny --index 3 --overwrite"))
@click.argument("name", default="pose_tiny")
@click.option("--model", default="TinyStudentModel", show_default=True, help="Who it is for.")
@PRESET
@click.option("--index", default=0, show_default=True, help="Which image of the test split.")
@click.option(
    "--output", "--out", type=FILE, help="File to write.  [default: networks/samples/NAME.npy]"
)
@OVERWRITE
def sample(
    name: str, model: str, preset: str, index: int, output: Path | None, overwrite: bool
) -> None:
    """Write a picture as device input.

    A rendered figure as the bytes the accelerator is given, for `synthesize --sample-input`.
    """
    from ai8x_models.tasks.pose.network_input import write_sample

    target = output or Path("networks/samples") / f"{name}.npy"
    refuse_existing(target, overwrite)
    shape = write_sample(target, model, preset, index)
    click.echo(f"{target}: int8 {'x'.join(map(str, shape))}")
