"""An open line to an application that answers, and the clock for its time-outs.

Of a real board, or of a virtual one. Opens and times; what goes over it is the clients' business.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from max78000.board.board import VirtualBoard
from max78000.board.timeline import NS_PER_S
from max78000.errors import BoardError
from max78000.link.serial_ports import POLL_S, SerialLine, find_console, list_ports, open_port


@dataclass(frozen=True, slots=True)
class Line:
    """An open line.

    Args:
        port: bytes in, bytes out.
        device: its name, for messages.
        clock: seconds that only grow, of the board's own time.
    """

    port: SerialLine
    device: str
    clock: Callable[[], float]


def serial_line(device: str | None = None) -> Line:
    """Open a serial port; without a name the one that must be the console.

    Raises:
        BoardError: there is none, several would do, or it cannot be opened.
    """
    name = device or find_console(list_ports())
    return Line(open_port(name), name, time.monotonic)


def virtual_line(board: VirtualBoard) -> Line:
    """Open the console of a virtual board, which runs while the host waits for bytes."""
    return Line(_VirtualPort(board), "virtual board", lambda: board.timeline.now_ns / NS_PER_S)


class _VirtualPort:
    """The virtual console as a serial port; a board that can do nothing more is an error."""

    def __init__(self, board: VirtualBoard) -> None:
        self._board = board
        self._stream = board.stream()
        self._stream.timeout = POLL_S

    @property
    def in_waiting(self) -> int:
        """Number of bytes that have arrived and are not read."""
        return self._stream.in_waiting

    def read(self, size: int = 1) -> bytes:
        """Read up to `size` bytes; the board runs until they are there or `POLL_S` is over."""
        start_ns = self._board.timeline.now_ns
        data = self._stream.read(size)
        if not data and self._board.timeline.now_ns == start_ns:
            why = "the firmware has come to an end and answers no more"
            raise BoardError(why, where=self._board.place, fix="is it the right application?")
        return data

    def write(self, data: bytes) -> int:
        """Send bytes; they wait until the firmware takes them."""
        return self._stream.write(data)

    def close(self) -> None:
        """Nothing to give back."""
