"""Frames on a serial line: header, payload, CRC-32; described in `docs/protocol.md`.

Bytes in, frames out. What a payload means is known to the clients of applications, and how bytes
travel to neither. The other end is `max78000/apps/shared/frame.c`.
"""

import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum

MAGIC = b"\xc7\x78"  # no ASCII character: console text never looks like a frame
VERSION = 1
HEADER = struct.Struct("<2sBBHH")  # magic, version, type, sequence number, payload length
CRC = struct.Struct("<I")
MAX_SEQUENCE = (1 << 16) - 1


class FrameType(IntEnum):
    """Requests, and replies with the top bit set."""

    HELLO = 0x01
    PICTURE = 0x02
    INPUT = 0x03
    RUN = 0x04
    ANSWER = 0x05
    MEMORY = 0x06
    INFO = 0x81
    PEOPLE = 0x82
    TAKEN = 0x83
    DONE = 0x84
    BYTES = 0x85
    NETWORK = 0x86
    ERROR = 0xFF


class DeviceError(IntEnum):
    """The one byte of an ERROR frame."""

    BAD_CRC = 1
    BAD_VERSION = 2
    TOO_LONG = 3
    BAD_TYPE = 4
    BAD_LENGTH = 5
    TIME_OUT = 6
    BAD_PLACE = 7


@dataclass(frozen=True, slots=True)
class Frame:
    """One message.

    Args:
        type: a `FrameType`; others are possible, and nobody answers them.
        sequence: 0..65535; a reply has that of its request, 0 if the board could not read it.
        payload: up to 65,535 bytes.
    """

    type: int
    sequence: int
    payload: bytes = b""

    def to_bytes(self) -> bytes:
        """Give what goes over the line."""
        header = HEADER.pack(MAGIC, VERSION, self.type, self.sequence, len(self.payload))
        body = header + self.payload
        return body + CRC.pack(zlib.crc32(body[len(MAGIC) :]))


@dataclass(slots=True)
class FrameParser:
    """Finds frames in a stream of bytes; passes over everything else.

    After anything wrong the search goes on right behind the magic that led astray, so a good frame
    is found even inside a bad one.
    """

    n_skipped_bytes: int = 0
    _pending: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes as they come; give the frames that they complete."""
        self._pending += data
        frames = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def reset(self) -> None:
        """Forget a frame that has begun."""
        self._skip(len(self._pending))

    def _next(self) -> Frame | None:
        while self._find_magic() and len(self._pending) >= HEADER.size:
            _, version, kind, sequence, n_bytes = HEADER.unpack_from(self._pending)
            if version != VERSION:
                self._skip(len(MAGIC))
                continue
            end = HEADER.size + n_bytes
            if len(self._pending) < end + CRC.size:
                return None
            (crc,) = CRC.unpack_from(self._pending, end)
            if crc == zlib.crc32(self._pending[len(MAGIC) : end]):
                frame = Frame(kind, sequence, bytes(self._pending[HEADER.size : end]))
                del self._pending[: end + CRC.size]
                return frame
            self._skip(len(MAGIC))
        return None

    def _find_magic(self) -> bool:
        """Drop what lies before a magic; the first half of one may stay at the end."""
        place = self._pending.find(MAGIC)
        if place < 0:
            ends_in_half = self._pending.endswith(MAGIC[:1])
            self._skip(len(self._pending) - ends_in_half)
            return False
        self._skip(place)
        return True

    def _skip(self, n_bytes: int) -> None:
        self.n_skipped_bytes += n_bytes
        del self._pending[:n_bytes]
