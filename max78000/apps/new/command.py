"""`max78000 new`: write an application around a network."""

from pathlib import Path

import click

from max78000.apps.new.folder import APPS, write_application
from max78000.command import FILE, OVERWRITE, examples
from max78000.firmware.sources import BOARDS, DEFAULT_BOARD


@click.command(
    epilog=examples(
        "max78000 new board/pose --app serial --from build/pose_tiny",
        "max78000 build board/pose",
    )
)
@click.argument("directory", type=FILE)
@click.option("--app", type=click.Choice(APPS), required=True, help="What it does.")
@click.option("--from", "project", type=FILE, required=True, help="What `synthesize` wrote.")
@click.option(
    "--board",
    type=click.Choice(tuple(BOARDS)),
    default=DEFAULT_BOARD,
    show_default=True,
    help="That its Makefile builds for.",
)
@OVERWRITE
def new(directory: Path, app: str, project: Path, board: str, overwrite: bool) -> None:
    """Write an application around a network.

    DIRECTORY gets a program of a few lines to edit, and the network's files. `serial` takes inputs
    from `max78000 run` and sends back what the network makes of them; `camera` and `microphone`
    take pictures and sounds of the board's own, and print the answers.
    """
    net = write_application(directory, app, project, board, overwrite=overwrite)
    click.echo(f"wrote {directory}: {app} around {net.name}")
