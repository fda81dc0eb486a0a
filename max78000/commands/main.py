"""The command `max78000`: from a compiled project to a running chip, real or virtual.

One verb is one file of this folder: it parses, calls the library and prints. What an application
has for a command line is mounted by its package.
"""

import click

from max78000.command import Verb, VerbGroup, examples, run

VERBS = (
    Verb("build", "max78000.commands.build:build", "Compile a C project to firmware."),
    Verb(
        "simulate",
        "max78000.commands.simulate:simulate",
        "Run a project and check its known answer.",
    ),
    Verb(
        "new",
        "max78000.apps.new.command:new",
        "Write an application around a network.",
    ),
    Verb(
        "run",
        "max78000.apps.run.command:run",
        "Give a board inputs, and say what its network makes of them.",
    ),
    Verb(
        "compare",
        "max78000.commands.compare:compare",
        "Compare answers for a project's sample, layer by layer.",
    ),
    Verb(
        "flash",
        "max78000.commands.flash:flash_command",
        "Write firmware to the board, compare it, and start it.",
    ),
    Verb("console", "max78000.commands.console:console", "Print the lines that the board sends."),
    Verb(
        "energy",
        "max78000.commands.energy:energy",
        "Report time, power and energy of one inference.",
    ),
    Verb(
        "doctor",
        "max78000.commands.doctor:doctor",
        "Check everything from compiler to chip, and say how to mend it.",
    ),
    Verb(
        "info", "max78000.commands.info:info", "Say what a program contains, or what the chip has."
    ),
)


@click.group(
    "max78000",
    cls=VerbGroup,
    verbs=VERBS,
    mounted="max78000.verbs",
    epilog=examples(
        "max78000 build build/pose_tiny",
        "max78000 simulate build/pose_tiny",
        "max78000 flash build/pose_tiny --console",
    ),
)
def cli() -> None:
    """Build, run, simulate and flash networks for the MAX78000."""


def main() -> None:
    """Run the command line."""
    run(cli)


if __name__ == "__main__":
    main()
