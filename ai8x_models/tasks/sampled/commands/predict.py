"""`ai8x predict`: what a network answers to pictures and arrays."""

import json
from pathlib import Path

import click

from ai8x_models.tasks.sampled.commands.options import MODEL
from ai8x_models.training.first_look import look_at
from max78000.command import FILE, INPUT_FILE, JSON, examples


@click.command(epilog=examples("ai8x predict three.png --checkpoint runs/digits/digits.pth.tar"))
@click.argument("files", metavar="PICTURES", nargs=-1, required=True, type=INPUT_FILE)
@click.option("--checkpoint", type=INPUT_FILE, required=True, help="Network, of any stage.")
@click.option("--draw", "folder", type=FILE, help="Folder for pictures with the answers on them.")
@MODEL
@JSON
def predict(
    files: tuple[Path, ...], checkpoint: Path, folder: Path | None, word: str, as_json: bool
) -> None:
    """Say what pictures show.

    Or arrays: an .npy file holds one sample with the numbers and the layout of the training data.
    """
    look_at(*files, checkpoints=[checkpoint])
    from ai8x_models.tasks.sampled.single import draw_answer, read_sample
    from ai8x_models.tasks.sampled.stored import load_trained

    network = load_trained(checkpoint, word)
    rows = []
    for path in files:
        (answer,) = network.answers(read_sample(path, network.form))
        shown = network.answer.show(answer)
        rows.append({"file": str(path), **shown.data})
        drawing = "" if folder is None else str(draw_answer(shown, path, folder))
        if drawing:
            rows[-1]["drawing"] = drawing
        if not as_json:
            click.echo(f"{path}: {shown.text}{drawing and f', {drawing}'}")
    if as_json:
        click.echo(json.dumps(rows, indent=2))
