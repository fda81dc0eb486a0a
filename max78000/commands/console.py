"""`max78000 console`: what the board says on its UART."""

import click

from max78000.command import RealRange, examples
from max78000.errors import BoardError
from max78000.link.console import read_lines
from max78000.link.serial_ports import CONSOLE_BAUD, find_console, list_ports, open_port


@click.command(
    epilog=examples(
        "max78000 console",
        "max78000 console --seconds 20 --until PASS",
        "max78000 console --port /dev/ttyUSB0 | tee run.log",
    )
)
@click.option("--port", help="Serial port or pyserial URL.  [default: the board's, if only one]")
@click.option("--baud", type=int, default=CONSOLE_BAUD, show_default=True, help="Rate in bit/s.")
@click.option("--seconds", type=RealRange(min=0), help="Stop then.  [default: never]")
@click.option("--until", "wanted", metavar="TEXT", help="Stop after a line that contains TEXT.")
def console(port: str | None, baud: int, seconds: float | None, wanted: str | None) -> None:
    """Print the lines that the board sends.

    Stops with Ctrl-C, after --seconds, or after a line with the text of --until. Exit status 5
    if nothing was received, or the text did not come.
    """
    device = port or find_console(list_ports())
    line = open_port(device, baud)
    n_lines = 0
    try:
        for text in read_lines(line, seconds, device):
            click.echo(text)
            n_lines += 1
            if wanted is not None and wanted in text:
                return
    finally:
        line.close()
    if n_lines == 0:
        fix = "reset the board (SW5 of the EVKit); its jumpers P0_0 and P0_1 on JH1 must be fitted"
        raise BoardError(f"nothing received within {seconds:g} s", where=device, fix=fix)
    if wanted is not None:
        raise BoardError(f"{wanted!r} did not come within {seconds:g} s", where=device)
