"""`ai8x predict`: people of pictures, drawn and written."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from ai8x_models.tasks.pose.commands.options import MIN_SCORE, TINY
from ai8x_models.training.first_look import look_at
from max78000.command import FILE, INPUT_FILE, JSON, examples
from max78000.errors import ToldError, ToolError, raise_all


@click.command(epilog=examples("ai8x predict holiday.jpg --output poses"))
@click.argument("pictures", nargs=-1, required=True, type=INPUT_FILE)
@click.option(
    "--checkpoint", type=INPUT_FILE, default=TINY, show_default=True, help="Pose network."
)
@click.option(
    "--output", "--out", type=FILE, default=Path("poses"), show_default=True, help="Folder to fill."
)
@MIN_SCORE
@JSON
def predict(
    pictures: tuple[Path, ...],
    checkpoint: Path,
    output: Path,
    min_score: float | None,
    as_json: bool,
) -> None:
    """Find people in pictures.

    Writes NAME-pose.png for each, and keypoints.json.
    """
    look_at(checkpoints=[checkpoint])
    _refuse_if_none_is_readable(pictures)
    from ai8x_models.tasks.pose.predict import predict_pictures
    from ai8x_models.tasks.pose.predictor import Predictor
    from ai8x_models.training.logs import Console

    model = Predictor.load(checkpoint)
    with Console(sys.stderr).progress("pictures", quiet=True) as progress:
        decoder = model.shown_decoder(min_score)
        found = predict_pictures(pictures, model.maps, output, decoder, progress)
    if as_json:
        click.echo(json.dumps([picture.to_json() for picture in found.pictures], indent=2))
    for picture in () if as_json else found.pictures:
        click.echo(f"{picture.source}: {len(picture.people)} people, {picture.drawing}")
    if found.problems:
        raise ToldError(found.problems)


def _refuse_if_none_is_readable(pictures: Sequence[Path]) -> None:
    """Before PyTorch is loaded: one that can be read is reason enough to go on."""
    from max78000.apps.pose.picture import read_picture

    problems: list[ToolError] = []
    for path in pictures:
        try:
            read_picture(path)
        except ToolError as problem:
            problems.append(problem)
        else:
            return
    raise_all(problems)
