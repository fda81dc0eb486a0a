"""The console's line as an object with `read` and `write`, like a serial port. No protocol here.

Reading lets the board run; time-outs are in virtual seconds, so a test of one takes no time.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from max78000.board.devices.uart import Uart
from max78000.board.timeline import NS_PER_S, Timeline


class UartStream:
    """The host's end of the line; what was sent before it was opened is still there.

    Args:
        uart: the board's end.
        timeline: measures time-outs.
        advance: lets the board run a little; False if it will do nothing more by itself.
    """

    def __init__(self, uart: Uart, timeline: Timeline, advance: Callable[[], bool]) -> None:
        self.timeout: float | None = 1.0  # virtual seconds; None waits as long as the board runs
        self._uart = uart
        self._timeline = timeline
        self._advance = advance
        self._n_read = 0

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once."""
        return len(self._uart.sent) - self._n_read

    def write(self, data: bytes) -> int:
        """Send bytes to the program; they wait until it takes them."""
        self._uart.feed(bytes(data))
        return len(data)

    def read(self, n_bytes: int = 1) -> bytes:
        """Receive bytes: fewer than asked for after the time-out, or when the board stands still.

        Raises:
            BoardError: the program makes a fault.
        """
        end_ns = None
        if self.timeout is not None:
            end_ns = self._timeline.now_ns + round(self.timeout * NS_PER_S)
            self._timeline.at(end_ns, _nothing, is_alarm=False)  # so that no poll lasts longer
        while self.in_waiting < n_bytes:
            if end_ns is not None and self._timeline.now_ns >= end_ns:
                break
            if not self._advance():
                break
        first = self._n_read
        self._n_read = min(first + n_bytes, len(self._uart.sent))
        return bytes(self._uart.sent[first : self._n_read])

    def reset_input_buffer(self) -> None:
        """Forget what was received and not read."""
        self._n_read = len(self._uart.sent)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _nothing() -> None:
    """What happens at a time-out."""
