"""`ai8x dump`: what every layer of an integer network makes of one input, as a file.

Comparing is for `max78000 compare`, which knows the other answers.
"""

from pathlib import Path

import click

from ai8x_models.training.first_look import look_at
from max78000.command import FILE, INPUT_FILE, OVERWRITE, examples
from max78000.files import refuse_existing, refuse_inputs


@click.command(
    epilog=examples(
        "ai8x dump checkpoints/pose_tiny-q.pth.tar networks/samples/pose_tiny.npy torch.npz",
        "max78000 compare build/pose_tiny --dump torch.npz",
    )
)
@click.argument("checkpoint", type=INPUT_FILE)
@click.argument("sample", type=INPUT_FILE)
@click.argument("out", type=FILE)
@OVERWRITE
def dump(checkpoint: Path, sample: Path, out: Path, overwrite: bool) -> None:
    """Write what every layer computes from SAMPLE.

    CHECKPOINT is an integer one, of a network of `ai8x list` or of one that `ai8x train` trained;
    SAMPLE the .npy file that `synthesize` was given; OUT the .npz file to write.
    """
    refuse_inputs(out, (checkpoint, sample))
    refuse_existing(out, overwrite)
    look_at(sample, checkpoints=[checkpoint])
    from ai8x_models.describe.stored import load_integers
    from ai8x_models.quantize.layer_answers import layer_answers, read_input
    from max78000.program.layer_dump import save_dump

    layers = layer_answers(load_integers(checkpoint), read_input(sample))
    save_dump(out, layers)
    click.echo(f"{out}: {len(layers)} layers")
