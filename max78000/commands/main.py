"""The command `max78000`: from a compiled project to a running chip, real or virtual.

One verb is one file of `max78000.commands`. A verb parses, calls one library function and prints.
"""

import click

from max78000.apps.pose.run import run
from max78000.command import examples
from max78000.command import run as run_command
from max78000.commands.build import build
from max78000.commands.compare import compare
from max78000.commands.console import console
from max78000.commands.doctor import doctor
from max78000.commands.energy import energy
from max78000.commands.flash import flash_command
from max78000.commands.info import info
from max78000.commands.simulate import simulate


@click.group(
    "max78000",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "max78000 build build/pose_tiny",
        "max78000 simulate build/pose_tiny",
        "max78000 flash build/pose_tiny --console",
    ),
)
def cli() -> None:
    """Build, run, simulate and flash networks for the MAX78000."""


for verb in (build, simulate, run, compare, flash_command, console, energy, doctor, info):
    cli.add_command(verb)


def main() -> None:
    """Run the command line."""
    run_command(cli)


if __name__ == "__main__":
    main()
