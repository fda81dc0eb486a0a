"""Serial wire debug, one transfer at a time: acknowledge, posted reads, refused accesses.

What a CMSIS-DAP probe sends and receives; the single clock edges of the wire are not modelled.
Source: [ADI] B4 (SW-DP).
"""

from dataclasses import dataclass
from enum import IntEnum

from max78000.debug.debug_port import ABORT, CTRL_STAT, DPIDR, RDBUFF, RESEND, DebugPort


class Acknowledge(IntEnum):
    """The three bits with which the chip answers; WAIT (2) does not occur here."""

    OK = 1
    FAULT = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back: the data word of a read is 0 for writes and faults."""

    acknowledge: Acknowledge
    word: int = 0


class SerialWirePort:
    """SWD in front of a debug port. AP reads are posted: each returns the one before."""

    def __init__(self, port: DebugPort) -> None:
        self._port = port
        self._posted = 0
        self._resent = 0

    def read(self, addr: int, *, is_ap: bool) -> Answer:
        """Read a DP or AP register at address 0x0, 0x4, 0x8 or 0xC."""
        is_always_open = not is_ap and addr in (DPIDR, CTRL_STAT)
        if self._port.is_stuck and not is_always_open:
            return Answer(Acknowledge.FAULT)
        if is_ap:
            self._resent, self._posted = self._posted, self._port.read_ap(addr)
            return Answer(Acknowledge.OK, self._resent)
        if addr == RDBUFF:
            self._resent = self._posted
            return Answer(Acknowledge.OK, self._posted)
        if addr == RESEND:
            return Answer(Acknowledge.OK, self._resent)
        return Answer(Acknowledge.OK, self._port.read(addr))

    def write(self, addr: int, value: int, *, is_ap: bool) -> Answer:
        """Write a DP or AP register."""
        if not is_ap and addr == ABORT:
            self._port.abort(value)
        elif self._port.is_stuck:
            return Answer(Acknowledge.FAULT)
        elif is_ap:
            self._port.write_ap(addr, value)
        else:
            self._port.write(addr, value)
        return Answer(Acknowledge.OK)
