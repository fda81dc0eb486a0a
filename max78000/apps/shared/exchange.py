"""One request, one reply, on any open line: what clients of applications have in common.

A spoilt frame is sent again by the caller; what a payload means is the caller's, too.
"""

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from max78000.apps.shared.frames import MAX_SEQUENCE, DeviceError, Frame, FrameParser, FrameType
from max78000.errors import BoardError
from max78000.link.serial_ports import CONSOLE_BAUD, SerialLine, receive, send

N_TRIES = 3
HELLO_PERIOD_S = 0.5  # between greetings while the board starts
START_TIME_OUT_S = 10.0  # a board waits two seconds for debuggers, then fills its memories
REPLY_TIME_OUT_S = 3.0  # beyond the time on the line
CHUNK_BYTES = 1024  # 89 ms on the line
BITS_PER_BYTE = 10  # with start and stop bit
# Errors that a disturbed line explains; the others mean that host and board differ.
WORTH_A_RETRY = (DeviceError.BAD_CRC, DeviceError.TOO_LONG, DeviceError.TIME_OUT)

Clock = Callable[[], float]
Progress = Callable[[int, int], None]  # bytes sent, bytes in all


@dataclass(slots=True)
class Exchange:
    """One end of the conversation; asks one thing at a time.

    Args:
        line: an open port.
        device: its name, for messages.
        clock: seconds that only grow, of the line's own time.
    """

    line: SerialLine
    device: str = ""
    clock: Clock = time.monotonic
    _parser: FrameParser = field(default_factory=FrameParser)
    _sequence: int = 0

    def request(
        self, kind: FrameType, payload: bytes, time_out_s: float, progress: Progress | None = None
    ) -> Frame | None:
        """Send a request; give its reply, or None if none comes after the time on the line."""
        self._sequence = self._sequence % MAX_SEQUENCE + 1  # never 0, which answers the unreadable
        self._parser.reset()
        raw = Frame(kind, self._sequence, payload).to_bytes()
        deadline = self.clock() + len(raw) * BITS_PER_BYTE / CONSOLE_BAUD + time_out_s
        for start in range(0, len(raw), CHUNK_BYTES):
            send(self.line, raw[start : start + CHUNK_BYTES], self.device)
            if progress:
                progress(min(start + CHUNK_BYTES, len(raw)), len(raw))
        while self.clock() < deadline:
            for frame in self._parser.feed(receive(self.line, self.device)):
                is_error = frame.type == FrameType.ERROR
                if frame.sequence == self._sequence or (is_error and frame.sequence == 0):
                    return frame
        return None

    def greeting(self, fix: str) -> Frame:
        """Greet the board until it answers; it may have been reset a moment ago.

        Raises:
            BoardError: no answer in ten seconds; `fix` is what helps.
        """
        deadline = self.clock() + START_TIME_OUT_S
        while self.clock() < deadline:
            reply = self.request(FrameType.HELLO, b"", HELLO_PERIOD_S)
            if reply is not None and not is_retryable(reply):
                return reply
        raise BoardError(f"no answer in {START_TIME_OUT_S:g} s", where=self.device, fix=fix)

    def insist(
        self, what: str, kind: FrameType, payload: bytes, progress: Progress | None = None
    ) -> Frame:
        """Send a request up to three times, until a valid reply comes.

        Raises:
            BoardError: none comes; `what` names the request in the message.
        """
        problem = ""
        for _ in range(N_TRIES):
            reply = self.request(kind, payload, REPLY_TIME_OUT_S, progress)
            if reply is None:
                problem = f"no answer in {REPLY_TIME_OUT_S:g} s"
            elif is_retryable(reply):
                problem = f"the board reports {error_text(reply)}"
            else:
                return reply
        why = f"{what} was sent {N_TRIES} times: {problem}"
        raise BoardError(
            why, where=self.device, fix="check the cable and its length, then reset the board"
        )

    def unpack(
        self, layout: struct.Struct, reply: Frame, kind: FrameType, fix: str
    ) -> tuple[int, ...]:
        """Take the values of a reply; raises as `expect`."""
        self.expect(reply, kind, fix)
        if len(reply.payload) != layout.size:
            self.refuse(reply, fix)
        return layout.unpack(reply.payload)

    def expect(self, reply: Frame, kind: FrameType, fix: str) -> None:
        """Refuse a reply of another kind.

        Raises:
            BoardError: it is one, or an error; `fix` is what helps where host and board differ.
        """
        if reply.type != kind:
            self.refuse(reply, fix)

    def refuse(self, reply: Frame, fix: str) -> NoReturn:
        """Say what came in place of what was expected, as a `BoardError`."""
        if reply.type == FrameType.ERROR:
            why = f"the board reports {error_text(reply)}"
        else:
            why = f"unexpected reply: type 0x{reply.type:02x}, {len(reply.payload)} bytes"
        raise BoardError(why, where=self.device, fix=fix)


def is_retryable(reply: Frame) -> bool:
    """True for an error that a disturbed line explains."""
    return reply.type == FrameType.ERROR and reply.payload in [
        bytes([code]) for code in WORTH_A_RETRY
    ]


def error_text(reply: Frame) -> str:
    """An error reply in words."""
    code = int.from_bytes(reply.payload, "little")
    known = {error.value: error.name for error in DeviceError}
    return f"error {code}, {known.get(code, 'unknown here').lower().replace('_', ' ')}"
