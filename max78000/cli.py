"""The command `max78000`: from a compiled project to a running chip, real or virtual.

One verb is one file of `max78000.commands`. A verb parses, calls one library function and prints.
"""

import click

from max78000.command import run
from max78000.commands.info import info
from max78000.commands.shared import examples
from max78000.commands.simulate import simulate


@click.group(
    "max78000",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("max78000 info build/mnist", "max78000 simulate build/mnist"),
)
def cli() -> None:
    """Build, run, simulate and flash networks for the MAX78000."""


for verb in (info, simulate):
    cli.add_command(verb)


def main() -> None:
    """Run the command line."""
    run(cli)


if __name__ == "__main__":
    main()
