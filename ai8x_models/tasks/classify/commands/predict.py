"""`ai8x predict` for classification: what pictures show."""

import json
from pathlib import Path

import click

from ai8x_models.tasks.classify.commands.options import MODEL
from max78000.command import FILE, JSON, examples

N_SHOWN = 3


@click.command(epilog=examples("ai8x predict three.png --checkpoint runs/digits/digits.pth.tar"))
@click.argument("files", metavar="PICTURES", nargs=-1, required=True, type=FILE)
@click.option("--checkpoint", type=FILE, required=True, help="Network, of any stage.")
@MODEL
@JSON
def predict(files: tuple[Path, ...], checkpoint: Path, word: str, as_json: bool) -> None:
    """Say what pictures show.

    Or arrays: an .npy file holds one sample with the numbers and the layout of the training data.
    """
    from ai8x_models.tasks.classify.classifier import Classifier
    from ai8x_models.tasks.classify.predict import read_sample

    classifier = Classifier.load(checkpoint, word)
    rows = []
    for path in files:
        (shares,) = classifier.probabilities(read_sample(path, classifier.form)).tolist()
        ranked = sorted(zip(shares, classifier.classes, strict=True), reverse=True)
        rows.append(
            {"file": str(path), "class": ranked[0][1], "probabilities": {n: s for s, n in ranked}}
        )
        if not as_json:
            shown = ", ".join(f"{name} {share:.1%}" for share, name in ranked[:N_SHOWN])
            click.echo(f"{path}: {shown}")
    if as_json:
        click.echo(json.dumps(rows, indent=2))
