"""`ai8x sample`: an example as the bytes that the accelerator is given."""

from pathlib import Path

import click

from ai8x_models.tasks.sampled.commands.options import DATA, SPLIT
from ai8x_models.training.first_look import look_at
from max78000.command import FILE, INPUT_FILE, OVERWRITE, examples
from max78000.files import refuse_existing


@click.command(epilog=examples("ai8x sample build/digits-q.pth.tar --out build/digits.npy"))
@click.argument("checkpoint", type=INPUT_FILE)
@click.option("--output", "--out", type=FILE, required=True, help="File to write, .npy.")
@click.option("--index", default=0, show_default=True, help="Which example of the split.")
@SPLIT
@DATA
@OVERWRITE
def sample(
    checkpoint: Path, output: Path, index: int, split: str, source: str, overwrite: bool
) -> None:
    """Write an example as device input.

    An example of the data that CHECKPOINT was trained on, for `synthesize --sample-input`.
    """
    refuse_existing(output, overwrite)
    look_at(checkpoints=[checkpoint])
    from ai8x_models.tasks.sampled.single import write_example

    shape, name = write_example(output, checkpoint, split, index, source)
    click.echo(f"{output}: int8 {'x'.join(map(str, shape))}, {name}")
