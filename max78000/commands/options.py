"""Options that several verbs have alike."""

import click

from max78000.firmware.sources import BOARDS, DEFAULT_BOARD
from max78000.firmware.toolchain import CHOICES

COMPILER = click.option(
    "--compiler",
    type=click.Choice(CHOICES),
    default="auto",
    show_default=True,
    help="auto: arm-none-eabi-gcc if it is installed, else ziglang.",
)
BOARD = click.option(
    "--board",
    type=click.Choice(tuple(BOARDS)),
    default=DEFAULT_BOARD,
    show_default=True,
    help="What the chip is soldered to.",
)
