"""`max78000 new`: write an application around a network."""

from pathlib import Path

import click

from max78000.apps.new.folder import APPS, Choices, write_application
from max78000.command import FILE, OVERWRITE, examples
from max78000.firmware.sources import BOARDS, DEFAULT_BOARD

LEAST_WATCHDOG_S, MOST_WATCHDOG_S = 2, 40  # a host may be silent for a second; a count of 31 bits


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
    help="That its makefiles build for.",
)
@click.option(
    "--watchdog",
    "watchdog_s",
    type=click.IntRange(LEAST_WATCHDOG_S, MOST_WATCHDOG_S),
    help="Let a board that hangs start again after so many seconds.",
)
@click.option("--vscode", is_flag=True, help="Add tasks, debugging and include paths for VS Code.")
@OVERWRITE
def new(  # noqa: PLR0913 - the options of a command
    directory: Path,
    *,
    app: str,
    project: Path,
    board: str,
    watchdog_s: int | None,
    vscode: bool,
    overwrite: bool,
) -> None:
    """Write an application around a network.

    DIRECTORY gets a program of a few lines to edit, and the network's files. `serial` takes inputs
    from `max78000 run` and sends back what the network makes of them; `camera` and `microphone`
    take pictures and sounds of the board's own, and print the answers.
    """
    choices = Choices(board, watchdog_s or 0, has_vscode=vscode)
    net = write_application(directory, app, project, choices, overwrite=overwrite)
    click.echo(f"wrote {directory}: {app} around {net.name}")
