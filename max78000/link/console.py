"""The board's console: whole lines from a serial port, within a time.

Prints nothing and stops for no word: who reads the lines decides that.
"""

import math
import time
from collections.abc import Callable, Iterator

from max78000.link.serial_ports import SerialLine, receive

LONGEST_LINE = 4096  # bytes; beyond this something is sending no lines, at a wrong rate perhaps

Clock = Callable[[], float]


def read_lines(
    line: SerialLine,
    seconds: float | None = None,
    device: str = "",
    clock: Clock = time.monotonic,
) -> Iterator[str]:
    r"""Lines as they arrive, without their ends, until the time is up.

    What is not text is shown as `\x07`; so a wrong rate cannot confuse a terminal. A last line
    without an end is given when the time is up.

    Args:
        line: an open port.
        seconds: how long to read; None for ever.
        device: name of the port, for messages.
        clock: seconds that only grow.

    Raises:
        BoardError: the port is gone.
    """
    deadline = math.inf if seconds is None else clock() + seconds
    pending = b""
    while clock() < deadline:
        pending += receive(line, device)
        *whole, pending = pending.split(b"\n")
        if len(pending) > LONGEST_LINE:
            whole, pending = [*whole, pending], b""
        yield from map(to_text, whole)
    if pending:
        yield to_text(pending)


def to_text(raw: bytes) -> str:
    r"""Decode a line; bytes that no terminal should see become `\xNN`."""
    text = raw.rstrip(b"\r").decode("utf-8", errors="backslashreplace")
    return "".join(
        char if char.isprintable() or char == "\t" else f"\\x{ord(char):02x}" for char in text
    )
