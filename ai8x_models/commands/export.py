"""`ai8x export`: a model as ONNX."""

from pathlib import Path

import click

from ai8x_models.commands.options import CHECKPOINT, INPUT, MODEL, model_file
from ai8x_models.training.first_look import look_at
from ai8x_models.zoo.registry import Shape
from max78000.command import FILE, OVERWRITE, examples
from max78000.files import refuse_existing, refuse_inputs


@click.command(
    epilog=examples(
        "ai8x export DigitNet --out digit_net.onnx",
        "ai8x export TinyStudentModel --checkpoint checkpoints/pose_tiny-q.pth.tar --out tiny.onnx",
    )
)
@MODEL
@INPUT
@CHECKPOINT
@click.option("--out", type=FILE, required=True, help="ONNX file to write.")
@OVERWRITE
def export(
    word: str,
    shape: Shape | None,
    checkpoint: Path | None,
    out: Path,
    overwrite: bool,
) -> None:
    """Write a model as ONNX, for viewers and other tools.

    MODEL is as for `ai8x describe`. The file computes with the real numbers that the network has,
    with batch norm folded; data are not rounded in it.
    """
    refuse_inputs(out, (model_file(word), checkpoint))
    refuse_existing(out, overwrite)
    look_at(checkpoints=[checkpoint], model=word)
    from ai8x_models.describe.onnx_writer import export_model, save_onnx
    from ai8x_models.describe.subject import find_subject

    subject = find_subject(word, shape, checkpoint)
    written = export_model(subject.model, subject.shape, subject.arch)
    save_onnx(written, out)
    click.echo(f"{out}: {len(written.graph.node)} nodes")
