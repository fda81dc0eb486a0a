"""`ai8x predict`: people of pictures, drawn and written."""

import json
import sys
from pathlib import Path

import click

from ai8x_models.tasks.pose.commands.options import TINY
from max78000.command import FILE, INPUT_FILE, JSON, examples
from max78000.errors import ToldError


@click.command(epilog=examples("ai8x predict holiday.jpg --output poses"))
@click.argument("pictures", nargs=-1, required=True, type=INPUT_FILE)
@click.option(
    "--checkpoint", type=INPUT_FILE, default=TINY, show_default=True, help="Pose network."
)
@click.option(
    "--output", "--out", type=FILE, default=Path("poses"), show_default=True, help="Folder to fill."
)
@JSON
def predict(pictures: tuple[Path, ...], checkpoint: Path, output: Path, as_json: bool) -> None:
    """Find people in pictures.

    Writes NAME-pose.png for each, and keypoints.json.
    """
    from ai8x_models.tasks.pose.predict import predict_pictures
    from ai8x_models.tasks.pose.predictor import Predictor
    from ai8x_models.training.logs import Console

    model = Predictor.load(checkpoint)
    with Console(sys.stderr).progress("pictures", quiet=True) as progress:
        found = predict_pictures(pictures, model.maps, output, model.decoder, progress)
    if as_json:
        click.echo(json.dumps([picture.to_json() for picture in found.pictures], indent=2))
    for picture in () if as_json else found.pictures:
        click.echo(f"{picture.source}: {len(picture.people)} people, {picture.drawing}")
    if found.problems:
        raise ToldError(found.problems)
