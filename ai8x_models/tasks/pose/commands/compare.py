"""`ai8x compare`: pose networks side by side."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ai8x_models.tasks.pose.commands.options import SHIPPED, data_options
from ai8x_models.training.first_look import look_at
from max78000.command import FILE, JSON, examples, find_named

if TYPE_CHECKING:
    from ai8x_models.tasks.pose.data.source import DataSource


@click.command(
    epilog=examples(
        "ai8x compare",
        "ai8x compare --preset scene checkpoints/pose_tiny-q.pth.tar mine=runs/mine/mine-q.pth.tar",
    )
)
@click.argument("networks", nargs=-1)
@data_options("validation", 300)
@click.option(
    "--out",
    type=FILE,
    default=Path("build/compare"),
    show_default=True,
    help="Folder to write the tables, the page and the pictures to.",
)
@JSON
def compare(
    networks: tuple[str, ...],
    source: "DataSource",
    out: Path,
    as_json: bool,
) -> None:
    """Compare pose networks: what each costs, and what it sees.

    NETWORKS are checkpoints, each as FILE or NAME=FILE; without any, the shipped ones. Cycles,
    time and energy are the compiler's.
    """
    from ai8x_models.tasks.pose.compare.named import parse_names

    named = parse_names([*networks] or [*map(str, SHIPPED)])
    if networks:
        look_at(checkpoints=[find_named(one.path) for one in named])
    from ai8x_models.tasks.pose.compare.compared import compare_networks
    from ai8x_models.tasks.pose.compare.report import Comparison
    from ai8x_models.tasks.pose.data.source import open_data
    from ai8x_models.tasks.pose.evaluate import evaluate_oracle
    from ai8x_models.tasks.pose.predictor import Predictor
    from ai8x_models.training.logs import Console
    from ai8x_models.training.search.figures import find_compiler

    loaded = [
        (one, Predictor.load(find_named(one.path) if networks else one.path)) for one in named
    ]
    compiler, console = find_compiler(), Console(sys.stderr)
    cache = open_data(source, console)
    rows = compare_networks(loaded, cache, compiler, console)
    comparison = Comparison(rows, evaluate_oracle(cache), f"{source.preset}, {source.split}")
    for path in comparison.write(out):
        console.line(f"written: {path}")
    click.echo(comparison.to_json() if as_json else comparison.to_markdown(), nl=False)
