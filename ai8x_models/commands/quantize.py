"""`ai8x quantize`: a training checkpoint in, an integer checkpoint out."""

import json
from pathlib import Path

import click

from max78000.command import FILE, JSON, OVERWRITE, examples
from max78000.files import refuse_existing


@click.command(
    epilog=examples("ai8x quantize runs/tiny_qat/tiny_qat.pth.tar checkpoints/pose_tiny-q.pth.tar")
)
@click.argument("source", metavar="IN", type=FILE)
@click.argument("target", metavar="OUT", type=FILE)
@OVERWRITE
@JSON
def quantize(source: Path, target: Path, overwrite: bool, as_json: bool) -> None:
    """Turn a training checkpoint into integers.

    Reads IN, writes OUT, shows what was done to each layer.
    """
    from ai8x_models.quantize.quantize import quantize_checkpoint

    refuse_existing(target, overwrite)
    target.parent.mkdir(parents=True, exist_ok=True)
    report = quantize_checkpoint(source, target)
    click.echo(json.dumps(report.to_json(), indent=2) if as_json else report.to_text())
