"""Talks to the pose application on a board: a picture goes out, people come back.

Works on any open line, a serial port or the virtual board's. Keypoints are in pixels of the
128x128 picture that was sent; letterboxing, drawing and files are others' business. A spoilt frame
is sent again, a board that stays silent is a `BoardError`.
"""

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np

from max78000.apps.pose.arrays import Uint8s
from max78000.apps.pose.frames import MAX_SEQUENCE, DeviceError, Frame, FrameParser, FrameType
from max78000.apps.pose.person import Person
from max78000.apps.pose.skeleton import IMAGE_SIZE, N_PARTS
from max78000.errors import BoardError, InputError
from max78000.link.serial_ports import CONSOLE_BAUD, SerialLine, receive, send

N_TRIES = 3
HELLO_PERIOD_S = 0.5  # between greetings while the board starts
START_TIME_OUT_S = 10.0  # a board waits two seconds for debuggers, then fills its memories
REPLY_TIME_OUT_S = 3.0  # beyond the time on the line; network and decoder need some 20 ms
CHUNK_BYTES = 1024  # 89 ms on the line
BITS_PER_BYTE = 10  # with start and stop bit

POSITION_UNIT, VALUE_UNIT = 256, 16384  # Q8 pixels, Q14 values and scores
INFO = struct.Struct("<4HI")
TIMES = struct.Struct("<4I")
KEYPOINT = np.dtype([("x", "<i2"), ("y", "<i2"), ("value", "<i2")])
PERSON = np.dtype([("score", "<i4"), ("parts", KEYPOINT, (N_PARTS,))])
# Errors that a disturbed line explains; the others mean that host and board differ.
WORTH_A_RETRY = (DeviceError.BAD_CRC, DeviceError.TOO_LONG, DeviceError.TIME_OUT)

FIX_SILENCE = "is it the pose application? max78000 build DIR --app pose, then max78000 flash DIR"
FIX_VERSION = "build and flash the application of this version: max78000 build DIR --app pose"

Clock = Callable[[], float]
Progress = Callable[[int, int], None]  # bytes sent, bytes in all


@dataclass(frozen=True, slots=True)
class BoardInfo:
    """What the board says of itself: its picture in pixels, keypoints, most people, core clock."""

    width: int
    height: int
    n_parts: int
    max_people: int
    clock_hz: int


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Microseconds on the board: picture to accelerator, network, maps back, decoder.

    `inference_us` is 1 if the project was generated without a timer.
    """

    load_us: int
    inference_us: int
    unload_us: int
    decode_us: int


@dataclass(frozen=True, slots=True)
class PoseReply:
    """The people of one picture, best first, in its pixels; and how long it took."""

    people: tuple[Person, ...]
    times: StepTimes


@dataclass(slots=True)
class PoseClient:
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

    def hello(self) -> BoardInfo:
        """Greet the board until it answers; it may have been reset a moment ago.

        Raises:
            BoardError: no answer in ten seconds, or from something else.
        """
        deadline = self.clock() + START_TIME_OUT_S
        while self.clock() < deadline:
            reply = self._exchange(FrameType.HELLO, b"", HELLO_PERIOD_S, None)
            if reply is None or _retryable(reply):
                continue
            info = BoardInfo(*self._unpack(INFO, reply, FrameType.INFO))
            if (info.width, info.height, info.n_parts) != (IMAGE_SIZE, IMAGE_SIZE, N_PARTS):
                why = f"takes {info.width}x{info.height} pixels and finds {info.n_parts} keypoints"
                raise BoardError(
                    f"{why}, expected {IMAGE_SIZE}x{IMAGE_SIZE} and {N_PARTS}",
                    where=self.device,
                    fix=FIX_VERSION,
                )
            return info
        raise BoardError(f"no answer in {START_TIME_OUT_S:g} s", where=self.device, fix=FIX_SILENCE)

    def find_people(self, image: Uint8s, progress: Progress | None = None) -> PoseReply:
        """Send a picture, uint8 (128, 128, 3) RGB, and wait for the people in it.

        Raises:
            InputError: not such a picture.
            BoardError: no valid answer after three tries, or a refusal.
        """
        if image.shape != (IMAGE_SIZE, IMAGE_SIZE, 3) or image.dtype != np.uint8:
            raise InputError(
                f"the picture is {image.dtype} {image.shape}, "
                f"expected uint8 ({IMAGE_SIZE}, {IMAGE_SIZE}, 3)"
            )
        payload = image.tobytes()
        problem = ""
        for _ in range(N_TRIES):
            reply = self._exchange(FrameType.PICTURE, payload, REPLY_TIME_OUT_S, progress)
            if reply is None:
                problem = f"no answer in {REPLY_TIME_OUT_S:g} s"
            elif _retryable(reply):
                problem = f"the board reports {_error_text(reply)}"
            else:
                return self._read_people(reply)
        why = f"the picture was sent {N_TRIES} times: {problem}"
        raise BoardError(
            why, where=self.device, fix="check the cable and its length, then reset the board"
        )

    def _exchange(
        self, kind: FrameType, payload: bytes, time_out_s: float, progress: Progress | None
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

    def _read_people(self, reply: Frame) -> PoseReply:
        n_rest = len(reply.payload) - TIMES.size
        if reply.type != FrameType.PEOPLE or n_rest < 0 or n_rest % PERSON.itemsize:
            self._refuse(reply)
        times = StepTimes(*TIMES.unpack_from(reply.payload))
        rows = np.frombuffer(reply.payload, PERSON, offset=TIMES.size)
        return PoseReply(tuple(_person(row) for row in rows), times)

    def _unpack(self, layout: struct.Struct, reply: Frame, kind: FrameType) -> tuple[int, ...]:
        if reply.type != kind or len(reply.payload) != layout.size:
            self._refuse(reply)
        return layout.unpack(reply.payload)

    def _refuse(self, reply: Frame) -> NoReturn:
        if reply.type == FrameType.ERROR:
            raise BoardError(
                f"the board reports {_error_text(reply)}", where=self.device, fix=FIX_VERSION
            )
        why = f"unexpected reply: type 0x{reply.type:02x}, {len(reply.payload)} bytes"
        raise BoardError(why, where=self.device, fix=FIX_VERSION)


def _retryable(reply: Frame) -> bool:
    return reply.type == FrameType.ERROR and reply.payload in [
        bytes([code]) for code in WORTH_A_RETRY
    ]


def _error_text(reply: Frame) -> str:
    code = int.from_bytes(reply.payload, "little")
    known = {error.value: error.name for error in DeviceError}
    return f"error {code}, {known.get(code, 'unknown here').lower().replace('_', ' ')}"


def _person(row: np.void) -> Person:
    """Turn the board's integers into pixels and map units; exact, so equal numbers stay equal."""
    points = row["parts"]
    parts = np.stack(
        (points["x"] / POSITION_UNIT, points["y"] / POSITION_UNIT, points["value"] / VALUE_UNIT),
        axis=1,
    )
    parts[parts[:, 2] == 0, :2] = np.nan
    parts.flags.writeable = False
    return Person(parts, int(row["score"]) / VALUE_UNIT)
