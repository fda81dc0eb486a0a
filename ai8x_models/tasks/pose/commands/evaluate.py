"""`ai8x evaluate`: a table of scores."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ai8x_models.tasks.pose.commands.options import SHIPPED, data_options
from ai8x_models.training.first_look import look_at
from max78000.command import INPUT_FILE, JSON, examples
from max78000.command.table import print_table
from max78000.errors import InputError, ToolError, raise_all
from max78000.facts.shipped import is_shipped

if TYPE_CHECKING:
    from ai8x_models.tasks.pose.data.source import DataSource


@click.command(
    epilog=examples(
        "ai8x evaluate",
        "ai8x evaluate runs/tiny_qat/tiny_qat.pth.tar checkpoints/pose_tiny-q.pth.tar --json",
        "ai8x evaluate runs/tiny_qat/tiny_qat.pth.tar --preset scene --keep-score",
    )
)
@click.argument("checkpoints", nargs=-1, type=INPUT_FILE)
@data_options("validation", 300)
@click.option(
    "--keep-score",
    is_flag=True,
    help="Write into each checkpoint the score from which its people are best shown.",
)
@JSON
def evaluate(
    checkpoints: tuple[Path, ...], source: "DataSource", keep_score: bool, as_json: bool
) -> None:
    """Score pose networks.

    Float, quantization-aware or integer, beside what perfect maps would reach. Without CHECKPOINTS,
    the shipped ones. `shown from` is the score from which people are shown, as the checkpoint says,
    or the one with the highest F1 on these pictures.
    """
    if keep_score and (not checkpoints or source.split != "validation"):
        why = "needs CHECKPOINTS" if not checkpoints else "is for validation pictures"
        raise click.UsageError(f"--keep-score {why}")
    if keep_score:
        raise_all(map(_not_ours, filter(_is_found_elsewhere, checkpoints)))
    from ai8x_models.tasks.pose.data.source import needs_drawing, open_data
    from ai8x_models.training.logs import Console

    look_at(checkpoints=checkpoints or SHIPPED)
    console = Console(sys.stderr)
    cache = None if needs_drawing(source) else open_data(source, console)
    from ai8x_models.tasks.pose.evaluate import HEADING, table_rows
    from ai8x_models.tasks.pose.predictor import CEILING, Predictor, name_of, score_networks
    from ai8x_models.tasks.pose.shown import keep_shown_score
    from ai8x_models.training.score_row import Asked, score_row

    networks = [(path, Predictor.load(path)) for path in checkpoints or SHIPPED]
    if keep_score:
        networks = [(path, replace(network, shown_score=None)) for path, network in networks]
    if cache is None:
        cache = open_data(source, console)
    scores = score_networks(networks, cache, console)
    if keep_score:
        for path, network in networks:
            keep_shown_score(path, scores[name_of(path, network)].shown_score)
    if as_json:
        rows = {name: row.to_json() for name, row in scores.items()}
        for path, network in networks:
            asked = Asked(path, network.mode, "pose", source.split, cache.count)
            name = name_of(path, network)
            rows[name] = score_row(asked, scores[name].to_json())
        click.echo(json.dumps(rows, indent=2))
        return
    ceiling = scores.pop(CEILING)
    print_table(HEADING, table_rows(scores, ceiling))


def _is_found_elsewhere(path: Path) -> bool:
    """Whether a file is a shipped one that was taken because the current folder has none."""
    return path.is_absolute() and is_shipped(path)


def _not_ours(path: Path) -> ToolError:
    return InputError("is shipped, and stays as it is", where=str(path), fix="copy it here first")
